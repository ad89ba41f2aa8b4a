"""Measure BLEU and pass rate of right and wrong programs."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.evaluation.bleu import measure
from codeparrot.evaluation.isolation import Isolation


def main(output: Path, isolation: Isolation = "isolated", workers: int = 2) -> None:
    """Compare BLEU with pass rate.

    Args:
        output: The JSON file to write.
        isolation: What programs are kept in.
        workers: CPU cores.
    """
    measure(isolation, workers, output)


if __name__ == "__main__":
    run(main)
