"""The report in a real browser: it opens offline, draws its figure and runs nothing of what a model wrote."""

import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from codeparrot.reporting.report import write_report
from tests.programs import ENOUGH

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
    point = {
        "step": 2,
        "loss": 5.0,
        "perplexity": 148.4,
        "bits_a_byte": 2.5,
        "tokens": 100,
        "trained_tokens": 200,
        "parameters": 10,
    }
    point |= {"sequences": 2, "of_sequences": 4, "by_position": [{"first": 1, "last": 1, "loss": 5.0}]}
    point |= {"by_kind": {"comments": {"loss": 4.0, "bits_a_byte": 2.0, "tokens": 10}}}
    share = {"value": 0.25, "low": 0.1, "high": 0.5}
    row = {"task_id": "HumanEval/0", "temperature": 0.2, "reason": completion, "completion": completion}
    scores = {
        "status": "run",
        "problems": 1,
        "samples": 4,
        "temperatures": {"0.2": {"pass@1": share}},
        "best": {"pass@1": {**share, "temperature": 0.2}},
        "reasons": {completion: 4},
        "ended": {"stop": 4},
        "prompts_cut": [],
        "examples": [row],
    }
    return {
        "parameters": 10,
        "steps": 2,
        "tokens": 200,
        "metrics": [{"step": 1, "tokens": 100, "loss": 6.0}, {"step": 2, "tokens": 200, "loss": 5.5}],
        "validation": [point],
        "yardsticks": {"uniform": 10.4, "unigram": 7.0},
        "scores": {"humaneval": scores, "mbpp": {**scores, "status": "not run: no sandbox", "best": {}}},
        "bleu": [{"name": "the solution", "programs": 164, "bleu": 100.0, "passed": None}],
        "compared": {},
        "completions": [
            {
                "name": "one",
                "prompt": completion,
                "check": "assert x",
                "prompt_cut": 0,
                "samples": [{"completion": completion, "parses": False, "reason": completion}],
            }
        ],
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
    dom = subprocess.run(command, capture_output=True, text=True, timeout=ENOUGH, check=True).stdout
    assert "<title>a-model</title>" in dom and "<svg" in dom and "not run: no sandbox" in dom
    assert "25.00 <small>10.00–50.00</small>" in dom and "CodeParrot 110M" in dom
    assert "<script" not in dom and "<img" not in dom and "&lt;script&gt;" in dom


def test_the_page_names_nothing_to_be_fetched(tmp_path: Path) -> None:
    write_report("a-model", figures("1"), tmp_path / "report.html")
    page = (tmp_path / "report.html").read_text()
    assert 'src="' not in page and "@import" not in page and "url(http" not in page
