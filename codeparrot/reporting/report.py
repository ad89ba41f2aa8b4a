"""The report of one model: one HTML file, opened offline."""

import io
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
import orjson
from markupsafe import Markup

from codeparrot.atomic import write_text

matplotlib.use("svg")
import matplotlib.pyplot as plt

PAGE = """<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>{{ model }}</title>
<style>
body { font: 16px/1.5 system-ui, sans-serif; max-width: 52rem; margin: 2rem auto; padding: 0 1rem; color: #1b1f24; }
table { border-collapse: collapse; margin: 1rem 0; }
th, td { text-align: left; padding: .3rem .9rem .3rem 0; border-bottom: 1px solid #d8dee4; }
td.n { text-align: right; font-variant-numeric: tabular-nums; }
pre { background: #f6f8fa; padding: .8rem; overflow-x: auto; white-space: pre-wrap; font-size: 14px; }
pre b { font-weight: normal; color: #0a58ca; }
svg { max-width: 100%; height: auto; }
</style>
<h1>{{ model }}</h1>
<p>{{ "{:,}".format(parameters) }} parameters, {{ "{:,}".format(tokens) }} tokens of training in {{ "{:,}".format(steps) }} updates.</p>
<h2>Validation</h2>
<table>
<tr><th>on {{ "{:,}".format(validation[-1].tokens) }} held-out tokens<th>loss (nats a token)<th>perplexity
<tr><td>uniform guess<td class="n">{{ "%.3f"|format(yardsticks.uniform) }}<td class="n">{{ "{:,.0f}".format(perplexity(yardsticks.uniform)) }}
<tr><td>unigram distribution of the training split<td class="n">{{ "%.3f"|format(yardsticks.unigram) }}<td class="n">{{ "{:,.1f}".format(perplexity(yardsticks.unigram)) }}
{% for point in validation %}<tr><td>after {{ "{:,}".format(point.step) }} updates<td class="n">{{ "%.3f"|format(point.loss) }}<td class="n">{{ "{:,.1f}".format(point.perplexity) }}
{% endfor %}</table>
{{ curve }}
<h2>HumanEval</h2>
{% if humaneval.status == "run" %}
<p>{{ humaneval.samples|length }} samples of {{ problems }} problems{% if problems < 164 %} (a subset of the 164: not comparable with published figures){% endif %}, run in a sandbox.</p>
<table><tr>{% for k in humaneval.pass_at_k %}<th>{{ k }}{% endfor %}
<tr>{% for value in humaneval.pass_at_k.values() %}<td>{{ "%.1f %%"|format(100 * value) }}{% endfor %}</table>
<table><tr><th>problem<th>sample<th>verdict
{% for row in humaneval.samples[:20] %}<tr><td>{{ row.task_id }}<td class="n">{{ row.sample }}<td>{{ row.reason }}
{% endfor %}</table>
{% else %}<p>{{ humaneval.status }}</p>{% endif %}
<h2>Completions</h2>
{% for row in completions %}<h3>{{ row.name }}</h3>
<pre>{{ row.prompt }}<b>{{ row.completion }}</b></pre>
<p>{{ "It parses as Python." if row.parses else "It does not parse as Python." }}</p>
{% endfor %}
<h2>Corpus</h2>
<table><tr><th><th>files<th>MB
{% for name, count in corpus.files.items() %}<tr><td>{{ name }}<td class="n">{{ "{:,}".format(count) }}<td class="n">{{ "{:,.1f}".format(corpus.bytes[name] / 1e6) }}
{% endfor %}</table>
</html>
"""


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
    page = environment.from_string(PAGE).render(
        model=model, curve=drawn, problems=problems, perplexity=lambda loss: 2.718281828459045**loss, **figures
    )
    write_text(output, page)


def collect(
    validation: list[Path], yardsticks: Path, humaneval: Path, completions: Path, corpus: Path, checkpoint: Path
) -> dict[str, Any]:
    """Everything that the report and the model card show, read from the artefacts' JSON."""
    metrics = [orjson.loads(line) for line in (checkpoint / "metrics.jsonl").read_bytes().splitlines()]
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
