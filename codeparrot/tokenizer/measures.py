"""What the analysis measures of a tokenizer on held-out files, with 95% confidence intervals from a bootstrap over files."""

import re
from collections import Counter
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from codeparrot.chance import draw
from codeparrot.tokenizer.compared import Compared

RESAMPLES = 1000
WORD = re.compile(r"[^\W\d_]{2,}")
NOISES = ("swap", "drop", "double", "replace", "case")
Interval = dict[str, float]


@cache
def _weights(files: int, seed: int) -> NDArray[np.float64]:
    """How often each file is drawn in each resample, shape (RESAMPLES, files)."""
    generator = np.random.Generator(np.random.Philox(key=[seed, files]))
    return generator.multinomial(files, np.full(files, 1 / files), RESAMPLES).astype(np.float64)


def ratios(above: NDArray[np.float64], below: NDArray[np.float64], seed: int) -> list[Interval | None]:
    """For each row of `above` and `below`, shape (rows, files), the ratio of their sums with a 95% interval.

    The interval is the percentile bootstrap over files (Efron 1979), since tokens of one file are not independent; one file by
    itself has none. None where the sum below is 0.
    """
    weights = _weights(above.shape[1], seed)
    totals, found = (weights @ above.T, weights @ below.T), list[Interval | None]()
    for row in range(len(above)):
        if not below[row].sum():
            found.append(None)
            continue
        value = float(above[row].sum() / below[row].sum())
        if np.count_nonzero(below[row]) == 1:
            found.append({"value": value})
            continue
        resampled = totals[0][:, row] / np.where(totals[1][:, row] > 0, totals[1][:, row], np.nan)
        low, high = np.nanpercentile(resampled, [2.5, 97.5])
        found.append({"value": value, "low": float(low), "high": float(high)})
    return found


def tokens_of_kinds(
    compared: Compared,
    texts: Sequence[str],
    encoded: Sequence[NDArray[np.int64]],
    kinds: Sequence[NDArray[np.bool_] | None],
    rows: int,
) -> NDArray[np.float64]:
    """Tokens of each file by kind of text, and in all as the last row, shape (rows + 1, files).

    `encoded` holds the ids of each file, `kinds` for each a mask of shape (rows, bytes), or None. A token counts by its bytes:
    where it covers two kinds, a part for each.
    """
    found = np.zeros((rows + 1, len(texts)))
    for number, (text, ids, masks) in enumerate(zip(texts, encoded, kinds, strict=True)):
        found[rows, number] = len(ids)
        if masks is not None and len(ids):
            ends = compared.ends(text, ids)
            sizes = np.diff(ends, prepend=0)
            share = np.repeat(1 / np.maximum(sizes, 1), sizes)
            share = np.pad(share, (0, masks.shape[1] - len(share)))
            found[:rows, number] = masks @ share
    return found


def words(texts: Sequence[str]) -> dict[str, int]:
    """How often each word of two letters or more occurs, the most frequent first."""
    counts = Counter(match[0] for text in texts for match in WORD.finditer(text))
    return dict(sorted(counts.items(), key=lambda item: (-item[1], item[0])))


def _tokens_of_words(compared: Compared, spelled: Sequence[str]) -> NDArray[np.int64]:
    return np.array(compared.lengths([f" {word}" for word in spelled]), np.int64)


def with_noise(word: str, noise: str, seed: int) -> str:
    """`word` with one seeded slip: neighbours swapped, a letter dropped, doubled or replaced, or the case of one changed."""
    place = draw(seed, noise, word) % (len(word) - 1 if noise == "swap" else len(word))
    before, letter, after = word[:place], word[place], word[place + 1 :]
    match noise:
        case "swap":
            return before + after[0] + letter + after[1:]
        case "drop":
            return before + after
        case "double":
            return before + letter * 2 + after
        case "replace":
            other = "abcdefghijklmnopqrstuvwxyz"[draw(seed, "letter", word) % 26]
            return before + other + after
        case _:
            return before + letter.swapcase() + after


def fertility(compared: Compared, counts: dict[str, int], seed: int) -> dict[str, float]:
    """Tokens a word with a space before it, the share of words in two or more, and the growth in tokens by each of NOISES.

    Each word counts as often as it occurs. Fertility and the share of continued words are those of Rust et al. (2021).
    """
    spelled, weights = list(counts), np.array(list(counts.values()), np.float64)
    if not spelled:
        return {}
    tokens = _tokens_of_words(compared, spelled)
    found = {
        "fertility": float(np.average(tokens, weights=weights)),
        "continued": float(np.average(tokens > 1, weights=weights)),
    }
    for noise in NOISES:
        noisy = _tokens_of_words(compared, [with_noise(word, noise, seed) for word in spelled])
        found[noise] = float(np.average(noisy, weights=weights) / found["fertility"])
    return found
