"""Of what kind of text each token of a sequence is: code, docstring, comment, literal; deeply indented; not English."""

from collections.abc import Sequence
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from codeparrot.tokenizer.text_kinds import KINDS, PARTS, kinds_of_bytes
from codeparrot.tokens.packed import TokenSplit

# Tokens of a document are sought in so many sequences before and after; what is longer, or no Python, is of no kind.
MOST_SEQUENCES = 64


class Documents:
    """The whole documents that the sequences of a split are pieces of: a piece alone is often no Python."""

    def __init__(self, split: TokenSplit, spelled: Sequence[bytes], end_token: int) -> None:
        self._split, self._spelled, self._end = split, spelled, end_token

    def _sequence(self, number: int) -> NDArray[np.int64]:
        found: NDArray[np.int64] = self._split.batch([number])[0]
        return found

    def _around(self, number: int) -> tuple[NDArray[np.int64], int]:
        """The tokens from the beginning of the first document of a sequence to the end of its last, and where it begins."""
        parts, before = [self._sequence(number)], 0
        for other in range(number - 1, max(-1, number - 1 - MOST_SEQUENCES), -1):
            found = self._sequence(other)
            ends = np.flatnonzero(found == self._end)
            parts.insert(0, found[ends[-1] + 1 :] if len(ends) else found)
            before += len(parts[0])
            if len(ends):
                break
        for other in range(number + 1, min(len(self._split), number + 1 + MOST_SEQUENCES)):
            if parts[-1][-1] == self._end:
                break
            found = self._sequence(other)
            ends = np.flatnonzero(found == self._end)
            parts.append(found[: ends[0] + 1] if len(ends) else found)
            if len(ends):
                break
        return np.concatenate(parts), before

    def kinds(self, number: int) -> NDArray[np.float64]:
        """Shape (length, kinds): 1 where most bytes of a token are of a kind. A document that is no Python has none."""
        ids, before = self._around(number)
        found = np.zeros((len(ids), len(KINDS)))
        borders = [0, *(np.flatnonzero(ids == self._end) + 1), len(ids)]
        for first, last in pairwise(borders):
            tokens = [self._spelled[token] for token in ids[first:last]]
            try:
                masks = kinds_of_bytes(b"".join(tokens).decode("utf-8"))
            except UnicodeDecodeError:
                continue
            if masks is None or not masks.shape[1]:
                continue
            sizes = np.array([len(token) for token in tokens])
            spelled = np.flatnonzero(sizes)
            starts = (np.cumsum(sizes) - sizes)[spelled]
            counts = np.add.reduceat(masks.astype(np.int64), starts, axis=1)
            parts = counts[: len(PARTS)].argmax(axis=0)
            found[first + spelled, parts] = 1
            found[first + spelled, len(PARTS) :] = (2 * counts[len(PARTS) :] > sizes[spelled]).T
        return found[before : before + self._split.length]
