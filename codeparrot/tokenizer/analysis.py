"""The analysis of a tokenizer beside others: the chapter's, on held-out files, as one dictionary that analysis.json holds."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tiktoken
from numpy.typing import NDArray

from codeparrot.byte_level.alphabet import CHARACTERS, PATTERNS, to_bytes
from codeparrot.errors import PipelineError
from codeparrot.tokenizer import measures, vocabulary
from codeparrot.tokenizer.compared import Compared
from codeparrot.tokenizer.text_kinds import KINDS, kinds_of_bytes
from codeparrot.tokenizer.training import read_documents

# The chapter's example (Natural Language Processing with Transformers, chapter 10, "A Tokenizer for Python").
EXAMPLE = 'def say_hello():\n    print("Hello, World!")\n# Print it\nsay_hello()\n'
# Bodies of GPT-2's small and XL shapes, without embeddings, and their widths: what the size of a vocabulary is paid for.
SHAPES = {"GPT-2": (84_953_088 + 1024 * 768, 768), "GPT-2 XL": (1_475_561_600 + 1024 * 1600, 1600)}
CONTEXT = 1024
# How much of the training sample is encoded to see which tokens are rare there.
TRAINING_DOCUMENTS = 1000
Ids = Sequence[NDArray[np.int64]]
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class AnalysisSettings:
    """What is analysed.

    Args:
        words: Words of which it is shown whether they are single tokens; the chapter's examples first.
        sizes: Vocabularies of the curve.
        rare: A token seen fewer times counts as rare.
        seed: Seed of the bootstrap and of the noise.
    """

    words: Sequence[str] = ("sex", "being", "function", "variable", "dictionary", "string", "integer", "exception", "computer")
    sizes: Sequence[int] = (4096, 8192, 12500, 16384, 24576, 32768, 49152, 65536)
    rare: int = 10
    seed: int = 1


def _bytes(texts: Sequence[str]) -> int:
    return sum(len(text.encode("utf-8", "surrogatepass")) for text in texts)


def _compression(
    all_compared: Sequence[Compared], texts: Sequence[str], encoded: Sequence[Ids], seed: int
) -> list[dict[str, Any]]:
    """For each tokenizer, whose ids of the texts are given, bytes a token by kind of text; in all, characters a token, and its
    tokens as a share of those of each other one."""
    kinds = [kinds_of_bytes(text) for text in texts]
    sizes = np.array([np.zeros(len(KINDS)) if masks is None else masks.sum(axis=1) for masks in kinds])
    whole = np.array([_bytes([text]) for text in texts])
    amounts = np.vstack([sizes.T, whole]).astype(np.float64)
    characters = np.array([[len(text) for text in texts]], np.float64)
    tokens = [
        measures.tokens_of_kinds(compared, texts, ids, kinds, len(KINDS))
        for compared, ids in zip(all_compared, encoded, strict=True)
    ]
    found = []
    for compared, counted in zip(all_compared, tokens, strict=True):
        by_kind = measures.ratios(amounts, counted, seed)
        against = {
            other.name: measures.ratios(counted[-1:], others[-1:], seed)[0]
            for other, others in zip(all_compared, tokens, strict=True)
            if other is not compared
        }
        found.append(
            {
                "bytes a token": dict(zip((*KINDS, "all"), by_kind, strict=True)),
                "characters a token": measures.ratios(characters, counted[-1:], seed)[0],
                "tokens": int(counted[-1].sum()),
                "tokens against": against,
                "context": {"characters": CONTEXT * float(characters.sum() / counted[-1].sum())},
            }
        )
    return found


def _coverage(compared: Compared, held_out: Ids, training: Ids, rare: int) -> dict[str, int]:
    merged, added = np.ones(compared.entries, np.bool_), compared.tokenizer.get_added_tokens_decoder()
    for entry, number in compared.tokenizer.get_vocab().items():
        merged[number] = len(vocabulary.bytes_of_entry(entry)) > 1 and number not in added
    seen, learned = compared.counts(held_out), compared.counts(training)
    return {
        "merged entries": int(merged.sum()),
        "never in held-out files": int((seen[merged] == 0).sum()),
        "rare in training files": int((learned[merged] < rare).sum()),
        "never in training files": int((learned[merged] == 0).sum()),
    }


def _embeddings(entries: int) -> dict[str, dict[str, float]]:
    """What a vocabulary costs GPT-2 and GPT-2 XL: parameters of its embedding, and their share of the model."""
    found = {}
    for shape, (body, width) in SHAPES.items():
        parameters = entries * width
        found[shape] = {"parameters": parameters, "share": parameters / (body + parameters)}
    return found


def size_curve(
    merges: Path, pre_tokenizer: str, sizes: Sequence[int], texts: Sequence[str], threads: int
) -> list[dict[str, Any]]:
    """For each vocabulary of the curve that the merges reach: bytes a token, and the training compute of a byte of text.

    Merges are learned one after another, so the first ones are the tokenizer of a smaller vocabulary. Compute is 6 FLOPs a
    token for each parameter, the output matrix among them (Kaplan et al. 2020), over the bytes a token.
    """
    lines = merges.read_text(encoding="utf-8").splitlines()[1:]
    tokens = [to_bytes(line.replace(" ", "")) for line in lines]
    size, found = _bytes(texts), []
    for entries in sizes:
        count = entries - len(CHARACTERS) - 1
        if count > len(tokens):
            log.info("no vocabulary of %d in the curve: the documents give %d merges", entries, len(tokens))
            continue
        ranks = {bytes([byte]): byte for byte in CHARACTERS}
        ranks |= {token: len(CHARACTERS) + number for number, token in enumerate(tokens[:count])}
        encoding = tiktoken.Encoding(str(entries), pat_str=PATTERNS[pre_tokenizer], mergeable_ranks=ranks, special_tokens={})
        encoded = encoding.encode_ordinary_batch(list(texts), num_threads=threads)
        ratio = size / max(1, sum(map(len, encoded)))
        flops = {shape: 6 * (body + entries * width) / ratio for shape, (body, width) in SHAPES.items()}
        found.append({"entries": entries, "bytes a token": ratio, "flops a byte": flops, "embeddings": _embeddings(entries)})
    return found


def analyse(
    all_compared: Sequence[Compared],
    merges: Path,
    pre_tokenizer: str,
    training: Path,
    held_out: Path,
    settings: AnalysisSettings,
    threads: int,
) -> dict[str, Any]:
    """Everything that the report shows of the first tokenizer beside the others.

    Args:
        all_compared: The tokenizer, then those that it is compared with.
        merges: Its merges.txt, in the order learned and beyond its vocabulary.
        pre_tokenizer: Its pre-tokenizer.
        training: The sample of documents that it was trained on (parquet).
        held_out: A sample of validation documents (parquet).
        settings: What is analysed.
        threads: CPU threads.

    Raises PipelineError where no document is held out, or a tokenizer cannot be loaded.
    """
    texts = list(read_documents(held_out))
    if not any(texts):
        raise PipelineError(f"{held_out}: no text is held out; raise valid_share under split: in the corpus file")
    trained = [text for _, text in zip(range(TRAINING_DOCUMENTS), read_documents(training), strict=False)]
    counts = measures.words(texts)
    encoded = [compared.ids(texts) for compared in all_compared]
    compression = _compression(all_compared, texts, encoded, settings.seed)
    log.info("compression measured on %d files", len(texts))
    rows: list[dict[str, Any]] = []
    for compared, ids, measured in zip(all_compared, encoded, compression, strict=True):
        rows.append(
            {
                "name": compared.name,
                "entries": compared.entries,
                "steps": vocabulary.steps(compared, EXAMPLE),
                "listed": vocabulary.listed(compared),
                "keywords": vocabulary.keywords(compared),
                "words": vocabulary.common_words(compared, settings.words),
                "compression": measured,
                "fertility": measures.fertility(compared, counts, settings.seed),
                "coverage": _coverage(compared, ids, compared.ids(trained), settings.rare),
                "embeddings": _embeddings(compared.entries),
            }
        )
        log.info("%s analysed", compared.name)
    return {
        "example": EXAMPLE,
        "alphabet": vocabulary.alphabet(),
        "held out": {"files": len(texts), "bytes": _bytes(texts), "words": sum(counts.values())},
        "training": {"files": len(trained)},
        "rare": settings.rare,
        "context": CONTEXT,
        "tokenizers": rows,
        "sizes": size_curve(merges, pre_tokenizer, settings.sizes, texts, threads),
    }
