"""Training the byte-level BPE tokenizer, as in chapter 10: GPT-2's alphabet and pre-tokenizer, one special token."""

import hashlib
import itertools
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import orjson
import pyarrow.parquet as pq
import rustbpe
from tokenizers import Regex, Tokenizer, decoders, models, pre_tokenizers, processors

from codeparrot.atomic import written_beside
from codeparrot.byte_level.alphabet import CHARACTERS, PATTERNS, to_characters
from codeparrot.errors import PipelineError

END_OF_TEXT = "<|endoftext|>"
# What transformers is told of a tokenizer: its special tokens are all the end token, and text comes back as it was.
FOR_TRANSFORMERS = {f"{name}_token": END_OF_TEXT for name in ("bos", "eos", "unk")} | {"clean_up_tokenization_spaces": False}
BATCH_ROWS = 256
# Merges are learned up to this vocabulary, of which a tokenizer takes the first ones: the analysis compares sizes.
LARGEST = 65536
Merge = tuple[bytes, bytes]


@dataclass(frozen=True)
class TokenizerSettings:
    """How the tokenizer is trained.

    Args:
        vocabulary: Entries in all: the special tokens, the 256 bytes and the merges.
        special_tokens: Special tokens beside the end token.
        pre_tokenizer: How text is cut into pieces, across which nothing is merged: a name in PATTERNS.
    """

    vocabulary: int = 32768
    special_tokens: Sequence[str] = ()
    pre_tokenizer: str = "gpt2"


def read_documents(documents: Path) -> Iterator[str]:
    """The contents of a sample of documents (parquet), in memory for one batch."""
    for batch in pq.ParquetFile(documents).iter_batches(BATCH_ROWS, columns=["content"]):
        yield from batch["content"].to_pylist()


def _parts(token: bytes, ranks: dict[bytes, int], rank: int) -> Merge:
    """The two tokens that were joined to `token`, the one of `rank`: what its bytes give by the merges before it."""
    parts = [token[place : place + 1] for place in range(len(token))]
    while len(parts) > 2:
        pairs = [(ranks.get(left + right, rank), place) for place, (left, right) in enumerate(itertools.pairwise(parts))]
        lowest, place = min(pairs)
        if lowest >= rank:
            raise ValueError(f"{token!r} is not made by the merges before it")
        parts[place : place + 2] = [parts[place] + parts[place + 1]]
    return parts[0], parts[1]


def learn_merges(documents: Iterator[str], count: int, pre_tokenizer: str) -> list[Merge]:
    """The first `count` merges of byte pair encoding (Sennrich et al. 2016), fewer where the documents give no more.

    A merge joins the most frequent pair of neighbours within the pieces of a pre-tokenizer. The same documents give the
    same merges, in any order and on any number of threads.
    """
    learner = rustbpe.Tokenizer()
    learner.train_from_iterator(documents, vocab_size=len(CHARACTERS) + count, pattern=PATTERNS[pre_tokenizer])
    tokens = [bytes(token) for token, _ in learner.get_mergeable_ranks()]
    ranks = {token: rank for rank, token in enumerate(tokens)}
    return [_parts(token, ranks, rank) for rank, token in enumerate(tokens) if len(token) > 1]


def byte_level(vocabulary: dict[str, int], pairs: list[tuple[str, str]], special: Sequence[str]) -> Tokenizer:
    """A byte-level BPE with GPT-2's pre-tokenizer; vocabulary and pairs are in GPT-2's alphabet."""
    tokenizer = Tokenizer(models.BPE(vocabulary, pairs))
    tokenizer.add_special_tokens(list(special))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.post_processor = processors.ByteLevel(trim_offsets=False)
    return tokenizer


def build_tokenizer(merges: Sequence[Merge], settings: TokenizerSettings) -> Tokenizer:
    """The tokenizer of the first merges, of exactly `settings.vocabulary` entries: special tokens (the end token is 0), the
    bytes, the merges.

    Raises PipelineError when the vocabulary is too small for the bytes, or there are too few merges to fill it.
    """
    special = [END_OF_TEXT, *settings.special_tokens]
    smallest = len(CHARACTERS) + len(special)
    if settings.vocabulary < smallest:
        raise PipelineError(
            f"vocabulary: {settings.vocabulary}: expected at least {smallest} (256 bytes and {', '.join(special)})"
        )
    found = smallest + len(merges)
    if found < settings.vocabulary:
        raise PipelineError(
            f"vocabulary: {settings.vocabulary}: the documents give only {found} entries; use a larger corpus, "
            f"more documents, or a vocabulary of at most {found}"
        )
    pairs = [(to_characters(left), to_characters(right)) for left, right in merges[: settings.vocabulary - smallest]]
    entries = [*special, *sorted(CHARACTERS.values()), *(left + right for left, right in pairs)]
    tokenizer = byte_level({entry: number for number, entry in enumerate(entries)}, pairs, special)
    if settings.pre_tokenizer != "gpt2":
        cut = pre_tokenizers.Split(Regex(PATTERNS[settings.pre_tokenizer]), "isolated")
        tokenizer.pre_tokenizer = pre_tokenizers.Sequence(
            [cut, pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)]
        )
    return tokenizer


def train_tokenizer(documents: Iterator[str], settings: TokenizerSettings) -> Tokenizer:
    """Learn merges and build their tokenizer."""
    return build_tokenizer(learn_merges(documents, settings.vocabulary, settings.pre_tokenizer), settings)


def write_merges(merges: Sequence[Merge], output: Path) -> None:
    """Write merges in the format of GPT-2's merges.txt: a pair a line, in GPT-2's alphabet, in the order learned."""
    with written_beside(output) as beside, beside.open("w", encoding="utf-8") as stream:
        stream.write("#version: 0.2\n")
        stream.writelines(f"{to_characters(left)} {to_characters(right)}\n" for left, right in merges)


def settings_for_transformers() -> str:
    """tokenizer_config.json, with which AutoTokenizer knows the special tokens of a folder that has a tokenizer.json."""
    settings = {"tokenizer_class": "PreTrainedTokenizerFast", **FOR_TRANSFORMERS}
    return orjson.dumps(settings, option=orjson.OPT_INDENT_2).decode() + "\n"


def tokenizer_digest(tokenizer_file: Path) -> str:
    """The SHA-256 of tokenizer.json: tokens carry it, so that those of another tokenizer are refused."""
    return hashlib.sha256(tokenizer_file.read_bytes()).hexdigest()
