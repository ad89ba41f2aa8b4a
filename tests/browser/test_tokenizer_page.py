"""The analysis in a real browser: it opens offline, draws its charts, and tokenises as the library does."""

import shutil
from collections.abc import Iterator
from typing import Any

import polars as pl
import pytest
from playwright.sync_api import Page, sync_playwright

from codeparrot.reporting.tokenizer_page import SNIPPETS, write_page
from codeparrot.tokenizer.analysis import AnalysisSettings, analyse
from codeparrot.tokenizer.compared import Compared
from codeparrot.tokenizer.importing import import_tokenizer
from codeparrot.tokenizer.training import TokenizerSettings, build_tokenizer, learn_merges, write_merges

CHROMIUM = shutil.which("chromium")
pytestmark = pytest.mark.skipif(not CHROMIUM, reason="chromium is not installed")
HOSTILE = "</script><script>document.title = 'taken over'</script><img src=x onerror=\"document.title='taken over'\">"


@pytest.fixture(scope="module")
def compared(tmp_path_factory: pytest.TempPathFactory, sources: list[str]) -> list[Compared]:
    """Two tokenizers of ours, with either pre-tokenizer, and GPT-2's."""
    folder = tmp_path_factory.mktemp("tokenizers")
    made = {"gpt2": import_tokenizer("gpt2")}
    for pre_tokenizer in ("gpt2", "code"):
        merges = learn_merges(iter(sources), 2000, pre_tokenizer)
        write_merges(merges, folder / f"{pre_tokenizer}.txt")
        made[f"own-{pre_tokenizer}"] = build_tokenizer(merges, TokenizerSettings(1000, (), pre_tokenizer))
    for name, tokenizer in made.items():
        tokenizer.save(str(folder / f"{name}.json"))
    return [Compared(name, folder / f"{name}.json") for name in ("own-gpt2", "own-code", "gpt2")]


@pytest.fixture(scope="module")
def opened(
    compared: list[Compared], sources: list[str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[tuple[Page, list[str]]]:
    """The page, open, and whatever the browser complained of or fetched."""
    folder = tmp_path_factory.mktemp("page")
    pl.DataFrame({"content": [*sources[:5], HOSTILE]}).write_parquet(folder / "texts.parquet")
    texts = folder / "texts.parquet"
    settings = AnalysisSettings(sizes=(500, 1000), words=("being", HOSTILE))
    found = analyse(compared, compared[0].file.parent / "gpt2.txt", "gpt2", texts, texts, settings, 1)
    write_page(found, compared, folder / "analysis.html")
    seen: list[str] = []
    with sync_playwright() as tools:
        browser = tools.chromium.launch(executable_path=CHROMIUM, args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": 1200, "height": 800})
        page.on("console", lambda message: seen.append(message.text))
        page.on("pageerror", lambda error: seen.append(str(error)))
        page.on("request", lambda request: seen.append(request.url))
        page.goto((folder / "analysis.html").as_uri())
        yield page, seen
        browser.close()


def shown(page: Page, side: str) -> list[int]:
    found: Any = page.eval_on_selector_all(f"#{side}-tokens .token", "all => all.map(each => +each.dataset.id)")
    return list(found)


def test_nothing_is_fetched_and_nothing_is_complained_of(opened: tuple[Page, list[str]]) -> None:
    page, seen = opened
    assert seen == [page.url]


def test_the_charts_are_drawn_and_fit_the_window(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    boxes = [chart.bounding_box() for chart in page.query_selector_all("svg")]
    assert len(boxes) == 2 and all(box and box["width"] > 400 and box["height"] > 150 for box in boxes)
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_what_stands_in_a_config_or_corpus_is_text_and_nothing_more(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    assert page.title() == "Tokenizer own-gpt2" and page.query_selector("img") is None
    assert HOSTILE in [cell.text_content() for cell in page.query_selector_all("td")]


def test_the_page_tokenises_as_the_library_does(
    opened: tuple[Page, list[str]], compared: list[Compared], sources: list[str]
) -> None:
    page, _ = opened
    texts = [*SNIPPETS.values(), sources[0][:2000], "x\u0085y\ufeffz\u2028 \u3000a  'size' it's 12 34", ""]
    for number, each in enumerate(compared):
        page.select_option("#left-tokenizer", str(number))
        for text in texts:
            page.fill("#text", text)
            assert shown(page, "left") == each.ids([text])[0].tolist(), (each.name, text)


def test_the_side_by_side_view_works_by_keyboard(opened: tuple[Page, list[str]], compared: list[Compared]) -> None:
    page, _ = opened
    page.focus("#snippet")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "text"
    page.keyboard.press("Control+A")
    page.keyboard.type("def f(variable): return variable")
    page.keyboard.press("Tab")
    assert page.evaluate("document.activeElement.id") == "left-tokenizer"
    page.keyboard.press("Home")
    page.keyboard.press("Tab")
    page.keyboard.press("ArrowRight")
    page.keyboard.press("End")
    count = len(compared[0].ids(["def f(variable): return variable"])[0])
    assert str(page.text_content("#status")).startswith(f"token {count} of {count}: “")
    assert page.query_selector_all("#right-tokens .marked"), "the same bytes are not shown in the other pane"
    page.keyboard.press("ArrowLeft")
    assert str(page.text_content("#status")).startswith(f"token {count - 1} of")


def test_a_page_can_be_printed(opened: tuple[Page, list[str]]) -> None:
    page, _ = opened
    page.emulate_media(media="print")
    assert not page.is_visible("nav") and page.is_visible("#compression") and page.pdf().startswith(b"%PDF")
    page.emulate_media(media="screen")
