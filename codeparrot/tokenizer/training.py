"""Training the byte-level BPE tokenizer, as in chapter 10: GPT-2's alphabet and pre-tokenizer, one special token."""

import hashlib
import logging
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import pyarrow.parquet as pq
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, processors, trainers

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
        special_tokens: Special tokens beside the end token.
    """

    vocabulary: int = 32768
    special_tokens: Sequence[str] = ()


def read_documents(documents: Path) -> Iterator[str]:
    """The contents of a sample of documents (parquet), in memory for one batch."""
    for batch in pq.ParquetFile(documents).iter_batches(BATCH_ROWS, columns=["content"]):
        yield from batch["content"].to_pylist()


def train_tokenizer(documents: Iterator[str], vocabulary: int, special_tokens: Sequence[str] = ()) -> Tokenizer:
    """Train a byte-level BPE of exactly `vocabulary` entries: the end token (id 0), other special tokens, the bytes, merges.

    Raises PipelineError when the vocabulary is too small for the bytes, or the documents too few to fill it.
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
    tokenizer.train_from_iterator(documents, trainer)
    found = tokenizer.get_vocab_size()
    if found != vocabulary:
        raise PipelineError(
            f"vocabulary: {vocabulary}: the documents give only {found} entries; use a larger corpus, "
            f"more documents, or a vocabulary of at most {found}"
        )
    log.info("tokenizer: %d entries", found)
    return tokenizer


def tokenizer_digest(tokenizer_file: Path) -> str:
    """The SHA-256 of tokenizer.json: tokens carry it, so that those of another tokenizer are refused."""
    return hashlib.sha256(tokenizer_file.read_bytes()).hexdigest()
