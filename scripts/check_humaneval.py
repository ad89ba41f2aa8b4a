"""Run HumanEval samples in the sandbox and estimate pass@k."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.evaluation.humaneval import check_samples
from codeparrot.evaluation.sandbox import Limits


def main(samples: Path, output: Path, limits: Limits = Limits(), workers: int = 2) -> None:
    """Check HumanEval samples.

    Args:
        samples: The JSON-lines file of samples.
        output: The JSON file to write.
        limits: What one program may use.
        workers: Programs run at once.
    """
    check_samples(samples, limits, workers, output)


if __name__ == "__main__":
    run(main)
