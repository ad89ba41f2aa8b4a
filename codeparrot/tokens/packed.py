"""Packed tokens: documents joined by the end token into one stream, cut into full-length sequences, memory-mapped.

A shard's tokens are one flat file of 2-byte ids (4 bytes where the vocabulary needs them), little-endian. The index of a
split lists its shards. Sequences run across shard borders, so a split loses at most its last fragment; their length is
chosen by the reader, so one set of token files serves any context length.
"""

import hashlib
import logging
from bisect import bisect_right
from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from functools import lru_cache
from itertools import accumulate
from pathlib import Path

import numpy as np
import orjson
import pyarrow.parquet as pq
from numpy.typing import NDArray

from codeparrot.atomic import write_text, written_beside
from codeparrot.errors import PipelineError
from codeparrot.progress import progress
from codeparrot.tokenizer.encoding import Encoder
from codeparrot.tokenizer.training import END_OF_TEXT, tokenizer_digest
from codeparrot.tokens.infilling import SPECIAL_TOKENS, Infilling, rearranged

BATCH_ROWS = 256
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TokenShard:
    """What is known of one token file. `file` is its name, `bytes` the UTF-8 bytes of the text that it encodes."""

    file: str
    documents: int
    tokens: int
    bytes: int
    dtype: str
    sha256: str
    tokenizer_sha256: str


def pack_shard(texts: Path, tokenizer_file: Path, output: Path, infilling: Infilling, threads: int) -> TokenShard:
    """Encode a clean shard's documents, each followed by the end token, into `output` and describe it beside, as .json.

    A share of the documents is rearranged for infilling. A text that happens to hold the spelling of a special token is
    encoded as ordinary characters.
    """
    encoder = Encoder(tokenizer_file, threads)
    wanted = (END_OF_TEXT, *(SPECIAL_TOKENS if infilling.rate else ()))
    marks = {"": [], **{token: [encoder.id_of(token)] for token in wanted}}
    dtype = np.dtype("<u2" if encoder.entries <= 2**16 else "<u4")
    documents = tokens = size = 0
    digest = hashlib.sha256()
    source = pq.ParquetFile(texts)
    rows = source.iter_batches(BATCH_ROWS, columns=["repo_name", "path", "content"])
    total = -(-source.metadata.num_rows // BATCH_ROWS)
    pieces: deque[list[tuple[str, str]]] = deque()

    def read() -> Iterator[list[str]]:
        nonlocal documents, size
        for batch in progress(rows, f"batches of {BATCH_ROWS} documents read", total):
            pieces.append([])
            for repository, path, content in zip(*(column.to_pylist() for column in batch.columns), strict=True):
                # Before each piece its special token, if any; after each document the end token.
                pieces[-1] += [*rearranged(content, (repository, path), infilling), (END_OF_TEXT, "")]
                documents += 1
                size += len(content.encode("utf-8"))
            yield [text for _, text in pieces[-1]]

    with written_beside(output) as beside, beside.open("wb") as stream:
        for encoded in encoder.encode(read()):
            parts = [part for (mark, _), ids in zip(pieces.popleft(), encoded, strict=True) for part in (marks[mark], ids)]
            data = np.concatenate(parts).astype(dtype).tobytes()
            stream.write(data)
            digest.update(data)
            tokens += len(data) // dtype.itemsize
    shard = TokenShard(output.name, documents, tokens, size, dtype.str, digest.hexdigest(), tokenizer_digest(tokenizer_file))
    write_text(output.with_suffix(".json"), orjson.dumps(asdict(shard), option=orjson.OPT_INDENT_2).decode() + "\n")
    return shard


def write_index(descriptions: Sequence[Path], output: Path) -> None:
    """Join the shards' descriptions, in order, to the index of a split.

    Raises PipelineError when they were not all made by one tokenizer, or hold no token.
    """
    shards = [TokenShard(**orjson.loads(file.read_bytes())) for file in descriptions]
    for file, shard in zip(descriptions, shards, strict=True):
        if shard.tokenizer_sha256 != shards[0].tokenizer_sha256:
            raise PipelineError(f"{file}: made by another tokenizer than {descriptions[0]}; delete it and run again")
    if not any(shard.tokens for shard in shards):
        raise PipelineError(
            f"{output.parent}: the split '{output.stem}' has no document; give the corpus more files, or change "
            "valid_share or seed under split: in the corpus file"
        )
    lines = orjson.dumps({"shards": [asdict(shard) for shard in shards]}, option=orjson.OPT_INDENT_2)
    write_text(output, lines.decode() + "\n")


class TokenSplit:
    """The sequences of one split, read through memory maps; sequence i holds tokens i·length to (i+1)·length - 1."""

    def __init__(self, index: Path, length: int) -> None:
        self.shards = [TokenShard(**row) for row in orjson.loads(index.read_bytes())["shards"]]
        self.length = length
        self.tokenizer_sha256 = self.shards[0].tokenizer_sha256
        self.tokens = sum(shard.tokens for shard in self.shards)
        self.bytes = sum(shard.bytes for shard in self.shards)
        if self.tokens < length:
            raise PipelineError(
                f"{index}: the split has {self.tokens} tokens, fewer than one sequence of {length}; give the corpus more "
                "files, raise valid_share under split: in the corpus file, or shorten sequence_length in the model file"
            )
        self._starts = [0, *accumulate(shard.tokens for shard in self.shards)]
        self._maps = [self._map(index.parent / shard.file, shard) for shard in self.shards]

    @staticmethod
    def _map(file: Path, shard: TokenShard) -> NDArray[np.unsignedinteger]:
        expected = shard.tokens * np.dtype(shard.dtype).itemsize
        if not file.is_file() or file.stat().st_size != expected:
            seen = f"{file.stat().st_size} bytes" if file.is_file() else "no such file"
            raise PipelineError(f"{file}: {seen}, expected {expected} bytes; delete it and run again")
        return np.asarray(np.memmap(file, shard.dtype, "r")) if shard.tokens else np.empty(0, shard.dtype)

    def __len__(self) -> int:
        return self.tokens // self.length

    def batch(self, numbers: Sequence[int] | NDArray[np.integer]) -> NDArray[np.int64]:
        """The ids of several sequences, shape (len(numbers), length)."""
        ids = np.empty((len(numbers), self.length), np.int64)
        for row, number in zip(ids, numbers, strict=True):
            if not 0 <= number < len(self):
                raise IndexError(number)
            start, filled = int(number) * self.length, 0
            shard = bisect_right(self._starts, start) - 1
            while filled < self.length:
                offset = start + filled - self._starts[shard]
                part = self._maps[shard][offset : offset + self.length - filled]
                row[filled : filled + len(part)] = part
                filled += len(part)
                shard += 1
        return ids

    def evenly_spread(self, sequences: int) -> list[int]:
        """The numbers of that many sequences, evenly spread over the split; all of them where `sequences` is 0."""
        wanted = min(sequences, len(self)) if sequences else len(self)
        return [number * len(self) // wanted for number in range(wanted)]

    def counts(self, vocabulary: int) -> NDArray[np.int64]:
        """How often each id occurs, shape (vocabulary,), a bounded piece at a time."""
        total = np.zeros(vocabulary, np.int64)
        for ids in self._maps:
            for start in range(0, len(ids), 2**24):
                total += np.bincount(ids[start : start + 2**24], minlength=vocabulary)
        return total


@lru_cache(maxsize=2)
def sequence_order(sequences: int, seed: int, epoch: int) -> NDArray[np.int64]:
    """A permutation of all sequences, shape (sequences,): a function of (seed, epoch) alone (Philox, keyed by both)."""
    return np.random.Generator(np.random.Philox(key=[seed, epoch])).permutation(sequences)


def sequences_of_step(sequences: int, batch: int, seed: int, step: int) -> NDArray[np.int64]:
    """The numbers of the sequences of update `step` (from 0), shape (batch,).

    The epochs' permutations follow one another without a gap, so no sequence is left out or seen twice in an epoch.
    """
    first = step * batch
    parts = []
    for epoch in range(first // sequences, (first + batch - 1) // sequences + 1):
        start = max(first - epoch * sequences, 0)
        parts.append(sequence_order(sequences, seed, epoch)[start : first + batch - epoch * sequences])
    return np.concatenate(parts)
