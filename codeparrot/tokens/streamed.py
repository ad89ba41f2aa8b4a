"""Tokens without token files: text streamed from disk, a web server or the Hub, tokenised on the fly (the chapter's way).

Characters fill a buffer until, by the characters a token seen so far, it holds enough for many sequences; it is tokenised
at once and cut, and its sequences are shuffled. What is left of a buffer begins the next one, so no token is lost. The
order is a function of the seed and of the files' names; a Position is small and is saved with a checkpoint.
"""

import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import fsspec
import numpy as np
from datasets import IterableDataset, load_dataset
from numpy.typing import NDArray
from tokenizers import Tokenizer

from codeparrot.chance import draw
from codeparrot.errors import PipelineError
from codeparrot.tokenizer.training import END_OF_TEXT

SEQUENCES_A_BUFFER = 1024
CHARACTERS_A_TOKEN = 3.6  # the chapter's estimate, until there is one from the stream itself
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Position:
    """Where a stream is: at the beginning of a buffer, of which so many sequences are used.

    Args:
        epoch: Passes over the files done.
        buffer: Buffers of this epoch done.
        reader: State of the dataset's reader there.
        carry: Tokens left of the buffer before.
        used: Sequences of this buffer that were used.
        characters: Characters tokenised before this buffer.
        tokens: Tokens that they gave.
    """

    epoch: int = 0
    buffer: int = 0
    reader: dict[str, Any] = field(default_factory=dict)
    carry: Sequence[int] = ()
    used: int = 0
    characters: int = 0
    tokens: int = 0


def expanded(texts: Sequence[str]) -> list[str]:
    """The files that paths, globs and URLs name, sorted; PipelineError names one that is not there."""
    found = []
    for text in texts:
        system, _, paths = fsspec.get_fs_token_paths(text)
        if not paths or not all(map(system.exists, paths)):
            raise PipelineError(f"{text}: no such file; expected parquet or gzip JSON-lines files with a column 'content'")
        found += [system.unstrip_protocol(path) for path in paths]
    return sorted(found)


class TextStream:
    """The sequences of a list of files, in an order of its own in each epoch, from any Position on."""

    def __init__(self, texts: Sequence[str], tokenizer_file: Path, length: int, seed: int) -> None:
        self.files = expanded(texts)
        self.tokenizer = Tokenizer.from_file(str(tokenizer_file))
        self.tokenizer.encode_special_tokens = True
        end = self.tokenizer.token_to_id(END_OF_TEXT)
        if end is None:
            raise PipelineError(f"{tokenizer_file}: no token {END_OF_TEXT}; train it with this pipeline")
        self.end: int = end
        self.length = length
        self.seed = seed

    def _reader(self, epoch: int) -> IterableDataset:
        """The documents of one epoch, file by file, in the order of the files' hashes."""
        files = sorted(self.files, key=lambda name: draw(self.seed, "stream", str(epoch), name.rsplit("/", 1)[1]))
        kind = "parquet" if files[0].endswith(".parquet") else "json"
        return load_dataset(kind, data_files=files, split="train", streaming=True).select_columns(["content"])

    def _buffers(self, position: Position) -> Iterator[tuple[NDArray[np.int64], Position]]:
        """From `position` on, each buffer's sequences, shape (sequences, length), and the Position of its beginning."""
        while True:
            reader = self._reader(position.epoch)
            if position.reader:
                reader.load_state_dict(position.reader)
            documents = iter(reader)
            more = True
            while more:
                ratio = position.characters / position.tokens if position.tokens else CHARACTERS_A_TOKEN
                wanted, texts, filled = SEQUENCES_A_BUFFER * self.length * ratio, [], 0
                while filled < wanted:
                    row = next(documents, None)
                    if row is None:
                        more = False
                        break
                    texts.append(row["content"])
                    filled += len(row["content"])
                ids = list(position.carry)
                for encoding in self.tokenizer.encode_batch_fast(texts, add_special_tokens=False):
                    ids += [*encoding.ids, self.end]
                whole = len(ids) // self.length
                sequences = np.array(ids[: whole * self.length], np.int64).reshape(whole, self.length)
                key = [self.seed, draw(self.seed, "buffer", str(position.epoch), str(position.buffer))]
                yield np.random.Generator(np.random.Philox(key=key)).permutation(sequences), position
                position = Position(
                    epoch=position.epoch,
                    buffer=position.buffer + 1,
                    reader=reader.state_dict(),
                    carry=ids[whole * self.length :],
                    characters=position.characters + filled,
                    tokens=position.tokens + len(ids) - len(position.carry),
                )
            if not position.tokens:
                raise PipelineError(f"{self.files[0]} and {len(self.files) - 1} more files hold no text; nothing to train on")
            log.info("epoch %d of the stream is done", position.epoch)
            position = replace(position, epoch=position.epoch + 1, buffer=0, reader={}, used=0)

    def batches(self, batch: int, position: Position) -> Iterator[tuple[NDArray[np.int64], Position]]:
        """From `position` on, without end: `batch` sequences, shape (batch, length), and the Position after them."""
        rows: list[NDArray[np.int64]] = []
        for sequences, begin in self._buffers(position):
            for used in range(begin.used, len(sequences)):
                rows.append(sequences[used])
                if len(rows) == batch:
                    yield np.stack(rows), replace(begin, used=used + 1)
                    rows = []
