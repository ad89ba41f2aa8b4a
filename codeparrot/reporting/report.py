"""The report of one model: one HTML file, opened offline."""

import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

import jinja2
import orjson

from codeparrot.atomic import write_text
from codeparrot.pretraining.metrics import read_metrics
from codeparrot.reporting.code import STYLES, highlighted
from codeparrot.reporting.curves import Run, curves
from codeparrot.reporting.published import HUMANEVAL

TEMPLATE = Path(__file__).with_name("report.html.j2")


def _json(file: Path) -> Any:
    return orjson.loads(file.read_bytes())


def _run(checkpoint: Path, validation: list[Path]) -> dict[str, Any]:
    """The metrics of a run, and its validation results with the tokens that it had been trained on."""
    metrics = read_metrics(checkpoint)
    update_tokens = metrics[-1]["tokens"] // metrics[-1]["step"]
    points = [_json(file) for file in validation]
    return {"metrics": metrics, "validation": [{**point, "trained_tokens": point["step"] * update_tokens} for point in points]}


def collect(
    validation: list[Path],
    yardsticks: Path,
    scores: dict[str, Path],
    bleu: Path,
    completions: Path,
    corpus: Path,
    checkpoint: Path,
    compared: dict[str, tuple[Path, list[Path]]],
) -> dict[str, Any]:
    """Everything that the report and the model card show, read from the artefacts' JSON.

    scores: by benchmark; compared: by model its last checkpoint and its validation results.
    """
    run = _run(checkpoint, validation)
    return {
        "parameters": run["validation"][-1]["parameters"],
        "steps": run["metrics"][-1]["step"],
        "tokens": run["metrics"][-1]["tokens"],
        **run,
        "yardsticks": _json(yardsticks),
        "scores": {name: _json(file) for name, file in scores.items()},
        "bleu": _json(bleu),
        "completions": _json(completions),
        "corpus": _json(corpus),
        "compared": {name: _run(*files) for name, files in compared.items()},
    }


def write_report(model: str, figures: dict[str, Any], output: Path) -> None:
    """Write the page from what `collect` found; every text of the corpus or the model is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True)
    environment.globals |= {"exp": math.exp, "highlighted": highlighted, "styles": STYLES}
    runs = [Run(model, figures["metrics"], figures["validation"])]
    runs += [Run(name, other["metrics"], other["validation"]) for name, other in figures["compared"].items()]
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        model=model, curves=curves(runs), published=[asdict(row) for row in HUMANEVAL], **figures
    )
    write_text(output, page)
