"""Assemble the finished model folder."""

from pathlib import Path
from typing import Any

import orjson

from codeparrot.command import run
from codeparrot.release.model_folder import assemble


def main(
    model: str,
    checkpoint: Path,
    tokenizer: Path,
    report: Path,
    figures: Path,
    artefacts: list[Path],
    settings: dict[str, Any],
    output: Path,
) -> None:
    """Assemble the model folder.

    Args:
        model: Its name.
        checkpoint: The last checkpoint.
        tokenizer: Its tokenizer.json.
        report: The HTML report.
        figures: The report's figures.
        artefacts: What it was made from, for provenance.
        settings: The settings of every stage, for provenance.
        output: The folder to write.
    """
    assemble(model, checkpoint, tokenizer, report, orjson.loads(figures.read_bytes()), artefacts, settings, output)


if __name__ == "__main__":
    run(main)
