"""What a model must beat: a uniform guess and the unigram distribution."""

import math
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from codeparrot.tokens.packed import TokenSplit


def unigram_loss(counts: NDArray[np.int64], ids: NDArray[np.int64]) -> float:
    """Cross-entropy in nats a token of the unigram distribution `counts`, each count raised by one, on `ids`."""
    smoothed = counts + 1
    return float(-np.log(smoothed[ids] / smoothed.sum()).mean())


def yardsticks(train: Path, valid: Path, vocabulary: int, length: int, sequences: int) -> dict[str, float]:
    """What a model must beat on the evaluated sequences: `uniform` is ln(vocabulary), `unigram` knows only frequencies."""
    counts = TokenSplit(train, length).counts(vocabulary)
    split = TokenSplit(valid, length)
    # The first token of a sequence is never predicted.
    ids = split.batch(split.evenly_spread(sequences))[:, 1:].ravel()
    return {"uniform": math.log(vocabulary), "unigram": unigram_loss(counts, ids)}
