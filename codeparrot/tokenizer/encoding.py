"""Encoding at speed: the tokenizer's merges in tiktoken, which gives the ids of the tokenizers library in less time.

Why the ids are the same: merges are numbered in the order in which they were learned, and tiktoken joins the neighbours
whose joint piece has the lowest number. A piece is always reached by the one pair that its own bytes lead to, since no
merge across its borders happened before; so the lowest number names the merge that the tokenizers library takes. The
pattern that cuts text into pieces is the same in both.
"""

from collections import deque
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import tiktoken
from numpy.typing import NDArray

from codeparrot.byte_level.alphabet import PATTERNS, to_bytes
from codeparrot.errors import PipelineError


def _pattern(settings: dict[str, Any]) -> str | None:
    """The pattern of a tokenizer.json, or None where it is not a byte-level BPE with one of PATTERNS."""
    steps = settings["pre_tokenizer"] or {}
    steps = steps.get("pretokenizers", [steps])
    *cuts, last = ({key: value for key, value in step.items() if key != "trim_offsets"} for step in steps)
    expected = {"type": "ByteLevel", "add_prefix_space": False, "use_regex": not cuts}
    if settings["normalizer"] or settings["model"]["type"] != "BPE" or last != expected or len(cuts) > 1:
        return None
    if not cuts:
        return PATTERNS["gpt2"]
    found = cuts[0].get("pattern", {}).get("Regex")
    isolated = {"type": "Split", "pattern": {"Regex": found}, "behavior": "Isolated", "invert": False}
    return found if found in PATTERNS.values() and cuts[0] == isolated else None


class Encoder:
    """A tokenizer.json as a fast encoder of ordinary text; special tokens are looked up by name and never made by text."""

    def __init__(self, tokenizer_file: Path, threads: int) -> None:
        settings = orjson.loads(tokenizer_file.read_bytes())
        self.file = tokenizer_file
        self.threads = threads
        pattern = _pattern(settings)
        if not pattern:
            raise PipelineError(
                f"{tokenizer_file}: not a byte-level BPE of this pipeline's; expected one that it trained, or GPT-2's"
            )
        self.special = {token["content"]: token["id"] for token in settings["added_tokens"]}
        vocabulary = settings["model"]["vocab"]
        self.entries = len(vocabulary | self.special)
        self.pattern = pattern
        self.ranks = {to_bytes(token): number for token, number in vocabulary.items() if token not in self.special}
        self.encoding = tiktoken.Encoding(tokenizer_file.stem, pat_str=pattern, mergeable_ranks=self.ranks, special_tokens={})

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
