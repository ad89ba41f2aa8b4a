"""Training the byte-level BPE tokenizer, as in chapter 10: GPT-2's alphabet and pre-tokenizer, one special token."""

import hashlib
import heapq
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

from codeparrot.chance import draw
from codeparrot.errors import PipelineError

END_OF_TEXT = "<|endoftext|>"
BYTES = 256
BATCH_ROWS = 256
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TokenizerSettings:
    """How the tokenizer is trained.

    Args:
        vocabulary: Entries in all: the 256 bytes, the end token and the merges.
        documents: How many training documents it sees at most.
        seed: Seed of the sample of documents.
        special_tokens: Special tokens beside the end token.
    """

    vocabulary: int = 32768
    documents: int = 200_000
    seed: int = 1
    special_tokens: Sequence[str] = ()


def _sample(shards: Sequence[Path], settings: TokenizerSettings) -> set[tuple[str, str]]:
    """The names of the documents with the lowest hashes: a sample over all shards that no order of them changes."""
    names = (name for shard in shards for name in pl.read_parquet(shard, columns=["repo_name", "path"]).iter_rows())
    chosen = heapq.nsmallest(settings.documents, names, key=lambda name: (draw(settings.seed, *name), *name))
    return set(chosen)


def documents(shards: Sequence[Path], settings: TokenizerSettings) -> Iterator[str]:
    """Yield the texts of the sample, shard by shard, in memory for one batch."""
    chosen = _sample(shards, settings)
    for shard in shards:
        for batch in pq.ParquetFile(shard).iter_batches(BATCH_ROWS, columns=["repo_name", "path", "content"]):
            for row in batch.to_pylist():
                if (row["repo_name"], row["path"]) in chosen:
                    yield row["content"]


def train_tokenizer(texts: Iterator[str], vocabulary: int, special_tokens: Sequence[str] = ()) -> Tokenizer:
    """Train a byte-level BPE of exactly `vocabulary` entries: the end token (id 0), other special tokens, the bytes, merges.

    Raises PipelineError when the vocabulary is too small for the bytes, or the texts too few to fill it.
    """
    special = [END_OF_TEXT, *special_tokens]
    if vocabulary < BYTES + len(special):
        raise PipelineError(
            f"vocabulary: {vocabulary}: expected at least {BYTES + len(special)} (256 bytes and {', '.join(special)})"
        )
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    trainer = trainers.BpeTrainer(
        vocab_size=vocabulary,
        special_tokens=special,
        initial_alphabet=pre_tokenizers.ByteLevel.alphabet(),
        show_progress=False,
    )
    tokenizer.train_from_iterator(texts, trainer)
    found = tokenizer.get_vocab_size()
    if found != vocabulary:
        raise PipelineError(
            f"vocabulary: {vocabulary}: the corpus gives only {found} entries; use a larger corpus, "
            f"more documents, or a vocabulary of at most {found}"
        )
    log.info("tokenizer: %d entries", found)
    return tokenizer


def tokenizer_digest(tokenizer_file: Path) -> str:
    """The SHA-256 of tokenizer.json: tokens carry it, so that those of another tokenizer are refused."""
    return hashlib.sha256(tokenizer_file.read_bytes()).hexdigest()
