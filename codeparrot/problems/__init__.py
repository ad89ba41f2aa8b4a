"""Benchmarks of programs: one file each, which yields problems. BENCHMARKS names them."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from codeparrot.problems import humaneval, mbpp
from codeparrot.problems.problem import Problem

BENCHMARKS: dict[str, Callable[[Path | None], list[Problem]]] = {"humaneval": humaneval.problems, "mbpp": mbpp.problems}


@dataclass(frozen=True)
class BenchmarkSettings:
    """What is sampled of a benchmark.

    Args:
        file: Its file of tasks; none for the one that its package brings.
        problems: The first so many problems; 0 for all.
        samples: Completions of each problem at each temperature (200 in the paper).
        temperatures: Of these the best is taken for each k, as the CodeParrot authors did.
        top_p: Share of the probability that is drawn from.
        max_new_tokens: Longest completion.
        seed: Seed; with a sample's name it decides the draw.
    """

    file: Path | None = None
    problems: int = 0
    samples: int = 200
    temperatures: Sequence[float] = (0.2, 0.6, 0.8)
    top_p: float = 0.95
    max_new_tokens: int = 256
    seed: int = 1


def problems_of(benchmark: str, settings: BenchmarkSettings, part: int = 0, parts: int = 1) -> list[Problem]:
    """The problems of a part: every so many, so that parts take about equally long."""
    found = BENCHMARKS[benchmark](settings.file)
    return found[: settings.problems or len(found)][part::parts]
