"""Write a model's report and the figures that it shows."""

from dataclasses import dataclass
from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.reporting.report import collect, write_report


@dataclass(frozen=True)
class Compared:
    """A model that the curves show, too.

    Args:
        checkpoint: Its last checkpoint.
        validation: The validation results of its checkpoints, in order.
    """

    checkpoint: Path
    validation: list[Path]


def main(
    model: str,
    validation: list[Path],
    yardsticks: Path,
    scores: dict[str, Path],
    bleu: Path,
    completions: Path,
    corpus: Path,
    checkpoint: Path,
    output: Path,
    figures: Path,
    compared: dict[str, Compared] = {},  # noqa: B006  (read only; jsonargparse shows it)
) -> None:
    """Write a model's report.

    Args:
        model: Its name.
        validation: The validation results of its checkpoints, in order.
        yardsticks: The yardsticks.
        scores: The scores by benchmark.
        bleu: The table of BLEU and pass rate.
        completions: The completions.
        corpus: The statistics of its corpus.
        checkpoint: The last checkpoint.
        output: The HTML file to write.
        figures: The JSON file of everything shown.
        compared: Other models by name.
    """
    others = {name: (other.checkpoint, other.validation) for name, other in compared.items()}
    found = collect(validation, yardsticks, scores, bleu, completions, corpus, checkpoint, others)
    write_text(figures, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    write_report(model, found, output)


if __name__ == "__main__":
    run(main)
