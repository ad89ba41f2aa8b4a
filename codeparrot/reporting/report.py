"""The report of one model: one HTML file, opened offline."""

import io
import math
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
import orjson
from markupsafe import Markup

from codeparrot.atomic import write_text
from codeparrot.pretraining.metrics import read_metrics

matplotlib.use("svg")
import matplotlib.pyplot as plt

TEMPLATE = Path(__file__).with_name("report.html.j2")


def curve(metrics: list[dict[str, float]], validation: list[dict[str, Any]], yardsticks: dict[str, float]) -> str:
    """Training and validation loss against tokens, as SVG text."""
    with plt.rc_context({"svg.hashsalt": "curve", "svg.fonttype": "none", "font.family": "sans-serif"}):
        figure, axes = plt.subplots(figsize=(7.5, 3.6), layout="constrained")
        axes.plot([row["tokens"] for row in metrics], [row["loss"] for row in metrics], label="training", color="#7aa6da")
        axes.plot(
            [row["trained_tokens"] for row in validation],
            [row["loss"] for row in validation],
            "o-",
            label="validation",
            color="#b5423c",
        )
        axes.axhline(yardsticks["unigram"], color="#57606a", linestyle="--", linewidth=1, label="unigram distribution")
        axes.set(xlabel="tokens seen", ylabel="loss (nats a token)")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        plt.close(figure)
    text = buffer.getvalue()
    return text[text.index("<svg") :]


def write_report(model: str, figures: dict[str, Any], output: Path) -> None:
    """Write the page from what summarise_model collected; every text of the corpus or the model is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined)
    problems = len({row["task_id"] for row in figures["humaneval"]["samples"]})
    drawn = Markup(curve(figures["metrics"], figures["validation"], figures["yardsticks"]))
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        model=model, curve=drawn, problems=problems, perplexity=math.exp, **figures
    )
    write_text(output, page)


def collect(
    validation: list[Path], yardsticks: Path, humaneval: Path, completions: Path, corpus: Path, checkpoint: Path
) -> dict[str, Any]:
    """Everything that the report and the model card show, read from the artefacts' JSON."""
    metrics = read_metrics(checkpoint)
    points = [orjson.loads(file.read_bytes()) for file in validation]
    update_tokens = metrics[-1]["tokens"] // metrics[-1]["step"]
    for point in points:
        point["trained_tokens"] = point["step"] * update_tokens
    return {
        "parameters": points[-1]["parameters"],
        "steps": metrics[-1]["step"],
        "tokens": metrics[-1]["tokens"],
        "metrics": metrics,
        "validation": points,
        "yardsticks": orjson.loads(yardsticks.read_bytes()),
        "humaneval": orjson.loads(humaneval.read_bytes()),
        "completions": orjson.loads(completions.read_bytes()),
        "corpus": orjson.loads(corpus.read_bytes()),
    }
