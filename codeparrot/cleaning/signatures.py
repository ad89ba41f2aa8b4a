"""What is known of a file for the search for near duplicates: its set of identifiers, and the bands of its MinHash signature.

Identifiers are runs of letters, digits and underscores, as in CodeParrot's minhash_deduplication.py; a file with fewer than 10 of
them, repeats counted, has no near duplicates there or here. MinHash: Broder 1997; bands: Leskovec et al., Mining of Massive
Datasets, 3.4.
"""

from dataclasses import dataclass

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray
from rensa import RMinHash

from codeparrot.cleaning.lexing import buffers, grouped, mixed, words

PERMUTATIONS = 256
MIN_IDENTIFIERS = 10
SEED = 1


@dataclass(frozen=True)
class NearDuplicates:
    """Which files count as near duplicates.

    Args:
        jaccard: Files whose sets of identifiers have at least this Jaccard similarity are near duplicates.
        recall: Expected share of the pairs at exactly this similarity that become candidates.
    """

    jaccard: float = 0.85
    recall: float = 0.98

    def __post_init__(self) -> None:
        banding(self.jaccard, self.recall)


def banding(jaccard: float, recall: float, permutations: int = PERMUTATIONS) -> tuple[int, int]:
    """(bands, rows of each): the most rows with which pairs at `jaccard` share a band with probability `recall` or more.

    Two signatures agree in a row with the probability of their sets' similarity s, so they share one of b bands of r rows with
    probability 1 - (1 - s^r)^b. ValueError where even bands of one row do not reach the recall.
    """
    for rows in range(permutations, 0, -1):
        bands = permutations // rows
        if 1 - (1 - jaccard**rows) ** bands >= recall:
            return bands, rows
    raise ValueError(f"near_duplicates: jaccard {jaccard}: no banding of {permutations} permutations finds a share of {recall}")


def _identifiers(content: NDArray[np.uint8], places: NDArray[np.int64]) -> tuple[NDArray[np.uint32], NDArray[np.int64]]:
    """The sets of identifiers of some texts as hashes in rising order, one text after the other, and the size of each set.

    A text with fewer than MIN_IDENTIFIERS has the empty set.
    """
    starts, hashes = words(content, places)
    counts = np.diff(np.searchsorted(starts, places))
    text = np.repeat(np.arange(len(counts), dtype=np.uint64) << np.uint64(32), counts)
    keys = np.sort(text | hashes >> np.uint64(32))
    keys = keys[np.diff(keys, prepend=~keys[:1]) != 0]
    ends = np.searchsorted(keys, np.arange(len(counts) + 1, dtype=np.uint64) << np.uint64(32))
    sizes = np.diff(ends)
    few = counts < MIN_IDENTIFIERS
    keys = keys[np.repeat(~few, sizes)]
    return keys.astype(np.uint32), np.where(few, 0, sizes)


def _bands(identifiers: NDArray[np.uint32], offsets: NDArray[np.int64], bands: int, rows: int) -> NDArray[np.uint64]:
    """A 64-bit hash of each band of each set's signature, shape (sets, bands)."""
    digests = RMinHash.digest_matrix_from_flat_token_hashes(
        identifiers.astype(np.uint64), offsets.astype(np.uint64), PERMUTATIONS, SEED
    )
    signatures = np.array(digests.to_rows(), np.uint64).reshape(-1, PERMUTATIONS)[:, : bands * rows].reshape(-1, bands, rows)
    weights = mixed(np.arange(1, rows + 1, dtype=np.uint64)) | np.uint64(1)
    return mixed((signatures * weights).sum(axis=2, dtype=np.uint64) + mixed(np.arange(bands, dtype=np.uint64)))


def signatures(texts: pl.Series, settings: NearDuplicates | None) -> pl.DataFrame:
    """Of each text its `identifiers` (list of 32-bit hashes in rising order) and its `bands` (list of 64-bit hashes); both are
    empty for a text that has no near duplicates, and for all where these are not sought."""
    if settings is None:
        nothing = [
            pl.Series("identifiers", [[]] * len(texts), pl.List(pl.UInt32)),
            pl.Series("bands", [[]] * len(texts), pl.List(pl.UInt64)),
        ]
        return pl.DataFrame(nothing)
    bands, rows = banding(settings.jaccard, settings.recall)
    schema = {"identifiers": pl.List(pl.UInt32), "bands": pl.List(pl.UInt64)}
    frames = [pl.DataFrame(schema=schema)]
    for _, content, places in grouped(*buffers(texts)):
        identifiers, sizes = _identifiers(content, places)
        offsets = np.concatenate([[0], np.cumsum(sizes)])
        found = np.flatnonzero(sizes)
        hashed = _bands(identifiers, np.concatenate([[0], np.cumsum(sizes[found])]), bands, rows)
        band_ends = np.cumsum(np.where(sizes > 0, bands, 0))
        frames.append(
            pl.DataFrame(
                {
                    "identifiers": _lists(identifiers, offsets),
                    "bands": _lists(hashed.reshape(-1), np.concatenate([[0], band_ends])),
                }
            )
        )
    return pl.concat(frames)


def _lists(values: NDArray[np.generic], offsets: NDArray[np.int64]) -> pl.Series:
    """A column of lists: values[offsets[i]:offsets[i + 1]]."""
    series = pl.from_arrow(pa.LargeListArray.from_arrays(pa.array(offsets, pa.int64()), pa.array(values)))
    assert isinstance(series, pl.Series)
    return series
