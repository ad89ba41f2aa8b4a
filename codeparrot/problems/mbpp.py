"""MBPP: functions to write from a sentence and three assertions (Austin et al. 2021, arXiv:2108.07732)."""

import ast
from pathlib import Path

from codeparrot.errors import PipelineError
from codeparrot.problems.problem import Problem, rows

# Those of bigcode-evaluation-harness; a program may have several functions.
STOPS = ("\nclass", "\nassert", '\n"""', "\nprint", "\nif")


def _named(code: str, tests: str) -> tuple[str, ...]:
    """What the code defines and the tests use."""
    defined = [node.name for node in ast.parse(code).body if isinstance(node, ast.FunctionDef | ast.ClassDef)]
    used = {node.id for node in ast.walk(ast.parse(tests)) if isinstance(node, ast.Name)}
    return tuple(name for name in defined if name in used)


def problems(file: Path | None) -> list[Problem]:
    """The problems of mbpp.jsonl; also those of its sanitized form, which calls `text` `prompt`.

    The prompt is a docstring of the sentence and the assertions (bigcode-evaluation-harness, after InCoder's).
    """
    if file is None:
        raise PipelineError("benchmarks: mbpp: the key 'file' is missing: expected the path of mbpp.jsonl (google-research/mbpp)")
    found = []
    for row in rows(file, {"code": str, "test_list": list}):
        text = row.get("text", row.get("prompt"))
        if "task_id" not in row or not isinstance(text, str):
            raise PipelineError(f"{file}: a task lacks 'task_id' or 'text'; expected both")
        code, tests = str(row["code"]), "\n".join(map(str, row["test_list"]))  # type: ignore[call-overload]
        imports = row.get("test_imports") or []
        setup = "\n".join([*map(str, imports), str(row.get("test_setup_code", ""))])  # type: ignore[call-overload]
        try:
            names = _named(code, tests)
        except (SyntaxError, ValueError) as error:
            raise PipelineError(f"{file}: task {row['task_id']}: no Python ({error}); expected code and assertions") from error
        prompt = f'"""\n{text}\n{tests}\n"""'
        found.append(Problem(f"MBPP/{row['task_id']}", prompt, names, tests, setup, "\n" + code.replace("\r\n", "\n"), STOPS))
    return found
