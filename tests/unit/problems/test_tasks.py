"""Benchmarks' tasks as a corpus must not hold them, read from their files."""

from pathlib import Path

import pytest

from codeparrot.errors import PipelineError
from codeparrot.problems.tasks import read_tasks


@pytest.mark.parametrize("line", ["{", '{"task_id": 1, "text": "x"}', '{"task_id": 1, "text": "x", "code": "def"}', "[]"])
def test_a_row_that_is_no_task_is_named(tmp_path: Path, line: str) -> None:
    file = tmp_path / "tasks.jsonl"
    file.write_text(line + "\n")
    with pytest.raises(PipelineError, match=r"tasks\.jsonl, line 1: no task .* expected task_id"):
        read_tasks([str(file)])


def test_a_benchmark_that_is_not_there_is_named() -> None:
    with pytest.raises(PipelineError, match=r"decontaminate: 'nowhere\.jsonl': no such file; expected humaneval or"):
        read_tasks(["nowhere.jsonl"])
