"""What a rule's result depends on besides its inputs: a digest of the code that it runs.

The digest covers the script and every module of this library that it imports, directly or not, read from their syntax
trees without comments, docstrings and layout, and the templates (MODULE.*.j2) beside them. So a reformatting or a fresh
checkout changes nothing, and a changed expression changes the digest of exactly the scripts that can reach it.
"""

import ast
import hashlib
from functools import cache
from pathlib import Path

PACKAGE = "codeparrot"


def _without_docstrings(tree: ast.Module) -> ast.Module:
    for node in ast.walk(tree):
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[0] if node.body else None
            if isinstance(first, ast.Expr) and isinstance(first.value, ast.Constant) and isinstance(first.value.value, str):
                node.body = node.body[1:]
    return tree


def _module_file(root: Path, module: str) -> Path | None:
    base = root.joinpath(*module.split("."))
    for candidate in (base.with_suffix(".py"), base / "__init__.py"):
        if candidate.is_file():
            return candidate
    return None


def _imported_modules(tree: ast.Module) -> set[str]:
    names: set[str] = set()
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            names.update(alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module and not node.level:
            names.update({node.module, *(f"{node.module}.{alias.name}" for alias in node.names)})
    own = {name for name in names if name.split(".")[0] == PACKAGE}
    # Importing a.b.c runs a and a.b first.
    return {".".join(name.split(".")[:depth]) for name in own for depth in range(1, name.count(".") + 2)}


@cache
def _normalised(file: Path) -> tuple[str, frozenset[str]]:
    tree = ast.parse(file.read_text(encoding="utf-8"), filename=str(file))
    imported = frozenset(_imported_modules(tree))
    return ast.dump(_without_docstrings(tree)), imported


def code_files(root: Path, script: str) -> list[Path]:
    """The script and all library modules that it imports, directly or not, in a fixed order."""
    pending, found = [root / script], set[Path]()
    while pending:
        file = pending.pop()
        if file in found:
            continue
        found.add(file)
        modules = (_module_file(root, module) for module in _normalised(file)[1])
        pending.extend(module for module in modules if module)
    return sorted(found)


@cache
def code_digest(root: Path, stage: str) -> str:
    """16 hexadecimal digits over the code that `root`/scripts/`stage`.py runs."""
    digest = hashlib.sha256()
    for file in code_files(root, f"scripts/{stage}.py"):
        digest.update(f"{file.relative_to(root).as_posix()}\0{_normalised(file)[0]}\0".encode())
        for template in sorted(file.parent.glob(f"{file.stem}.*.j2")):
            digest.update(template.read_bytes())
    return digest.hexdigest()[:16]
