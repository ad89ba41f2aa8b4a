"""Run a part of a benchmark's samples in the sandbox."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.evaluation.isolation import Isolation, Limits
from codeparrot.evaluation.verdicts import check_part
from codeparrot.problems import BenchmarkSettings


def main(
    samples: Path,
    benchmark: str,
    settings: BenchmarkSettings,
    output: Path,
    limits: Limits = Limits(),
    isolation: Isolation = "isolated",
    workers: int = 2,
) -> None:
    """Check samples.

    Args:
        samples: The JSON-lines file of samples.
        benchmark: The benchmark's name.
        settings: What was sampled.
        output: The JSON-lines file of samples with verdicts to write.
        limits: What one program may use.
        isolation: What a program is kept in.
        workers: CPU cores.
    """
    check_part(samples, benchmark, settings, limits, isolation, workers, output)


if __name__ == "__main__":
    run(main)
