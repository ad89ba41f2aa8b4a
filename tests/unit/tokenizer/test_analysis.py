"""What the analysis says of a tokenizer, against texts of which the answer is known."""

from pathlib import Path

import numpy as np
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, models, pre_tokenizers

from codeparrot.errors import PipelineError
from codeparrot.tokenizer import measures, vocabulary
from codeparrot.tokenizer.analysis import AnalysisSettings, analyse, size_curve
from codeparrot.tokenizer.compared import Compared
from codeparrot.tokenizer.importing import import_tokenizer
from codeparrot.tokenizer.text_kinds import KINDS, PARTS, kinds_of_bytes
from codeparrot.tokenizer.training import TokenizerSettings, build_tokenizer, learn_merges, write_merges

SOURCE = '''"""Module."""
import os  # ünïcödé äöü

class A:
    def f(self, x=12):
        """Do it."""
        if x:
            return f"a{os}b" + "text"
'''


def save(folder: Path, name: str, tokenizer: Tokenizer) -> Compared:
    (folder / name).mkdir()
    tokenizer.save(str(folder / name / "tokenizer.json"))
    return Compared(name, folder / name / "tokenizer.json")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory, sources: list[str]) -> Path:
    """Samples, merges, and a tokenizer of 1,000 entries."""
    place = tmp_path_factory.mktemp("tokenizer")
    merges = learn_merges(iter(sources), 3000, "gpt2")
    write_merges(merges, place / "merges.txt")
    save(place, "small", build_tokenizer(merges, TokenizerSettings(1000)))
    for name, texts in (("train", sources), ("valid", [*sources[:10], SOURCE])):
        pl.DataFrame({"content": texts}).write_parquet(place / f"{name}.parquet")
    return place


@pytest.fixture(scope="module")
def small(folder: Path) -> Compared:
    return Compared("small", folder / "small/tokenizer.json")


def words_only(folder: Path) -> Compared:
    """A tokenizer that is no byte-level BPE."""
    tokenizer = Tokenizer(models.WordLevel({"[UNK]": 0, "return": 1, "x": 2}, unk_token="[UNK]"))
    tokenizer.pre_tokenizer = pre_tokenizers.Whitespace()
    return save(folder, "words", tokenizer)


def test_every_byte_is_of_one_kind_and_overlays_lie_across() -> None:
    masks, data = kinds_of_bytes(SOURCE), SOURCE.encode()
    assert masks is not None and (masks[: len(PARTS)].sum(axis=0) == 1).all()
    texts = {kind: bytes(np.frombuffer(data, np.uint8)[row]).decode() for kind, row in zip(KINDS, masks, strict=True)}
    assert texts["docstrings"] == '"""Module.""""""Do it."""'
    assert texts["comments"] == texts["non-English"] == "# ünïcödé äöü"
    assert texts["literals"] == '12f"a{os}b""text"'
    assert texts["deep indentation"] == '            return f"a{os}b" + "text"\n'


def test_what_is_no_python_has_no_kinds() -> None:
    assert kinds_of_bytes("'''never closed") is None and kinds_of_bytes("x = (\n") is None


@given(st.text(alphabet="ab 1#'\"\n(é你\t"))
def test_kinds_cover_any_text_or_refuse_it(text: str) -> None:
    masks = kinds_of_bytes(text)
    if masks is not None:
        assert masks.shape[1] == len(text.encode()) and (masks[: len(PARTS)].sum(axis=0) == 1).all()


def test_the_tokens_of_all_kinds_are_the_tokens_of_the_text(small: Compared) -> None:
    found = measures.tokens_of_kinds(small, [SOURCE], small.ids([SOURCE]), [kinds_of_bytes(SOURCE)], len(KINDS))
    assert found[: len(PARTS)].sum() == pytest.approx(found[-1, 0]) and found[-1, 0] == len(small.ids([SOURCE])[0])


def test_tokens_end_where_their_text_ends_for_any_kind_of_tokenizer(folder: Path, small: Compared) -> None:
    other = words_only(folder)
    ends = other.ends("é return x", other.ids(["é return x"])[0])
    assert ends.tolist() == [2, 9, 11]
    assert small.ends(SOURCE, small.ids([SOURCE])[0])[-1] == len(SOURCE.encode())
    assert other.encoder is None and other.lengths(["return x"]) == [2]


def test_the_interval_of_a_ratio_holds_it_and_vanishes_when_all_files_are_alike() -> None:
    below = np.array([[1.0, 2.0, 3.0, 4.0]])
    (alike,) = measures.ratios(2 * below, below, seed=1)
    assert alike == {"value": 2.0, "low": 2.0, "high": 2.0}
    (found,) = measures.ratios(np.array([[1.0, 9.0, 3.0, 4.0]]), below, seed=1)
    assert found is not None and found["low"] < found["value"] == 1.7 < found["high"]
    assert measures.ratios(below, 0 * below, seed=1) == [None]


def test_one_file_alone_has_no_interval() -> None:
    alone = np.array([[0.0, 4.0, 0.0]])
    assert measures.ratios(3 * alone, alone, seed=1) == [{"value": 3.0}]


def test_the_interval_is_as_wide_as_that_of_the_mean() -> None:
    """For equal denominators the ratio is a mean, whose interval is known."""
    values = np.random.default_rng(1).normal(10, 2, (1, 400))
    (found,) = measures.ratios(values, np.ones((1, 400)), seed=1)
    assert found is not None and found["high"] - found["low"] == pytest.approx(2 * 1.96 * values.std() / 20, rel=0.15)


@pytest.mark.parametrize(("noise", "lengths"), [("swap", {0}), ("drop", {-1}), ("double", {1}), ("replace", {0}), ("case", {0})])
def test_a_slip_changes_one_place_of_a_word(noise: str, lengths: set[int]) -> None:
    words = ["variable", "dictionary", "on", "straße"]
    noisy = [measures.with_noise(word, noise, 1) for word in words]
    assert {len(slip) - len(word) for word, slip in zip(words, noisy, strict=True)} <= lengths
    assert noisy == [measures.with_noise(word, noise, 1) for word in words] and noisy != words


def test_fertility_counts_each_word_as_often_as_it_occurs(small: Compared) -> None:
    one, two = ((" return", 1), (" zq", 2))
    assert [len(ids) for ids in small.ids([one[0], two[0]])] == [1, len(small.ids([two[0]])[0])]
    pieces = len(small.ids([" zq"])[0])
    found = measures.fertility(small, {"return": 3, "zq": 1}, seed=1)
    assert found["fertility"] == pytest.approx((3 + pieces) / 4) and found["continued"] == 0.25
    assert measures.fertility(small, {}, seed=1) == {}


def test_tokens_show_spaces_line_breaks_and_parts_of_characters() -> None:
    assert vocabulary.visible(b"\n    x\t") == "↵····x→" and vocabulary.visible("é".encode()[:1]) == "\\xc3"
    assert vocabulary.visible(b"\x00") == "\\x00"


def test_keywords_are_told_apart_by_where_they_stand(small: Compared) -> None:
    found = vocabulary.keywords(small)["keywords"]
    assert "def" in found["bare"] and "nonlocal" in found["neither"]
    assert not set(found["bare"]) & set(found["not bare"]) and len(found["bare"]) + len(found["not bare"]) == 35
    assert set(found["only after a space"]) <= set(found["not bare"])


def test_the_listed_tokens_are_the_longest_the_first_after_the_bytes_and_the_last(small: Compared) -> None:
    found = vocabulary.listed(small)
    assert found["first"][0] == {"id": 257, "text": "··", "bytes": 2} and found["last"][-1]["id"] == 999
    lengths = [len(token["text"]) for token in found["longest"]]
    assert lengths == sorted(lengths, reverse=True)


def test_the_steps_of_an_example_follow_from_one_another(small: Compared) -> None:
    found = vocabulary.steps(small, "def f(x):\n")
    assert found["normaliser"] is None and found["added"] == []
    assert "".join(piece["text"] for piece in found["pieces"]) == "def" + "Ġf" + "(" + "x" + "):" + "Ċ"
    assert (found["pieces"][1]["start"], found["pieces"][1]["end"]) == (3, 5)
    assert "".join(token["text"] for token in found["tokens"]) == "".join(piece["text"] for piece in found["pieces"])


def test_the_curve_at_the_tokenizers_own_size_is_the_tokenizer(folder: Path, small: Compared, sources: list[str]) -> None:
    curve = size_curve(folder / "merges.txt", "gpt2", (500, 1000, 60000), sources, 1)
    assert [row["entries"] for row in curve] == [500, 1000]
    tokens = sum(map(len, small.ids(sources)))
    assert curve[1]["bytes a token"] == pytest.approx(sum(len(text.encode()) for text in sources) / tokens)
    assert curve[0]["bytes a token"] < curve[1]["bytes a token"]


def test_an_analysis_is_the_same_twice_and_knows_no_unused_token_as_used(folder: Path, small: Compared) -> None:
    gpt2 = save(folder, "gpt2", import_tokenizer("gpt2"))
    settings = AnalysisSettings(sizes=(500,), words=("being", "sex"))
    files = (folder / "train.parquet", folder / "valid.parquet")
    merges = folder / "merges.txt"
    found, again = (analyse([small, gpt2], merges, "gpt2", *files, settings, threads) for threads in (1, 2))
    assert found == again
    own, other = found["tokenizers"]
    assert own["entries"] == 1000 and own["coverage"]["merged entries"] == 743
    # A few tokens only ever occur as a part of longer ones.
    assert own["coverage"]["never in training files"] < 20 < 30000 < other["coverage"]["never in training files"]
    ratio = own["compression"]["tokens against"]["gpt2"]
    assert ratio["value"] == pytest.approx(own["compression"]["tokens"] / other["compression"]["tokens"])
    assert other["words"] == {"being": ["·being"], "sex": ["·sex"]}
    assert own["embeddings"]["GPT-2"]["parameters"] == 768_000


def test_nothing_held_out_and_a_broken_tokenizer_are_named(folder: Path, small: Compared, tmp_path: Path) -> None:
    pl.DataFrame({"content": []}, schema={"content": pl.String}).write_parquet(tmp_path / "none.parquet")
    paths = (folder / "merges.txt", "gpt2", folder / "train.parquet")
    with pytest.raises(PipelineError, match=r"none.parquet: no text is held out; raise valid_share"):
        analyse([small], *paths, tmp_path / "none.parquet", AnalysisSettings(), 1)
    (tmp_path / "tokenizer.json").write_text("{}")
    with pytest.raises(PipelineError, match=r"tokenizer.json: cannot be loaded as a tokenizer"):
        analyse([Compared("x", tmp_path / "tokenizer.json")], *paths, folder / "valid.parquet", AnalysisSettings(), 1)
