"""Encoding at speed: the tokenizer's merges in tiktoken, which gives the ids of the tokenizers library in less time.

Why the ids are the same: merges are numbered in the order in which they were learned, and tiktoken joins the neighbours
whose joint piece has the lowest number. A piece is always reached by the one pair that its own bytes lead to, since no
merge across its borders happened before; so the lowest number names the merge that the tokenizers library takes. The
pre-tokenizer is GPT-2's pattern in both.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import numpy as np
import orjson
import tiktoken
from numpy.typing import NDArray

from codeparrot.errors import PipelineError

# GPT-2's pattern. What needs no look-ahead is one group, which the regular expression engine matches in one go.
PATTERN = r"(?:'(?:[sdmt]|ll|ve|re)| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+)|\s+(?!\S)|\s+"


def _bytes_of_characters() -> dict[str, int]:
    """GPT-2's alphabet: which character of a token stands for which byte (Radford et al. 2019, encoder.py)."""
    plain = [*range(ord("!"), ord("~") + 1), *range(ord("¡"), ord("¬") + 1), *range(ord("®"), ord("ÿ") + 1)]
    others = [byte for byte in range(256) if byte not in plain]
    return {chr(byte): byte for byte in plain} | {chr(256 + number): byte for number, byte in enumerate(others)}


class Encoder:
    """A tokenizer.json as a fast encoder of ordinary text; special tokens are looked up by name and never made by text."""

    def __init__(self, tokenizer_file: Path, threads: int) -> None:
        settings = orjson.loads(tokenizer_file.read_bytes())
        self.file = tokenizer_file
        self.threads = threads
        self.special = {token["content"]: token["id"] for token in settings["added_tokens"]}
        vocabulary = settings["model"]["vocab"]
        self.entries = len(vocabulary | self.special)
        pre_tokenizer = settings["pre_tokenizer"] or {}
        expected = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": True}
        if settings["normalizer"] or any(pre_tokenizer.get(key) != value for key, value in expected.items()):
            raise PipelineError(f"{tokenizer_file}: not a byte-level BPE with GPT-2's pattern; train it with this pipeline")
        alphabet = _bytes_of_characters()
        ranks = {
            bytes(alphabet[character] for character in token): number
            for token, number in vocabulary.items()
            if token not in self.special
        }
        self.encoding = tiktoken.Encoding(tokenizer_file.stem, pat_str=PATTERN, mergeable_ranks=ranks, special_tokens={})

    def id_of(self, token: str) -> int:
        """The id of a special token; PipelineError where the tokenizer has none."""
        if token not in self.special:
            raise PipelineError(f"{self.file}: no token {token}; train it with its settings")
        return int(self.special[token])

    def encode(self, batches: Iterable[Sequence[str]]) -> Iterator[list[NDArray[np.uint32]]]:
        """For each batch of texts the ids of each; the next batch is read and encoded meanwhile."""
        with ThreadPoolExecutor(self.threads) as pool:
            ahead: deque[list[Future[NDArray[np.uint32]]]] = deque()
            for texts in batches:
                ahead.append([pool.submit(self._ids, text) for text in texts])
                if len(ahead) > 1:
                    yield [future.result() for future in ahead.popleft()]
            for futures in ahead:
                yield [future.result() for future in futures]

    def _ids(self, text: str) -> NDArray[np.uint32]:
        ids: NDArray[np.uint32] = self.encoding.encode_to_numpy(text, allowed_special=set(), disallowed_special=())
        return ids
