"""Decontamination: files that hold a prompt or a solution of a benchmark that the model will be evaluated on.

BigCode looks for prompts and solutions as substrings (bigcode-dataset, decontamination). Here a prompt is the words of its
description, whatever stands between them, and a solution is its tokens without comments, where another name may stand for each
name: so neither new line breaks, other quotes, nor renamed variables hide one. What is too short to tell by itself counts only in
a file that also defines a function of the task's name.

Texts are compared as arrays of hashes, all in lower case.
"""

import builtins
import keyword
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import polars as pl
from numpy.typing import NDArray

from codeparrot.cleaning.lexing import Bytes, buffers, grouped, owners, span_hashes, tokens
from codeparrot.problems.tasks import Task

Hashes = NDArray[np.uint64]
# What is compared at every place of a text, before the rest; also the least that tells a task by itself.
ANCHOR = {"prompt": 10, "solution": 20}
_PLAIN = np.arange(256, dtype=np.uint8)
_PLAIN[ord("A") : ord("Z") + 1] += ord("a") - ord("A")
_PLAIN[ord('"')] = ord("'")
_DIGIT = np.isin(np.arange(256), list(b"0123456789"))
_NAME = np.uint64(256)  # stands for any name; symbols are bytes


@dataclass(frozen=True)
class _Stream:
    """Texts as one row of hashes: `text` says which text each is of, `names` tells apart what stood where a hash
    is that of any name, and the words of strings from names."""

    text: NDArray[np.int64]
    hash: Hashes
    names: Hashes


def _among(hashes: Hashes, wanted: Hashes) -> NDArray[np.int64]:
    """Where `hashes` holds one of `wanted`, which is in rising order and not empty."""
    # Few are wanted, and the lowest 16 bits of a hash tell nearly always that it is not.
    glance = np.zeros(2**16, np.bool_)
    glance[(wanted & np.uint64(0xFFFF)).astype(np.int64)] = True
    places = np.flatnonzero(glance[hashes.astype(np.uint16)])
    nearest = np.minimum(np.searchsorted(wanted, hashes[places]), len(wanted) - 1)
    found: NDArray[np.int64] = places[wanted[nearest] == hashes[places]]
    return found


def _firsts(rising: NDArray[np.int64]) -> NDArray[np.int64]:
    """Where each number of a rising row stands first."""
    return np.flatnonzero(np.diff(rising, prepend=-1))


def _streams(content: Bytes, places: NDArray[np.int64]) -> dict[str, _Stream]:
    """The words of texts, as prompts are compared; and their tokens without comments and names, as solutions are."""
    plain = _PLAIN[content]
    found = tokens(plain, places)
    text = owners(found.position, places)
    words = _Stream(text[found.is_word], found.hash[found.is_word], found.hash[found.is_word])
    line = np.cumsum(plain == ord("\n"), dtype=np.int64)[found.position] + text
    # What follows an odd number of quotes in its line stands in a string.
    quotes = np.cumsum(found.hash == ord("'"))
    first = _firsts(line)
    before = np.zeros(int(line[-1]) + 1 if len(line) else 0, np.int64)
    before[line[first]] = quotes[first] - (found.hash[first] == ord("'"))
    in_string = (quotes - before[line]) % 2 == 1
    signs = np.flatnonzero((found.hash == ord("#")) & ~in_string)
    begins = np.full(len(before), len(plain))
    first = signs[_firsts(line[signs])]
    begins[line[first]] = found.position[first]
    code = found.position < begins[line]
    text, hashes, is_word, position = text[code], found.hash[code], found.is_word[code], found.position[code]
    is_attribute = np.roll(hashes, 1) == ord(".")
    is_name = is_word & ~is_attribute & ~in_string[code] & ~_DIGIT[plain[position]]
    is_name[_among(hashes, _kept())] = False
    return {
        "prompt": words,
        "solution": _Stream(text, np.where(is_name, _NAME, hashes), np.where(in_string[code], ~hashes, hashes)),
    }


def _hashes_of(words: Sequence[str]) -> Hashes:
    return tokens(*buffers(pl.Series(words, dtype=pl.String))).hash


_KEPT: list[Hashes] = []


def _kept() -> Hashes:
    """The hashes of the names that cannot be renamed: keywords and what every module finds defined."""
    if not _KEPT:
        _KEPT.append(
            np.sort(_hashes_of(sorted({name.lower() for name in (*keyword.kwlist, *dir(builtins)) if "__" not in name})))
        )
    return _KEPT[0]


def _pattern_of_names(names: Hashes) -> NDArray[np.int64]:
    """Which occurrence of a name is the first of the same: equal for texts that differ by a renaming."""
    _, first, inverse = np.unique(names, return_index=True, return_inverse=True)
    found: NDArray[np.int64] = first[inverse]
    return found


def _whole(stream: Hashes) -> int:
    return int(span_hashes(stream, np.array([0]), np.array([len(stream)]))[0])


class Benchmarks:
    """The tasks of all benchmarks, ready to be looked for."""

    def __init__(self, tasks: Sequence[Task]) -> None:
        self.anchors: dict[str, dict[int, list[tuple[str, int, int, NDArray[np.int64]]]]] = {}
        self.short: dict[int, list[tuple[str, str, Hashes]]] = defaultdict(list)
        for part in ("prompt", "solution"):
            anchors: dict[int, list[tuple[str, int, int, NDArray[np.int64]]]] = defaultdict(list)
            for task in tasks:
                stream = _streams(*buffers(pl.Series([getattr(task, part)])))[part]
                if len(stream.hash) < ANCHOR[part]:
                    if len(stream.hash):
                        self.short[int(_hashes_of([task.name.lower()])[0])].append((task.id, part, stream.hash))
                    continue
                names = _pattern_of_names(stream.names)
                anchors[_whole(stream.hash[: ANCHOR[part]])].append((task.id, len(stream.hash), _whole(stream.hash), names))
            self.anchors[part] = anchors
        self.definition = _hashes_of(["def"])[0]

    def _long(self, part: str, stream: _Stream) -> Iterator[tuple[int, str]]:
        length, anchors = ANCHOR[part], self.anchors[part]
        if len(stream.hash) < length or not anchors:
            return
        starts = np.arange(len(stream.hash) - length + 1)
        windows = span_hashes(stream.hash, starts, starts + length)
        for start in _among(windows, np.array(sorted(anchors), np.uint64)).tolist():
            for task, size, whole, names in anchors[int(windows[start])]:
                end = start + size
                if end > len(stream.hash) or stream.text[end - 1] != stream.text[start]:
                    continue
                same = _whole(stream.hash[start:end]) == whole
                if same and np.array_equal(_pattern_of_names(stream.names[start:end]), names):
                    yield int(stream.text[start]), task

    def _brief(self, part: str, stream: _Stream) -> Iterator[tuple[int, str]]:
        defined = np.flatnonzero(stream.names == self.definition)
        named = stream.names[np.minimum(defined + 1, len(stream.names) - 1)]
        for number in _among(named, np.array(sorted(self.short), np.uint64)).tolist() if self.short else ():
            start = int(defined[number])
            # A function lasts until the next one begins, or the text ends.
            end = int(np.searchsorted(stream.text, stream.text[start], side="right"))
            end = min(end, int(defined[number + 1])) if number + 1 < len(defined) else end
            for task, kind, wanted in self.short[int(named[number])]:
                if kind == part and end - start >= len(wanted):
                    windows = np.lib.stride_tricks.sliding_window_view(stream.hash[start:end], len(wanted))
                    if (windows == wanted).all(axis=1).any():
                        yield int(stream.text[start]), task

    def found_in(self, texts: pl.Series) -> dict[int, list[str]]:
        """The ids of the tasks that each text holds a prompt or solution of, by the text's number; others are left out."""
        found: dict[int, set[str]] = defaultdict(set)
        if not self.short and not any(self.anchors.values()):
            return {}
        for first, content, places in grouped(*buffers(texts)):
            streams = _streams(content, places)
            for part, stream in streams.items():
                for text, task in (*self._long(part, stream), *self._brief(part, stream)):
                    found[first + text].add(task)
        return {text: sorted(ids) for text, ids in sorted(found.items())}
