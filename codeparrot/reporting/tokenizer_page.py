"""The analysis of a tokenizer as one HTML file that opens offline, with a live view of two tokenizers side by side."""

import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import jinja2
import matplotlib
import orjson
from markupsafe import Markup

from codeparrot.atomic import write_text
from codeparrot.byte_level.alphabet import CHARACTERS, to_characters
from codeparrot.tokenizer.compared import Compared
from codeparrot.tokenizer.text_kinds import KINDS

matplotlib.use("svg")
import matplotlib.pyplot as plt

TEMPLATE = Path(__file__).with_name("tokenizer_page.html.j2")
SCRIPT = Path(__file__).with_name("tokenizer_page.script.j2")
COLOURS = ("#b5423c", "#33658a", "#758e4f", "#8a6fb0", "#b08930", "#57606a")
SNIPPETS = {
    "nested loops": (
        "class Matrix:\n    def multiply(self, other):\n        for i in range(len(self.rows)):\n"
        "            for j in range(len(other.columns)):\n                self.rows[i][j] *= other.columns[j][i]\n"
    ),
    "a docstring": 'def area_of_rectangle(a: float, b: float):\n    """Return the area of the rectangle."""\n    return a * b\n',
    "numbers and strings": "TABLE = {'size': 32768, 'rate': 5e-4, \"name\": 'code-parrot', 'ids': [0, 12500, 50257]}\n",
    "not English": "# Zähle die Wörter – считать слова – 数一下单词 🙂\nanzahl = len(text.split())\n",
}


def _svg(figure: Any) -> Markup:
    buffer = io.StringIO()
    figure.savefig(buffer, format="svg", metadata={"Date": None})
    plt.close(figure)
    text = buffer.getvalue()
    return Markup(text[text.index("<svg") :])


def _style(salt: str) -> dict[str, str]:
    return {"svg.hashsalt": salt, "svg.fonttype": "none", "font.family": "sans-serif"}


def kinds_chart(tokenizers: list[dict[str, Any]]) -> Markup:
    """Bytes a token by kind of text, with 95% intervals, as SVG text."""
    kinds = [*KINDS, "all"]
    with plt.rc_context(_style("kinds")):
        figure, axes = plt.subplots(figsize=(8, 4.4), layout="constrained")
        for number, row in enumerate(tokenizers):
            shift = 0.6 * (number + 0.5) / len(tokenizers) - 0.3
            measured = [row["compression"]["bytes a token"][kind] for kind in kinds]
            found = [(place + shift, each) for place, each in enumerate(measured) if each]
            values = [each["value"] for _, each in found]
            below = [each["value"] - each.get("low", each["value"]) for _, each in found]
            above = [each.get("high", each["value"]) - each["value"] for _, each in found]
            colour = COLOURS[number % len(COLOURS)]
            places = [place for place, _ in found]
            axes.errorbar(values, places, xerr=[below, above], fmt="o", color=colour, capsize=3, markersize=5, label=row["name"])
        axes.set(yticks=range(len(kinds)), yticklabels=kinds, xlabel="bytes a token (more is shorter)")
        axes.invert_yaxis()
        axes.set_xlim(left=0)
        axes.grid(axis="x", color="#e4e8ec")
        axes.legend(frameon=False)
        axes.spines[["top", "right"]].set_visible(False)
        return _svg(figure)


def sizes_chart(sizes: list[dict[str, Any]], entries: int) -> Markup:
    """Bytes a token, and the training compute of a byte, against the size of the vocabulary, as SVG text."""
    with plt.rc_context(_style("sizes")):
        figure, (left, right) = plt.subplots(1, 2, figsize=(8, 3.4), layout="constrained")
        places = [row["entries"] for row in sizes]
        left.plot(places, [row["bytes a token"] for row in sizes], "o-", color=COLOURS[0])
        left.set(ylabel="bytes a token")
        for number, shape in enumerate(sizes[0]["flops a byte"] if sizes else ()):
            lowest = min(row["flops a byte"][shape] for row in sizes)
            values = [row["flops a byte"][shape] / lowest for row in sizes]
            right.plot(places, values, "o-", color=COLOURS[number + 1], label=shape)
        right.set(ylabel="compute of a byte / lowest")
        for axes in (left, right):
            axes.set_xscale("log", base=2)
            axes.set(xlabel="entries")
            axes.set_xticks([4096, 8192, 16384, 32768, 65536], ["4k", "8k", "16k", "32k", "64k"])
            axes.axvline(entries, color="#57606a", linestyle="--", linewidth=1)
            axes.spines[["top", "right"]].set_visible(False)
        if sizes:
            right.legend(frameon=False)
        return _svg(figure)


def _live(compared: Sequence[Compared]) -> list[dict[str, Any]]:
    """What the page needs to tokenise by itself: for each byte-level tokenizer its pattern, and its tokens by id."""
    found = []
    for each in compared:
        if each.encoder:
            entries = [""] * each.entries
            for token, number in each.encoder.ranks.items():
                entries[number] = to_characters(token)
            # JavaScript's white space is not Unicode's.
            pattern = each.encoder.pattern.replace(r"\S", r"\P{White_Space}").replace(r"\s", r"\p{White_Space}")
            found.append({"name": each.name, "pattern": pattern, "tokens": " ".join(entries)})
    return found


def write_page(analysis: dict[str, Any], compared: Sequence[Compared], output: Path) -> None:
    """Write the page of an analysis; whatever comes from the corpus, the config or a vocabulary is escaped."""
    environment = jinja2.Environment(autoescape=True, undefined=jinja2.StrictUndefined, trim_blocks=True, lstrip_blocks=True)
    data = {
        "tokenizers": _live(compared),
        "characters": [CHARACTERS[byte] for byte in range(256)],
        "snippets": {"the chapter's example": analysis["example"], **SNIPPETS},
    }
    # Inside a script element only "</" and "<!--" could end it.
    embedded = Markup(orjson.dumps(data).decode().replace("<", "\\u003c"))
    page = environment.from_string(TEMPLATE.read_text(encoding="utf-8")).render(
        kinds=[*KINDS, "all"],
        kinds_chart=kinds_chart(analysis["tokenizers"]),
        sizes_chart=sizes_chart(analysis["sizes"], analysis["tokenizers"][0]["entries"]),
        data=embedded,
        script=Markup(SCRIPT.read_text(encoding="utf-8")),
        **{key.replace(" ", "_"): value for key, value in analysis.items()},
    )
    write_text(output, page)
