"""Packed tokens of real modules of the standard library."""

import re
from pathlib import Path

import numpy as np
import orjson
import polars as pl
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tokenizers import Tokenizer

from codeparrot.errors import PipelineError
from codeparrot.tokenizer.training import END_OF_TEXT, TokenizerSettings, train_tokenizer
from codeparrot.tokens.infilling import MIDDLE, PREFIX, SPECIAL_TOKENS, SUFFIX, Infilling, rearranged
from codeparrot.tokens.packed import TokenSplit, pack_shard, sequence_order, sequences_of_step, write_index

VOCABULARY = 600


@pytest.fixture(scope="module")
def tokenizer(sources: list[str]) -> Tokenizer:
    return train_tokenizer(iter(sources), TokenizerSettings(VOCABULARY))


def write_shard(file: Path, texts: list[str]) -> None:
    """A clean shard with what packing reads of it."""
    columns = {"repo_name": ["r"] * len(texts), "path": [str(number) for number in range(len(texts))], "content": texts}
    pl.DataFrame(columns, schema=dict.fromkeys(columns, pl.String)).write_parquet(file)


@pytest.fixture
def packed(tmp_path: Path, sources: list[str], tokenizer: Tokenizer) -> tuple[Path, list[list[str]]]:
    """The index of a split of three shards, the middle one empty, and the texts of each."""
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    shards = [sources[:3], [], [*sources[3:5], f"print('{END_OF_TEXT}')\n"]]
    descriptions = []
    for number, texts in enumerate(shards):
        write_shard(tmp_path / f"{number}.parquet", texts)
        output = tmp_path / f"train-{number}.bin"
        pack_shard(tmp_path / f"{number}.parquet", tmp_path / "tokenizer.json", output, Infilling(), 1)
        descriptions.append(output.with_suffix(".json"))
    write_index(descriptions, tmp_path / "train.json")
    return tmp_path / "train.json", shards


def test_sequences_are_the_documents_joined_by_the_end_token_and_lose_only_the_last_fragment(
    packed: tuple[Path, list[list[str]]], tokenizer: Tokenizer
) -> None:
    index, shards = packed
    tokenizer.encode_special_tokens = True
    expected = [number for texts in shards for text in texts for number in (*tokenizer.encode(text).ids, 0)]
    for length in (7, 64, 1000):
        split = TokenSplit(index, length)
        stream = split.batch(range(len(split))).ravel()
        assert stream.tolist() == expected[: len(stream)]
        assert 0 <= len(expected) - len(stream) < length


def test_a_text_that_spells_the_end_token_makes_none(packed: tuple[Path, list[list[str]]]) -> None:
    index, shards = packed
    assert TokenSplit(index, 8).counts(VOCABULARY)[0] == sum(map(len, shards))


def test_token_files_take_two_bytes_a_token(packed: tuple[Path, list[list[str]]]) -> None:
    index, _ = packed
    for shard in TokenSplit(index, 8).shards:
        assert (index.parent / shard.file).stat().st_size == 2 * shard.tokens


def test_a_vocabulary_beyond_two_bytes_takes_four(tmp_path: Path, tokenizer: Tokenizer) -> None:
    settings = orjson.loads(tokenizer.to_str())
    settings["added_tokens"] += [{**settings["added_tokens"][0], "id": n, "content": f"<|{n}|>"} for n in range(10_000, 80_000)]
    (tmp_path / "large.json").write_bytes(orjson.dumps(settings))
    pl.DataFrame({"repo_name": ["a"], "path": ["b"], "content": ["import os\n" * 9]}).write_parquet(tmp_path / "0.parquet")
    wide = pack_shard(tmp_path / "0.parquet", tmp_path / "large.json", tmp_path / "wide.bin", Infilling(), 1)
    assert wide.dtype == "<u4" and (tmp_path / "wide.bin").stat().st_size == 4 * wide.tokens
    write_index([tmp_path / "wide.json"], tmp_path / "index.json")
    ids = TokenSplit(tmp_path / "index.json", wide.tokens).batch([0])[0]
    assert ids.tolist() == [*tokenizer.encode("import os\n" * 9).ids, 0]


def test_a_split_shorter_than_one_sequence_is_refused(packed: tuple[Path, list[list[str]]]) -> None:
    with pytest.raises(PipelineError, match="fewer than one sequence of 99999999; give the corpus more"):
        TokenSplit(packed[0], 99999999)


def test_tokens_of_another_tokenizer_are_refused(packed: tuple[Path, list[list[str]]]) -> None:
    file = packed[0].parent / "train-2.json"
    file.write_bytes(orjson.dumps({**orjson.loads(file.read_bytes()), "tokenizer_sha256": "0"}))
    with pytest.raises(PipelineError, match="made by another tokenizer"):
        write_index([packed[0].parent / f"train-{number}.json" for number in range(3)], packed[0])


def test_a_cut_off_token_file_is_refused(packed: tuple[Path, list[list[str]]]) -> None:
    file = packed[0].parent / "train-0.bin"
    file.write_bytes(file.read_bytes()[:-2])
    with pytest.raises(PipelineError, match=r"train-0.bin: \d+ bytes, expected \d+ bytes"):
        TokenSplit(packed[0], 8)


@given(st.integers(1, 50), st.integers(1, 20), st.integers(0, 2**32))
def test_every_epoch_sees_each_sequence_once(sequences: int, batch: int, seed: int) -> None:
    steps = -(-3 * sequences // batch)
    seen = np.concatenate([sequences_of_step(sequences, batch, seed, step) for step in range(steps)])
    for epoch in range(3):
        assert sorted(seen[epoch * sequences : (epoch + 1) * sequences]) == list(range(sequences))


def test_epochs_and_seeds_have_orders_of_their_own() -> None:
    orders = {tuple(sequence_order(50, seed, epoch)) for seed in (1, 2) for epoch in (0, 1)}
    assert len(orders) == 4


@given(st.text(), st.floats(0, 1), st.integers(0, 99))
def test_rearranging_for_infilling_loses_no_character(text: str, spm: float, seed: int) -> None:
    pieces = dict(rearranged(text, ("a",), Infilling(rate=1.0, spm=spm, seed=seed)))
    assert list(pieces) == [PREFIX, SUFFIX, MIDDLE]
    assert pieces[PREFIX] + pieces[MIDDLE] + pieces[SUFFIX] == text


def test_the_share_of_rearranged_documents_and_their_orders_are_as_set() -> None:
    settings = Infilling(rate=0.5, spm=0.25)
    found = [rearranged("x" * 100, (str(number),), settings) for number in range(4000)]
    changed = [dict(pieces) for pieces in found if len(pieces) == 3]
    suffix_first = [pieces for pieces in changed if not pieces[PREFIX]]
    assert len(changed) == pytest.approx(2000, abs=120) and len(suffix_first) == pytest.approx(0.25 * len(changed), abs=100)
    assert found == [rearranged("x" * 100, (str(number),), settings) for number in range(4000)]


def test_rearranged_documents_are_packed_with_their_special_tokens(tmp_path: Path, sources: list[str]) -> None:
    tokenizer = train_tokenizer(iter(sources), TokenizerSettings(VOCABULARY, SPECIAL_TOKENS))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    write_shard(tmp_path / "0.parquet", sources[:4])
    pack_shard(tmp_path / "0.parquet", tmp_path / "tokenizer.json", tmp_path / "train.bin", Infilling(rate=1.0, spm=0.0), 1)
    text = tokenizer.decode(np.fromfile(tmp_path / "train.bin", "<u2").tolist(), skip_special_tokens=False)
    documents = text.split(END_OF_TEXT)[:-1]
    assert len(documents) == 4
    for document, source in zip(documents, sources, strict=False):
        _, prefix, suffix, middle = re.split("|".join(map(re.escape, SPECIAL_TOKENS)), document)
        assert prefix + middle + suffix == source


def test_infilling_needs_a_tokenizer_with_its_special_tokens(packed: tuple[Path, list[list[str]]]) -> None:
    folder = packed[0].parent
    with pytest.raises(PipelineError, match=r"tokenizer.json: no token <\|fim_prefix\|>"):
        pack_shard(folder / "0.parquet", folder / "tokenizer.json", folder / "x.bin", Infilling(rate=0.5), 1)
