"""The funnel of a corpus in a real browser: bars shrink from step to step, and no name of a repository runs."""

import shutil
from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from codeparrot.cleaning.card import STEPS
from codeparrot.reporting.corpus_page import MEANINGS, funnel, write_corpus_page

CHROMIUM = shutil.which("chromium")
HOSTILE = "<script>document.title='taken over'</script>"
FIGURES = {
    "files": {
        "quarantined": 1,
        "size": 19,
        "generated": 10,
        "kept": 70,
        "duplicate": 5,
        "near_duplicate": 5,
        "train": 50,
        "valid": 10,
    },
    "bytes": {
        "quarantined": 0,
        "size": 100,
        "generated": 4900,
        "kept": 5000,
        "duplicate": 500,
        "near_duplicate": 500,
        "train": 3500,
        "valid": 500,
    },
    "secrets": {"email": 12},
    "files_by_license": {"mit": 60},
    "files_by_repository": {HOSTILE: 60},
}


def test_the_funnel_ends_with_what_is_in_the_splits() -> None:
    raw, stages = funnel(FIGURES)
    assert (raw.files_left, raw.bytes_left) == (100, 10000) and (stages[-1].files_left, stages[-1].bytes_left) == (60, 4000)
    assert [stage.name for stage in stages] == list(STEPS) == list(MEANINGS)


@pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
def test_the_page_opens_offline_and_its_bars_shrink(tmp_path: Path) -> None:
    write_corpus_page("a-corpus", FIGURES, tmp_path / "funnel.html")
    asked: list[str] = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page()
        page.on("request", lambda request: asked.append(request.url))
        page.goto((tmp_path / "funnel.html").as_uri())
        assert page.title() == "a-corpus: what cleaning left" and page.locator("script").count() == 0
        rows = page.locator("#funnel tr")
        assert rows.count() == len(STEPS) + 2
        for kind, last in (("files", 0.6), ("bytes", 0.4)):
            widths = page.locator(f"#funnel .{kind}").evaluate_all("bars => bars.map(bar => bar.getBoundingClientRect().width)")
            assert widths == sorted(widths, reverse=True) and widths[-1] / widths[0] == pytest.approx(last, abs=0.01)
        assert HOSTILE in page.inner_text("body")
        browser.close()
    assert asked == [(tmp_path / "funnel.html").as_uri()]
