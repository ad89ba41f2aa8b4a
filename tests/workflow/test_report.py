"""Snakemake's own report shows what each stage made."""

import json
from pathlib import Path
from typing import Any

from tests.conftest import snakemake


def embedded(page: str, name: str) -> Any:
    """What a Snakemake report holds in its script `name`."""
    script = page.index(f'<script id="{name}">')
    return json.JSONDecoder().raw_decode(page[page.index("=", script + len(f'<script id="{name}">')) + 1 :].lstrip())[0]


def test_snakemakes_report_has_a_category_for_each_stage_and_a_caption_for_each_result(built: Path, tmp_path: Path) -> None:
    targets = ("results/tiny/", "results/tokenizers/tiny/analysis.html")
    assert snakemake(built, *targets).returncode == 0
    done = snakemake(built, "--report", str(tmp_path / "report.html"), *targets)
    assert done.returncode == 0, done.stdout
    page = (tmp_path / "report.html").read_text()
    assert all(result["caption"] for result in embedded(page, "results").values())
    shown = {
        category: {Path(file).name for files in parts.values() for file in files}
        for category, parts in embedded(page, "categories").items()
    }
    assert shown == {
        "Corpus": {"funnel.html"},
        "Tokenizer": {"analysis.html"},
        "Pretraining": {"metrics.jsonl"},
        "Evaluation": {"validation.json", "scores.json", "completions.json"},
        "Report": {"report.html"},
        "Release": {"README.md", "provenance.json"},
    }
