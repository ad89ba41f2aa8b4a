"""The library's packages are the stages, in an order that imports follow."""

import ast
from itertools import pairwise
from pathlib import Path

from tests.conftest import REPOSITORY

LIBRARY = REPOSITORY / "codeparrot"
# The small tools of all stages: all that lies beside the packages.
TOOLS = ["atomic", "chance", "command", "digests", "errors", "numbering", "progress", "syntax"]
# What two stages know before either begins, then the stages themselves.
STAGES = ["byte_level", "problems", "corpus", "cleaning", "tokenizer", "tokens", "model", "pretraining", "evaluation"]
STAGES += ["reporting", "release"]


def imported(file: Path) -> set[str]:
    """The modules and packages at the top of the library that a file imports something of."""
    nodes = [node for node in ast.walk(ast.parse(file.read_text())) if isinstance(node, ast.ImportFrom)]
    names = {f"{node.module}.{alias.name}" for node in nodes for alias in node.names}
    return {name.split(".")[1] for name in names if name.startswith("codeparrot.")}


def test_the_library_holds_stages_their_tools_and_the_plan() -> None:
    assert {file.stem for file in LIBRARY.glob("*.py")} - {"__init__"} == set(TOOLS)
    assert {file.parent.name for file in LIBRARY.glob("*/__init__.py")} == {*STAGES, "plan"}


def test_no_stage_imports_a_later_one_and_no_tool_a_stage() -> None:
    for number, stage in enumerate(STAGES):
        for file in (LIBRARY / stage).rglob("*.py"):
            assert imported(file) <= {*TOOLS, *STAGES[: number + 1]}, file
    for tool in TOOLS:
        assert imported(LIBRARY / f"{tool}.py") <= set(TOOLS), tool


def test_rules_are_included_in_the_order_of_their_stages() -> None:
    snakefile = (REPOSITORY / "Snakefile").read_text()
    places = [
        snakefile.index(f'include: "rules/{stage}.smk"')
        for stage in ("corpus", "clean", "tokenizer", "tokens", "model", "pretrain", "evaluate", "report", "release")
    ]
    assert all(before < after for before, after in pairwise(places))


def test_unit_tests_lie_in_folders_like_the_librarys() -> None:
    folders = {file.parent.name for file in (REPOSITORY / "tests/unit").glob("*/test_*.py")}
    assert folders <= {*STAGES, "plan", "scripts"}


def test_no_file_is_longer_than_a_reader_keeps_in_mind() -> None:
    for place in ("codeparrot", "scripts", "rules", "tests", "benchmarks"):
        for file in (REPOSITORY / place).rglob("*"):
            if file.suffix in (".py", ".smk", ".j2"):
                assert len(file.read_text().splitlines()) <= 350, file
