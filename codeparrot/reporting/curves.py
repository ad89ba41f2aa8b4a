"""Loss and perplexity of several runs in one figure, against tokens and against updates, as in the book's figure 10-7."""

import io
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import matplotlib
from markupsafe import Markup

from codeparrot.reporting.published import FIGURE_10_7

matplotlib.use("svg")
import matplotlib.pyplot as plt

COLOURS = ("#b5423c", "#33658a", "#758e4f", "#86517d", "#c98a2b")
OF_OTHERS = ("#8c959f", "#57606a")


@dataclass(frozen=True)
class Run:
    """A run's history.

    Args:
        metrics: Lines with step, tokens and loss.
        validation: Results with step, trained_tokens and perplexity.
    """

    name: str
    metrics: Sequence[dict[str, Any]]
    validation: Sequence[dict[str, Any]]


def curves(runs: Sequence[Run], published: bool = True) -> Markup:
    """Training loss and validation perplexity on logarithmic axes, as SVG text; with the book's two runs, if wanted."""
    with plt.rc_context({"svg.hashsalt": "curves", "svg.fonttype": "none", "font.family": "sans-serif", "font.size": 9}):
        figure, axes = plt.subplots(2, 2, figsize=(9, 6.4), layout="constrained", sharey="col")
        for run, colour in zip(runs, COLOURS, strict=False):
            for row, (of_metrics, of_validation) in enumerate((("tokens", "trained_tokens"), ("step", "step"))):
                axes[row, 0].plot(
                    [line[of_metrics] for line in run.metrics],
                    [line["loss"] for line in run.metrics],
                    color=colour,
                    label=run.name,
                )
                points = [point for point in run.validation if point["perplexity"] is not None]
                axes[row, 1].plot(
                    [point[of_validation] for point in points], [point["perplexity"] for point in points], "o-", color=colour
                )
        for other, colour in zip(FIGURE_10_7 if published else (), OF_OTHERS, strict=False):
            for row, unit in enumerate((1, other.update_tokens)):
                for column, values in enumerate((other.loss, other.perplexity)):
                    style = {"color": colour, "linestyle": "--", "linewidth": 1}
                    label = other.name if not column else None
                    axes[row, column].plot(
                        [tokens / unit for tokens, _ in values], [value for _, value in values], label=label, **style
                    )
        for row, of_what in enumerate(("tokens seen", "updates")):
            axes[row, 0].set(xlabel=of_what, ylabel="training loss (nats a token)")
            axes[row, 1].set(xlabel=of_what, ylabel="validation perplexity")
        for each in axes.flat:
            each.set(xscale="log", yscale="log")
            each.yaxis.set_major_formatter("{x:g}")
            each.yaxis.set_minor_formatter(matplotlib.ticker.NullFormatter())
            each.spines[["top", "right"]].set_visible(False)
        axes[0, 0].legend(frameon=False)
        buffer = io.StringIO()
        figure.savefig(buffer, format="svg", metadata={"Date": None})
        plt.close(figure)
    text = buffer.getvalue()
    return Markup(text[text.index("<svg") :])
