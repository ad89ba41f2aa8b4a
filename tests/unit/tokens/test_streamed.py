"""Texts that are tokenised while they are read: every token once an epoch, and on from any position."""

import http.server
import threading
from collections import Counter
from functools import partial
from itertools import islice
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from codeparrot.errors import PipelineError
from codeparrot.tokenizer.training import TokenizerSettings, train_tokenizer
from codeparrot.tokens import streamed
from codeparrot.tokens.streamed import Position, TextStream

LENGTH = 16


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory, sources: list[str]) -> Path:
    """Three parquet files of texts, and a tokenizer."""
    folder = tmp_path_factory.mktemp("texts")
    train_tokenizer(iter(sources), TokenizerSettings(400)).save(str(folder / "tokenizer.json"))
    texts = [part for source in sources for part in source.split("\n\n") if part][:100]
    for number in range(3):
        rows = {"content": texts[number::3], "path": ["x"] * len(texts[number::3])}
        pl.DataFrame(rows).write_parquet(folder / f"train-{number}.parquet", row_group_size=20)
    return folder


@pytest.fixture(autouse=True)
def small_buffers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed, "SEQUENCES_A_BUFFER", 40)


def stream(corpus: Path, seed: int = 1) -> TextStream:
    return TextStream([str(corpus / "*.parquet")], corpus / "tokenizer.json", LENGTH, seed)


def tokens_of_an_epoch(corpus: Path) -> Counter[int]:
    found = stream(corpus)
    texts = pl.concat([pl.read_parquet(file) for file in sorted(corpus.glob("*.parquet"))])["content"].to_list()
    return Counter(number for each in found.tokenizer.encode_batch(texts) for number in [*each.ids, found.end])


def test_an_epoch_has_every_token_once(corpus: Path) -> None:
    seen: Counter[int] = Counter()
    for sequences, position in stream(corpus)._buffers(Position()):
        if position.epoch == 1:
            seen.update(position.carry)
            break
        assert position.buffer or not position.carry
        seen.update(sequences.ravel().tolist())
    assert seen == tokens_of_an_epoch(corpus) and position.tokens == sum(seen.values())


def test_it_goes_on_from_any_position_with_the_same_sequences(corpus: Path) -> None:
    straight = list(islice(stream(corpus).batches(6, Position()), 150))
    assert straight[-1][1].epoch >= 1, "the test reaches the second epoch"
    for taken in (1, 13, 75, 149):
        going_on = list(islice(stream(corpus).batches(6, straight[taken - 1][1]), 150 - taken))
        assert all(np.array_equal(one[0], two[0]) for one, two in zip(straight[taken:], going_on, strict=True))


def test_seeds_and_epochs_have_orders_of_their_own(corpus: Path) -> None:
    one, again, other = (next(stream(corpus, seed).batches(40, Position()))[0] for seed in (1, 1, 2))
    assert np.array_equal(one, again) and not np.array_equal(one, other)
    second = next(stream(corpus).batches(40, Position(epoch=1)))[0]
    assert not np.array_equal(one, second)


def test_texts_are_read_from_a_web_server(corpus: Path) -> None:
    class Quiet(http.server.SimpleHTTPRequestHandler):
        def log_message(self, *arguments: object) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), partial(Quiet, directory=str(corpus)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    place = f"http://127.0.0.1:{server.server_port}"
    names = [f"{place}/train-{number}.parquet" for number in range(3)]
    remote = next(TextStream(names, corpus / "tokenizer.json", LENGTH, 1).batches(30, Position()))[0]
    server.shutdown()
    assert np.array_equal(remote, next(stream(corpus).batches(30, Position()))[0])


def test_a_file_that_is_not_there_is_named(corpus: Path) -> None:
    with pytest.raises(PipelineError, match=r"nothing.parquet: no such file; expected parquet or gzip JSON-lines"):
        TextStream([str(corpus / "nothing.parquet")], corpus / "tokenizer.json", LENGTH, 1)
