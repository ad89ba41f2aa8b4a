"""A tokenizer as the analysis sees it: which bytes of a text each of its tokens covers."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from codeparrot.errors import PipelineError
from codeparrot.tokenizer.encoding import Encoder


@dataclass(frozen=True)
class Compared:
    """A tokenizer under a name.

    Args:
        name: What the report calls it.
        file: Its tokenizer.json.
        threads: CPU threads.
    """

    name: str
    file: Path
    threads: int = 2

    @cached_property
    def tokenizer(self) -> Tokenizer:
        """The tokenizer in the tokenizers library; PipelineError where the file is none."""
        try:
            found = Tokenizer.from_file(str(self.file))
        except Exception as error:  # tokenizers raises nothing narrower
            raise PipelineError(f"{self.file}: cannot be loaded as a tokenizer ({error}); expected a tokenizer.json") from error
        found.encode_special_tokens = True
        found.no_truncation()
        found.no_padding()
        return found

    @cached_property
    def encoder(self) -> Encoder | None:
        """The fast encoder, or None where the tokenizer is no byte-level BPE that it knows."""
        try:
            return Encoder(self.file, self.threads) if self.tokenizer else None
        except PipelineError:
            return None

    @cached_property
    def entries(self) -> int:
        """Entries of the vocabulary, special tokens included."""
        return int(self.tokenizer.get_vocab_size())

    @cached_property
    def _lengths(self) -> NDArray[np.int64]:
        """Bytes of each token of the fast encoder, shape (entries,)."""
        lengths = np.zeros(self.entries, np.int64)
        if self.encoder:
            for token, number in self.encoder.ranks.items():
                lengths[number] = len(token)
        return lengths

    def ids(self, texts: Sequence[str]) -> list[NDArray[np.int64]]:
        """The ids of each text, shape (tokens,), without special tokens around it."""
        if self.encoder:
            return [ids.astype(np.int64) for ids in next(self.encoder.encode([texts]))]
        encoded = self.tokenizer.encode_batch_fast(list(texts), add_special_tokens=False)
        return [np.array(each.ids, np.int64) for each in encoded]

    def lengths(self, texts: Sequence[str]) -> list[int]:
        """How many tokens each of many short texts has."""
        if self.encoder:
            return [len(self.encoder.encoding.encode_ordinary(text)) for text in texts]
        return [len(ids) for ids in self.ids(texts)]

    def ends(self, text: str, ids: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where in the bytes of `text` each of its tokens ends, shape (tokens,)."""
        if self.encoder:
            return np.cumsum(self._lengths[ids])
        offsets = self.tokenizer.encode(text, add_special_tokens=False).offsets
        starts = np.cumsum([0, *(len(character.encode("utf-8", "surrogatepass")) for character in text)])
        return np.maximum.accumulate(starts[[end for _, end in offsets]]) if offsets else np.empty(0, np.int64)

    def counts(self, encoded: Sequence[NDArray[np.int64]]) -> NDArray[np.int64]:
        """How often each entry occurs in texts of which the ids are given, shape (entries,)."""
        return np.bincount(np.concatenate([np.empty(0, np.int64), *encoded]), minlength=self.entries)
