"""What benchmarks ask, read from their files."""

import shutil
from pathlib import Path

import orjson
import pytest

from codeparrot.errors import PipelineError
from codeparrot.evaluation.isolation import Limits
from codeparrot.evaluation.sandbox import check_trials
from codeparrot.evaluation.verdicts import trial
from codeparrot.problems import BENCHMARKS, BenchmarkSettings, problems_of
from codeparrot.problems.problem import cut

needs_bubblewrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")


MBPP = {
    "task_id": 2,
    "text": "Write a function to add two numbers.",
    "code": "def add(a, b):\r\n  return a + b",
    "test_setup_code": "",
    "test_list": ["assert add(1, 2) == 3", "assert set([add(0, 0)]) == {0}"],
    "challenge_test_list": [],
}


def write_mbpp(folder: Path, **changed: object) -> Path:
    row = {key: value for key, value in {**MBPP, **changed}.items() if value is not None}
    (folder / "mbpp.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    return folder / "mbpp.jsonl"


def test_a_prompt_has_no_white_space_around_it() -> None:
    for problem in BENCHMARKS["humaneval"](None):
        assert problem.prompt == problem.prompt.strip()


@pytest.mark.parametrize("marker", ["class", "def", "#", "@", "print", "if"])
def test_a_completion_ends_at_the_first_marker_at_column_0(marker: str) -> None:
    stops = BENCHMARKS["humaneval"](None)[0].stops
    assert cut(f"\n    return 1\n\n{marker} x\n    y\ndef z", stops) == "\n    return 1\n"
    assert cut(f"\n    a = 1\n    {marker} b", stops) == f"\n    a = 1\n    {marker} b"


def test_a_completion_without_a_marker_is_kept_whole_and_several_markers_all_go() -> None:
    stops = BENCHMARKS["humaneval"](None)[0].stops
    assert cut("\n    return 1", stops) == "\n    return 1"
    assert cut("\n    return 1\nprint(1)\nwhile True: pass\nprint(2)", stops) == "\n    return 1"


@needs_bubblewrap
def test_mbpps_solution_passes_its_assertions_and_another_program_does_not(tmp_path: Path) -> None:
    (problem,) = BENCHMARKS["mbpp"](write_mbpp(tmp_path))
    assert problem.prompt.startswith('"""\nWrite a function') and problem.names == ("add",)
    trials = [trial(problem, text) for text in (problem.solution, "\ndef add(a, b): return 3", "\npass")]
    assert [verdict.reason for verdict in check_trials(trials, Limits(), "isolated", 1)] == [
        "passed",
        "wrong answer",
        "raised NameError",
    ]


def test_a_file_of_tasks_in_humanevals_form_replaces_the_packages_own(tmp_path: Path) -> None:
    own = {
        "task_id": "Own/1",
        "prompt": "def one():\n",
        "entry_point": "one",
        "canonical_solution": "    return 1\n",
        "test": "x",
    }
    (tmp_path / "own.jsonl").write_bytes(orjson.dumps(own))
    (problem,) = problems_of("humaneval", BenchmarkSettings(file=tmp_path / "own.jsonl"))
    assert (problem.task_id, problem.prompt) == ("Own/1", "def one():")


@pytest.mark.parametrize(
    ("changed", "message"),
    [
        ({"code": None}, r"mbpp\.jsonl, line 1: field 'code': nothing: expected str"),
        ({"test_list": "assert"}, r"mbpp\.jsonl, line 1: field 'test_list': 'assert': expected list"),
        ({"text": None}, r"mbpp\.jsonl: a task lacks 'task_id' or 'text'"),
        ({"code": "def f(:"}, r"mbpp\.jsonl: task 2: no Python"),
    ],
)
def test_a_task_with_a_missing_field_is_named(tmp_path: Path, changed: dict[str, object], message: str) -> None:
    with pytest.raises(PipelineError, match=message):
        BENCHMARKS["mbpp"](write_mbpp(tmp_path, **changed))


def test_mbpp_without_its_file_says_where_to_get_it() -> None:
    with pytest.raises(PipelineError, match="benchmarks: mbpp: the key 'file' is missing"):
        BENCHMARKS["mbpp"](None)
