"""What cleaning left of a corpus, as one HTML file that opens offline: a funnel of files and bytes, step by step."""

from dataclasses import dataclass
from pathlib import Path

import jinja2

from codeparrot.atomic import write_text
from codeparrot.cleaning.card import STEPS, Statistics

TEMPLATE = Path(__file__).with_name("corpus_page.html.j2")
MEANINGS = {
    "quarantined": "lines of raw shards that are no records",
    "license": "licence not on the list",
    "size": "too small or too large",
    "generated": "says that a program wrote it",
    "longest_line": "a line too long",
    "mean_line": "lines too long on average",
    "alphanumeric": "too few letters and digits",
    "config_or_test": "configuration or test, by chance",
    "no_keywords": "no def, class, for or while, by chance",
    "few_assignments": "too few assignments",
    "characters_a_token": "too few characters a token",
    "syntax": "does not parse",
    "language": "comments in another language",
    "contaminated": "holds a task of a benchmark",
    "duplicate": "equal to another file but for white space",
    "near_duplicate": "nearly equal to another file",
}


@dataclass(frozen=True)
class Stage:
    """A step of the funnel: what it removed, and what was left after it as shares of the raw corpus."""

    name: str
    meaning: str
    files: int
    bytes: int
    files_left: int
    bytes_left: int
    files_share: float
    bytes_share: float


def funnel(figures: Statistics) -> tuple[Stage, list[Stage]]:
    """The raw corpus, and the steps in their order, each with what was left after it."""
    units = ("files", "bytes")
    left = {unit: sum(figures[unit].get(step, 0) for step in (*STEPS, "train", "valid")) for unit in units}
    raw = dict(left)
    stages = []
    for step in STEPS:
        lost = {unit: figures[unit].get(step, 0) for unit in units}
        left = {unit: left[unit] - lost[unit] for unit in units}
        shares = {unit: left[unit] / max(raw[unit], 1) for unit in units}
        stages.append(
            Stage(
                step, MEANINGS[step], lost["files"], lost["bytes"], left["files"], left["bytes"], shares["files"], shares["bytes"]
            )
        )
    return Stage("raw", "all lines of the raw shards", 0, 0, raw["files"], raw["bytes"], 1.0, 1.0), stages


def write_corpus_page(corpus: str, figures: Statistics, output: Path) -> None:
    """Write the page of a corpus's statistics. Names of licences and repositories are escaped."""
    template = jinja2.Environment(autoescape=True, trim_blocks=True, undefined=jinja2.StrictUndefined).from_string(
        TEMPLATE.read_text()
    )
    raw, stages = funnel(figures)
    licences = sorted(figures["files_by_license"].items(), key=lambda item: (-item[1], item[0]))
    repositories = sorted(figures["files_by_repository"].items(), key=lambda item: (-item[1], item[0]))
    page = template.render(corpus=corpus, raw=raw, stages=stages, figures=figures, licences=licences, repositories=repositories)
    write_text(output, page)
