"""Write docs/map.md: every rule with its script, library functions, artefacts and tests, and a picture of the rule graph."""

import ast
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.errors import PipelineError
from codeparrot.plan import artefacts

ROOT = Path(__file__).resolve().parent.parent
# Together these need every rule.
TARGETS = ("results/codeparrot-demo/", "results/tokenizers/codeparrot/analysis.html")
# The small tools of all stages, and what the Snakefile reads: no function of these is what a script is for.
TOOLS = {"atomic", "chance", "command", "digests", "errors", "numbering", "plan", "progress", "syntax"}
HEADER = """# Map

From a rule to its script, the library functions that it calls, the artefacts that it makes and the tests of those functions, in
pipeline order. `python scripts/draw_map.py` writes this file from the rules; a test keeps it true.

| stage | rule | script | library | artefacts | tests |
|---|---|---|---|---|---|
"""
PICTURE = """
## The rule graph

An arrow leads from a rule to one that needs its artefacts (`snakemake --rulegraph mermaid-js`).

"""


@dataclass(frozen=True)
class Rule:
    """A rule: the file it stands in, its name, its script, and the patterns of its outputs."""

    stage: str
    name: str
    script: str
    outputs: list[str]


def read_rules(root: Path) -> list[Rule]:
    """The rules in the order in which the Snakefile includes their files. PipelineError names one without a script."""
    found = []
    for stage in re.findall(r'^include: "rules/(\w+)\.smk"$', (root / "Snakefile").read_text(encoding="utf-8"), re.MULTILINE):
        text = (root / f"rules/{stage}.smk").read_text(encoding="utf-8")
        for name, block in re.findall(r"^rule (\w+):\n((?:(?: .*)?\n)+)", text, re.MULTILINE):
            scripts = re.findall(r'\$CODEPARROT/(scripts/\w+\.py)"', block)
            if not scripts:
                raise PipelineError(f"rules/{stage}.smk: rule {name}: no script in its shell; expected $CODEPARROT/scripts/…")
            output = re.split(r"\n    (?=\w)", block.partition("    output:\n")[2])[0]
            patterns = [getattr(artefacts, each) for each in re.findall(r"artefacts\.([A-Z_]+)", output)]
            found.append(Rule(stage, name, scripts[-1], list(dict.fromkeys(patterns))))
    return found


def library_functions(script: Path) -> list[tuple[str, str]]:
    """(module, function) of what a script calls of the stages' packages, in the order of its imports."""
    tree = ast.parse(script.read_text(encoding="utf-8"))
    calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
    called = [ast.unparse(call.func) for call in sorted(calls, key=lambda call: (call.lineno, call.col_offset))]
    found = []
    for node in tree.body:
        if not isinstance(node, ast.ImportFrom) or not node.module or node.module.split(".")[0] != "codeparrot":
            continue
        for alias in node.names:
            used = alias.asname or alias.name
            found += [(node.module, alias.name)] if used in called else []
            found += [(f"{node.module}.{alias.name}", name[len(used) + 1 :]) for name in called if name.startswith(f"{used}.")]
    functions = dict.fromkeys(each for each in found if each[0].split(".")[1] not in TOOLS and each[1].isidentifier())
    return [(module, function) for module, function in functions if function.islower()]


def tests_of(root: Path, functions: list[tuple[str, str]]) -> list[str]:
    """The files of tests that import one of the functions, or else something of its module."""
    wanted = {f"{module}.{function}" for module, function in functions}
    modules = {module for module, _ in functions}
    of_function, of_module = [], []
    for file in sorted((root / "tests").rglob("test_*.py")):
        nodes = [node for node in ast.walk(ast.parse(file.read_text(encoding="utf-8"))) if isinstance(node, ast.ImportFrom)]
        imported = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
        name = file.relative_to(root / "tests").as_posix()
        of_function += [name] if imported & (wanted | modules) else []
        of_module += [name] if {node.module for node in nodes} & modules else []
    return of_function or of_module


def _cell(texts: list[str]) -> str:
    return "<br>".join(f"`{text}`" for text in texts)


def _row(root: Path, rule: Rule) -> str:
    functions = library_functions(root / rule.script)
    names = [f"{module.removeprefix('codeparrot.')}.{function}" for module, function in functions]
    outputs = [pattern.removeprefix("results/") for pattern in rule.outputs]
    links = f"[{rule.name}](../rules/{rule.stage}.smk) | [{Path(rule.script).name}](../{rule.script})"
    return f"| {rule.stage} | {links} | {_cell(names)} | {_cell(outputs)} | {_cell(tests_of(root, functions))} |\n"


def rule_graph(root: Path) -> str:
    """The graph of all rules as Mermaid draws it, rules and arrows in alphabetical order. PipelineError where Snakemake fails."""
    command = [sys.executable, "-m", "snakemake", "--rulegraph", "mermaid-js", "--forceall", "-n", *TARGETS]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
    if done.returncode:
        raise PipelineError(f"{' '.join(command)}: exit code {done.returncode}: {done.stderr.strip().splitlines()[-1]}")
    names = dict(re.findall(r"(id\d+)\[(\w+)\]", done.stdout))
    arrows = sorted((names[start], names[end]) for start, end in re.findall(r"(id\d+) --> (id\d+)", done.stdout))
    return "".join(["```mermaid\nflowchart TB\n", *(f"    {start} --> {end}\n" for start, end in arrows), "```\n"])


def main(output: Path = ROOT / "docs/map.md") -> None:
    """Write the map.

    Args:
        output: The Markdown file to write.
    """
    rows = "".join(_row(ROOT, rule) for rule in read_rules(ROOT))
    write_text(output, HEADER + rows + PICTURE + rule_graph(ROOT))


if __name__ == "__main__":
    run(main)
