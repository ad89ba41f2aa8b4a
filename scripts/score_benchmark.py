"""Estimate pass@k from the verdicts over all parts of a benchmark."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.evaluation.scores import score_parts


def main(verdicts: list[Path], output: Path) -> None:
    """Score a benchmark.

    Args:
        verdicts: The JSON-lines files of samples with verdicts.
        output: The JSON file to write.
    """
    score_parts(verdicts, output)


if __name__ == "__main__":
    run(main)
