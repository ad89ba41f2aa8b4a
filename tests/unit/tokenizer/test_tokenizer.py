"""The tokenizer: training, its files, encoding at speed, and tokenizers from elsewhere."""

import os
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers
from transformers import AutoTokenizer

from codeparrot.errors import PipelineError
from codeparrot.tokenizer.encoding import Encoder
from codeparrot.tokenizer.importing import import_tokenizer
from codeparrot.tokenizer.sample import Sample, sample_documents
from codeparrot.tokenizer.training import (
    END_OF_TEXT,
    TokenizerSettings,
    build_tokenizer,
    learn_merges,
    read_documents,
    settings_for_transformers,
    train_tokenizer,
    write_merges,
)

VOCABULARY = 600
PATTERNS = ("gpt2", "code")


@pytest.fixture(scope="module")
def tokenizer(sources: list[str]) -> Tokenizer:
    return train_tokenizer(iter(sources), TokenizerSettings(VOCABULARY))


def test_the_end_token_is_id_0_and_the_bytes_follow(tokenizer: Tokenizer) -> None:
    assert tokenizer.token_to_id(END_OF_TEXT) == 0
    assert sorted(tokenizer.get_vocab().values()) == list(range(VOCABULARY))
    assert all(len(tokenizer.id_to_token(number)) == 1 for number in range(1, 257))


def test_the_same_texts_give_the_same_tokenizer(sources: list[str], tokenizer: Tokenizer) -> None:
    assert train_tokenizer(iter(sources), TokenizerSettings(VOCABULARY)).to_str() == tokenizer.to_str()


@given(st.text())
def test_decoding_gives_back_every_text(text: str) -> None:
    tokenizer = train_tokenizer(iter(["a b c"]), TokenizerSettings(257))
    tokenizer.encode_special_tokens = True
    assert tokenizer.decode(tokenizer.encode(text).ids, skip_special_tokens=False) == text


def test_a_vocabulary_below_the_bytes_is_refused() -> None:
    with pytest.raises(PipelineError, match="vocabulary: 256: expected at least 257"):
        train_tokenizer(iter(["x"]), TokenizerSettings(256))


def test_a_corpus_too_small_for_the_vocabulary_says_what_it_gives() -> None:
    with pytest.raises(PipelineError, match=r"vocabulary: 1000: the documents give only 2.. entries"):
        train_tokenizer(iter(["one two"]), TokenizerSettings(1000))


def test_the_sample_of_documents_does_not_depend_on_the_order_of_shards(tmp_path: Path) -> None:
    for name, numbers in (("a", range(20)), ("b", range(20, 40))):
        rows = {"repo_name": ["r"] * 20, "path": [str(n) for n in numbers], "content": [f"x = {n}" for n in numbers]}
        pl.DataFrame(rows).write_parquet(tmp_path / name)

    def found(order: str, seed: int) -> list[str]:
        assert sample_documents([tmp_path / name for name in order], Sample(7, seed), tmp_path / "sample") == 7
        return sorted(read_documents(tmp_path / "sample"))

    assert found("ab", 1) == found("ba", 1) and len(found("ab", 1)) == 7
    assert found("ab", 2) != found("ab", 1)


def test_the_order_of_documents_and_the_number_of_threads_change_no_merge(sources: list[str]) -> None:
    assert learn_merges(iter(sources[::-1]), 500, "gpt2") == learn_merges(iter(sources), 500, "gpt2")


def test_the_entries_are_those_of_the_tokenizers_librarys_trainer(sources: list[str]) -> None:
    """Of pairs that are equally frequent either may come first, so a few entries at the end may differ."""
    reference = Tokenizer(models.BPE())
    reference.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    reference.decoder = decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(vocab_size=3000, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False)
    reference.train_from_iterator(iter(sources), trainer)
    ours = train_tokenizer(iter(sources), TokenizerSettings(3000))
    assert len(set(ours.get_vocab()) & set(reference.get_vocab())) >= 2950
    counts = [sum(len(each.ids) for each in one.encode_batch(sources)) for one in (ours, reference)]
    assert counts[0] == pytest.approx(counts[1], rel=0.001)


def test_a_smaller_vocabulary_is_the_beginning_of_a_larger_one(sources: list[str]) -> None:
    merges = learn_merges(iter(sources), 1000, "gpt2")
    small, large = (build_tokenizer(merges, TokenizerSettings(size)).get_vocab() for size in (400, 900))
    assert small.items() < large.items()


def test_pieces_made_for_code_keep_indentation_whole_and_digits_apart(sources: list[str]) -> None:
    made = train_tokenizer(iter(sources), TokenizerSettings(2000, (), "code"))
    text = "def f():\n        return 1234, 'size'\n"
    pieces = [text[start:end] for _, (start, end) in made.pre_tokenizer.pre_tokenize_str(text)]
    assert pieces == ["def", " f", "():", "\n        ", "return", " 1", "2", "3", "4", ",", " '", "size", "'", "\n"]
    assert "\n        " in [made.decode([number]) for number in made.encode(text).ids]


def test_a_folder_with_the_files_loads_with_autotokenizer(tmp_path: Path, tokenizer: Tokenizer) -> None:
    (tmp_path / "tokenizer.json").write_text(tokenizer.to_str())
    (tmp_path / "tokenizer_config.json").write_text(settings_for_transformers())
    loaded = AutoTokenizer.from_pretrained(str(tmp_path))
    text = "def f(x):\n    return x\n"
    assert loaded(text)["input_ids"] == tokenizer.encode(text).ids and loaded.eos_token_id == 0
    assert loaded.decode(loaded(text)["input_ids"]) == text and len(loaded) == VOCABULARY


def test_merges_are_written_as_gpt2_has_them(tmp_path: Path) -> None:
    write_merges([(b" ", b" "), (b"\n", b"  ")], tmp_path / "merges.txt")
    assert (tmp_path / "merges.txt").read_text(encoding="utf-8") == "#version: 0.2\nĠ Ġ\nĊ ĠĠ\n"


@pytest.mark.parametrize("texts", [[], ["a"], [""]])
def test_a_corpus_without_a_pair_gives_the_bytes_alone(texts: list[str]) -> None:
    assert learn_merges(iter(texts), 100, "gpt2") == []
    with pytest.raises(PipelineError, match="the documents give only 257 entries; use a larger corpus"):
        train_tokenizer(iter(texts), TokenizerSettings(1000))


def test_gpt2s_own_vocabulary_is_at_hand() -> None:
    found = import_tokenizer("gpt2")
    assert found.get_vocab_size() == 50257 and found.encode("Hello world").ids == [15496, 995]


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (None, "no such file; expected gpt2, a tokenizer.json, or hub:"),
        ("{}", "not a tokenizer.json"),
        ("\x00", "not a tokenizer.json"),
    ],
)
def test_a_tokenizer_that_cannot_be_imported_is_named(tmp_path: Path, content: str | None, message: str) -> None:
    file = tmp_path / "tokenizer.json"
    if content is not None:
        file.write_text(content)
    with pytest.raises(PipelineError, match=f"import: '{file}': {message}"):
        import_tokenizer(str(file))


def test_a_hub_that_is_not_reached_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(PipelineError, match="import: 'hub:nobody/nothing@main': not to be had"):
        import_tokenizer("hub:nobody/nothing@main")


# A million of them in `make prove`.
STRINGS = 1_000_000 if "PROVE" in os.environ else 20_000


@pytest.mark.parametrize("pattern", PATTERNS)
def test_many_strings_have_the_librarys_ids_and_come_back(tmp_path: Path, sources: list[str], pattern: str) -> None:
    made = train_tokenizer(iter(sources), TokenizerSettings(VOCABULARY, (), pattern))
    made.encode_special_tokens = True
    made.save(str(tmp_path / "tokenizer.json"))
    encoder = Encoder(tmp_path / "tokenizer.json", 2)
    generator = np.random.default_rng(1)
    real, planes = "".join(sources), np.array([0x80, 0x250, 0x3000, 0xD800, 0x11000])
    for _ in range(STRINGS // 10_000):
        starts, lengths = generator.integers(0, len(real) - 100, 5000), generator.integers(0, 100, 5000)
        strings = [real[start : start + length] for start, length in zip(starts, lengths, strict=True)]
        highest = planes[generator.integers(0, len(planes), (5000, 20))]
        codes = generator.integers(0, highest)
        strings += ["".join(chr(code) for code in row if not 0xD800 <= code < 0xE000) for row in codes.tolist()]
        expected = [each.ids for each in made.encode_batch_fast(strings, add_special_tokens=False)]
        found = [ids.tolist() for ids in next(encoder.encode([strings]))]
        assert found == expected
        assert made.decode_batch(found, skip_special_tokens=False) == strings


def test_the_fast_encoder_gives_the_ids_of_the_tokenizers_library(
    tmp_path: Path, sources: list[str], tokenizer: Tokenizer
) -> None:
    tokenizer.encode_special_tokens = True
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    encoder = Encoder(tmp_path / "tokenizer.json", 2)
    # All of the first planes' classes change within a few characters; beyond, whole planes are of one class.
    numbers = (*range(0x3100), *range(0x3100, 0x20000, 7), *range(0x20000, 0x110000, 997))
    characters = (chr(number) for number in numbers if not 0xD800 <= number < 0xE000)
    various = [f"a{c}a 1{c}1 ;{c}; {c}{c} \n{c} b {c}" for c in characters]
    for texts in (sources, various):
        expected = [encoding.ids for encoding in tokenizer.encode_batch_fast(texts, add_special_tokens=False)]
        assert [ids.tolist() for ids in next(encoder.encode([texts]))] == expected


@given(st.text(alphabet=" \n\t'sdrelvm12a;\x0b\x1c\x85\xa0\u2028é"))
def test_the_fast_encoder_agrees_on_white_space_and_contractions(text: str) -> None:
    tokenizer, encoder = small_encoders()
    assert next(encoder.encode([[text]]))[0].tolist() == tokenizer.encode(text).ids


@cache
def small_encoders() -> tuple[Tokenizer, Encoder]:
    """One small tokenizer in both libraries."""
    tokenizer = train_tokenizer(iter(["it's a we'll  \n\n  they've\t\t1 22 ;; " * 3]), TokenizerSettings(275))
    with tempfile.TemporaryDirectory() as folder:
        tokenizer.save(f"{folder}/tokenizer.json")
        return tokenizer, Encoder(Path(folder, "tokenizer.json"), 1)


def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path, tokenizer: Tokenizer) -> None:
    settings = orjson.loads(tokenizer.to_str())
    settings["pre_tokenizer"]["add_prefix_space"] = True
    (tmp_path / "tokenizer.json").write_bytes(orjson.dumps(settings))
    with pytest.raises(PipelineError, match="not a byte-level BPE of this pipeline's"):
        Encoder(tmp_path / "tokenizer.json", 1)
