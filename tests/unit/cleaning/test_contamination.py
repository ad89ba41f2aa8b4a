"""Files that hold a benchmark's prompt or solution are found, under other names and white space too; others are not."""

import ast
import builtins
import json
import re
from pathlib import Path

import polars as pl
import pytest

from codeparrot.cleaning.contamination import Benchmarks
from codeparrot.cleaning.filters import Filters
from codeparrot.cleaning.shard import Recipe, clean_records
from codeparrot.problems.tasks import Task, read_tasks
from tests.conftest import record

SURROUNDINGS = "import os\n\n\ndef before(x):\n    return os.path.join(x, 'y')\n\n\n{}\n\nclass After:\n    value = 3\n"


@pytest.fixture(scope="module")
def tasks() -> list[Task]:
    return read_tasks(["humaneval"])


@pytest.fixture(scope="module")
def benchmarks(tasks: list[Task]) -> Benchmarks:
    return Benchmarks(tasks)


def missed(texts: dict[str, str], benchmarks: Benchmarks) -> list[str]:
    """The tasks that are not found in their texts."""
    found = benchmarks.found_in(pl.Series([SURROUNDINGS.format(text) for text in texts.values()]))
    return [task for number, task in enumerate(texts) if task not in found.get(number, [])]


def solved(task: Task) -> str:
    return f"def {task.name}(*arguments):\n{task.solution}"


def test_every_solution_is_found(tasks: list[Task], benchmarks: Benchmarks) -> None:
    assert len(tasks) == 164 and missed({task.id: solved(task) for task in tasks}, benchmarks) == []


def test_every_description_is_found_in_a_docstring_and_in_comments_of_other_width(
    tasks: list[Task], benchmarks: Benchmarks
) -> None:
    words = {task: task.prompt.split() for task in tasks}
    docstrings = {task.id: f'def {task.name}(x):\n    """{task.prompt}"""\n' for task in tasks}
    lines = {
        task.id: "\n".join(f"    # {' '.join(found[start : start + 5])}" for start in range(0, len(found), 5))
        + f"\ndef {task.name}(x): 1"
        for task, found in words.items()
    }
    assert missed(docstrings, benchmarks) == []
    long_enough = {task.id: lines[task.id] for task in tasks if len(re.findall(r"\w+", task.prompt)) >= 10}
    assert len(long_enough) >= 150 and missed(long_enough, benchmarks) == []


def renamed(code: str, names: set[str]) -> str:
    """The code with other names, in everything but strings and attributes."""
    parts = re.split(r"""("[^"\n]*"|'[^'\n]*')""", code)
    new = r"(?<![.\w])[A-Za-z_]\w*"
    parts[::2] = [re.sub(new, lambda match: f"other_{match[0]}" if match[0] in names else match[0], part) for part in parts[::2]]
    return "".join(parts)


def local_names(code: str) -> set[str]:
    tree = ast.parse(f"def f():\n{code}")
    names = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(tree) if isinstance(node, ast.arg)}
    return {name for name in names if name not in dir(builtins)}


def test_solutions_are_found_with_renamed_variables_and_other_white_space_quotes_and_comments(
    tasks: list[Task], benchmarks: Benchmarks
) -> None:
    def disguised(task: Task) -> str:
        code = renamed(task.solution, local_names(task.solution))
        lines = [
            f"{line}  # a remark" if number % 2 and "#" not in line else line for number, line in enumerate(code.split("\n"))
        ]
        return solved(
            Task(task.id, task.name, "", "\n\n".join(lines).replace("    ", "\t").replace(" = ", "=").replace('"', "'"))
        )

    disguises = {task.id: disguised(task) for task in tasks}
    changed = [task for task in tasks if local_names(task.solution)]
    assert len(changed) > 120 and missed(disguises, benchmarks) == []


def test_a_renaming_that_mixes_two_names_up_is_another_program(tasks: list[Task], benchmarks: Benchmarks) -> None:
    (task,) = (task for task in tasks if task.id == "HumanEval/0")
    text = SURROUNDINGS.format(solved(task).replace("elem2", "elem"))
    assert benchmarks.found_in(pl.Series([text])) == {}


def test_ordinary_code_holds_no_task(sources: list[str], benchmarks: Benchmarks) -> None:
    assert benchmarks.found_in(pl.Series(sources)) == {}


def test_a_short_solution_counts_only_in_a_function_of_its_name(benchmarks: Benchmarks) -> None:
    texts = [
        "def add(a, b):\n    return a + b\n",
        "def plus(a, b):\n    return a + b\n",
        "def add(a):\n    pass\n\ndef f(a, b):\n    return a + b\n",
    ]
    assert benchmarks.found_in(pl.Series(texts)) == {0: ["HumanEval/53"]}


def test_a_contaminated_file_is_dropped_and_listed_with_its_tasks(tmp_path: Path, tasks: list[Task]) -> None:
    texts = ["x = 1\n" * 20, solved(tasks[0])]
    recipe = Recipe(Filters(min_bytes=1, drop_no_keywords=0, min_assignments=0))
    rows = [record(text, path=f"{number}.py") for number, text in enumerate(texts)]
    figures = clean_records(rows, recipe, tmp_path / "cleaned.parquet", tmp_path / "contaminated.jsonl")
    assert figures.files == {"kept": 1, "contaminated": 1}
    assert json.loads((tmp_path / "contaminated.jsonl").read_text()) == {
        "repo_name": "owner/name",
        "path": "1.py",
        "tasks": ["HumanEval/0"],
    }


def test_tasks_in_the_form_of_mbpp_are_read_and_found(tmp_path: Path) -> None:
    lines = ["def largest(items):", "    best = items[0]", "    for item in items[1:]:", "        if item > best:"]
    code = "\n".join([*lines, "            best = item", "    return best"])
    row = {"task_id": 7, "text": "Write a function that gives the largest item of a list which is not empty.", "code": code}
    file = tmp_path / "mbpp.jsonl"
    file.write_text(json.dumps(row) + "\n")
    benchmarks = Benchmarks(read_tasks([str(file)]))
    assert benchmarks.found_in(pl.Series(["x = 1", code.replace("item", "thing"), f"# {row['text']}"])) == {
        1: ["MBPP/7"],
        2: ["MBPP/7"],
    }
