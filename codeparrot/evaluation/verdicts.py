"""Verdicts over a part of a benchmark's samples."""

import logging
from pathlib import Path
from typing import Any

import orjson

from codeparrot.atomic import write_text
from codeparrot.evaluation.isolation import Isolation, Limits, why_not_run
from codeparrot.evaluation.sandbox import Trial, check_trials
from codeparrot.problems import BenchmarkSettings, problems_of
from codeparrot.problems.problem import Problem
from codeparrot.progress import progress

log = logging.getLogger(__name__)


def trial(problem: Problem, completion: str) -> Trial:
    """The program of a prompt and its completion, with the test that it must pass."""
    return Trial(problem.prompt + completion, problem.names, problem.test, problem.setup)


def check_part(
    samples: Path,
    benchmark: str,
    settings: BenchmarkSettings,
    limits: Limits,
    isolation: Isolation,
    workers: int,
    output: Path,
) -> None:
    """Run the samples of a part in the sandbox and write them with their verdict: passed (null where not run) and reason.

    Where no sandbox exists and the config does not allow to do without, nothing runs, and each reason says why.
    """
    rows: list[dict[str, Any]] = [orjson.loads(line) for line in samples.read_bytes().splitlines()]
    missing = why_not_run(isolation)
    if missing:
        log.warning("%s not run: %s; install bubblewrap and run again with --forcerun check_benchmark", benchmark, missing)
        checked: list[dict[str, Any]] = [{**row, "passed": None, "reason": f"not run: {missing}"} for row in rows]
    else:
        problems = {problem.task_id: problem for problem in problems_of(benchmark, settings)}
        trials = [trial(problems[row["task_id"]], row["completion"]) for row in rows]
        verdicts = progress(check_trials(trials, limits, isolation, workers), "samples checked", len(rows))
        checked = [{**row, **vars(verdict)} for row, verdict in zip(rows, verdicts, strict=True)]
    write_text(output, "".join(orjson.dumps(row).decode() + "\n" for row in checked))
