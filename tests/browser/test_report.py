"""The report in a real browser: it opens offline, draws its figure and runs nothing of what a model wrote."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from codeparrot.reporting.report import write_report

CHROMIUM = shutil.which("chromium")
OPTIONS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-background-networking",
    "--disable-component-update",
    "--no-first-run",
]


def figures(completion: str) -> dict[str, Any]:
    point = {"step": 2, "loss": 5.0, "perplexity": 148.4, "tokens": 100, "trained_tokens": 200, "parameters": 10}
    return {
        "parameters": 10,
        "steps": 2,
        "tokens": 200,
        "metrics": [{"tokens": 100, "loss": 6.0}, {"tokens": 200, "loss": 5.5}],
        "validation": [point],
        "yardsticks": {"uniform": 10.4, "unigram": 7.0},
        "humaneval": {"status": "not run: no sandbox", "pass_at_k": {}, "samples": []},
        "completions": [{"name": "one", "prompt": "x = ", "completion": completion, "parses": False}],
        "corpus": {"files": {"kept": 3}, "bytes": {"kept": 300}},
    }


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
def test_the_page_draws_its_figure_and_runs_nothing_that_a_model_wrote(tmp_path: Path) -> None:
    hostile = "</pre><script>document.title = 'taken over'</script><img src=x onerror=\"document.title='taken over'\">"
    write_report("a-model", figures(hostile), tmp_path / "report.html")
    command = [
        str(CHROMIUM),
        *OPTIONS,
        f"--user-data-dir={tmp_path / 'profile'}",
        "--dump-dom",
        (tmp_path / "report.html").as_uri(),
    ]
    dom = subprocess.run(command, capture_output=True, text=True, timeout=60, check=True).stdout
    assert "<title>a-model</title>" in dom and "<svg" in dom and "not run: no sandbox" in dom
    assert "<script" not in dom and "<img" not in dom and "&lt;script&gt;" in dom


def test_the_page_names_nothing_to_be_fetched(tmp_path: Path) -> None:
    write_report("a-model", figures("1"), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert 'src="' not in page and "@import" not in page and "url(http" not in page
