"""Texts as arrays: how many of their bytes are of a class, and their words and symbols as hashes.

Arrow keeps a column of texts as one buffer of UTF-8 and an array of offsets; numpy reads both as they lie there. So a batch of
files is cut into words in some passes over an array, and no Python object is made for a word.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from itertools import pairwise

import numpy as np
import polars as pl
import pyarrow as pa
from numpy.typing import NDArray

Bytes = NDArray[np.uint8]
# Texts are cut in groups of about so many bytes: the arrays made on the way hold 8 bytes for each of theirs.
GROUP_BYTES = 2**20
# The base of the polynomial whose value modulo 2^64 names a word: an odd number (the golden ratio's fraction in 64 bits).
_BASE = 0x9E3779B97F4A7C15


def byte_class(characters: str) -> NDArray[np.bool_]:
    """A table, shape (256,), of the bytes that are one of these ASCII characters."""
    table = np.zeros(256, np.bool_)
    table[list(characters.encode("ascii"))] = True
    return table


_DIGITS, _LETTERS = "0123456789", "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ"
LETTERS = byte_class(_LETTERS)
ALPHANUMERICS = byte_class(_LETTERS + _DIGITS)
_WORD = byte_class(_LETTERS + _DIGITS + "_")
_SPACE = byte_class(" \t\n\r\v\f")


def buffers(texts: pl.Series) -> tuple[Bytes, NDArray[np.int64]]:
    """The UTF-8 of all texts, shape (bytes,), and where each begins and the last ends, shape (texts + 1,)."""
    array = texts.to_arrow().cast(pa.large_string())
    _, offsets, data = array.buffers()
    places = np.frombuffer(offsets, np.int64)[array.offset : array.offset + len(array) + 1]
    content = np.frombuffer(data, np.uint8)[places[0] : places[-1]] if data and len(array) else np.zeros(0, np.uint8)
    return content, places - places[0] if len(places) else np.zeros(1, np.int64)


def sums(flags: NDArray[np.bool_], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """How many flags are set in each text, shape (texts,)."""
    ends = places.tolist()
    return np.array([np.count_nonzero(flags[start:end]) for start, end in pairwise(ends)], np.int64)


@cache
def _powers(size: int) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """The first `size` powers of the base and of its inverse modulo 2^64."""
    inverse = pow(_BASE, -1, 2**64)
    ones = [np.full(size, base, np.uint64) for base in (_BASE, inverse)]
    for powers in ones:
        powers[0] = 1
        np.multiply.accumulate(powers, out=powers)
    return ones[0], ones[1]


def mixed(numbers: NDArray[np.uint64]) -> NDArray[np.uint64]:
    """Every bit of a number spread over all 64 (the finaliser of SplitMix64, Steele et al. 2014)."""
    numbers = (numbers ^ (numbers >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    numbers = (numbers ^ (numbers >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return numbers ^ (numbers >> np.uint64(31))


def span_hashes(
    values: NDArray[np.uint8] | NDArray[np.uint64], starts: NDArray[np.int64], ends: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """A 64-bit hash of each span values[start:end]; equal spans have equal hashes wherever they lie."""
    size = max(2 ** (len(values)).bit_length(), 2)
    powers, inverses = _powers(size)
    total = np.zeros(len(values) + 1, np.uint64)
    np.multiply(values, powers[: len(values)], out=total[1:], dtype=np.uint64)
    total[1:] += powers[: len(values)]  # so that a zero counts, too
    np.cumsum(total, out=total)
    return mixed((total[ends] - total[starts]) * inverses[starts])


def owners(positions: NDArray[np.int64], places: NDArray[np.int64]) -> NDArray[np.int64]:
    """Which text each of some rising positions lies in."""
    return np.repeat(np.arange(len(places) - 1), np.diff(np.searchsorted(positions, places)))


def words(content: Bytes, places: NDArray[np.int64]) -> tuple[NDArray[np.int64], NDArray[np.uint64]]:
    """The words of texts (as `buffers` gives them) in order, which are runs of ASCII letters, digits and underscores: where each
    begins, and a 64-bit hash of it."""
    word = _WORD[content]
    borders = np.empty(len(word) + 1, np.bool_)
    borders[0], borders[-1] = word[:1].any(), word[-1:].any()
    np.not_equal(word[1:], word[:-1], out=borders[1:-1])
    # Two texts whose words touch: one ends and the next begins at this byte.
    inner = places[1:-1]
    inner = np.unique(inner[(inner > 0) & (inner < len(word))])
    touching = inner[word[inner] & word[inner - 1]]
    edges = np.flatnonzero(borders)
    if len(touching):
        edges = np.sort(np.concatenate([edges, touching, touching]))
    starts, ends = edges[::2], edges[1::2]
    return starts, span_hashes(content, starts, ends)


@dataclass(frozen=True)
class Tokens:
    """The words and the other visible bytes of some texts, in order.

    Args:
        position: The byte at which each token begins, shape (tokens,).
        hash: 64 bits that name a word by its bytes, or the byte of a symbol, shape (tokens,).
        is_word: Which tokens are words, shape (tokens,).
    """

    position: NDArray[np.int64]
    hash: NDArray[np.uint64]
    is_word: NDArray[np.bool_]


def tokens(content: Bytes, places: NDArray[np.int64]) -> Tokens:
    """Cut texts (as `buffers` gives them) into words and symbols."""
    starts, hashes = words(content, places)
    begins = ~(_WORD | _SPACE)[content]
    begins[starts] = True
    position = np.flatnonzero(begins)
    is_word = _WORD[content[position]]
    found = content[position].astype(np.uint64)
    found[is_word] = hashes
    return Tokens(position, found, is_word)


def grouped(content: Bytes, places: NDArray[np.int64]) -> Iterator[tuple[int, Bytes, NDArray[np.int64]]]:
    """Texts in groups of about GROUP_BYTES: the number of the first, their bytes, and their places."""
    first = 0
    while first < len(places) - 1:
        end = max(int(np.searchsorted(places, places[first] + GROUP_BYTES, side="right")) - 1, first + 1)
        yield first, content[places[first] : places[end]], places[first : end + 1] - places[first]
        first = end
