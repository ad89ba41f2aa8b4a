"""Write a model's report and the figures that it shows."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.reporting.report import collect, write_report


def main(
    model: str,
    validation: list[Path],
    yardsticks: Path,
    humaneval: Path,
    completions: Path,
    corpus: Path,
    checkpoint: Path,
    output: Path,
    figures: Path,
) -> None:
    """Write a model's report.

    Args:
        model: Its name.
        validation: The validation results of its checkpoints, in order.
        yardsticks: The yardsticks.
        humaneval: The HumanEval result.
        completions: The completions.
        corpus: The statistics of its corpus.
        checkpoint: The last checkpoint.
        output: The HTML file to write.
        figures: The JSON file of everything shown.
    """
    found = collect(validation, yardsticks, humaneval, completions, corpus, checkpoint)
    write_text(figures, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    write_report(model, found, output)


if __name__ == "__main__":
    run(main)
