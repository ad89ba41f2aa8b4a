"""Filters that read a file closely, so that they are asked only of files that passed the others: tokens, syntax, language."""

import re
from collections.abc import Callable
from functools import cache

import numpy as np
import polars as pl
import pycld2
import tiktoken

from codeparrot.byte_level import gpt2
from codeparrot.byte_level.alphabet import PATTERNS, to_bytes
from codeparrot.cleaning.filters import Filters
from codeparrot.cleaning.lexing import LETTERS, buffers, owners
from codeparrot.syntax import parses

CLOSE_REASONS = ("characters_a_token", "syntax", "language")
# Tokens are counted in so many characters from the beginning of a file.
COUNTED_CHARACTERS = 16384
# Comments of fewer letters are of no language, and a language is sure with this percentage of the text.
MIN_LETTERS = 200
SURE_PERCENT = 80
_COMMENTS = re.compile(r"#[^\n]*|\"\"\".*?\"\"\"|'''.*?'''", re.DOTALL)
# What cld2 refuses, and what says nothing about a language.
_NO_LETTERS = re.compile(r"[^\w\s]|[\d_\x00-\x08\x0b-\x1f\x7f-\x9f]|\b\w*[A-Z]\w*[A-Z]\w*\b|\w+\.\w+|\w+\(")


@cache
def _gpt2() -> tiktoken.Encoding:
    ranks = {to_bytes(token): number for token, number in gpt2.vocabulary().items() if token != "<|endoftext|>"}
    return tiktoken.Encoding("gpt2", pat_str=PATTERNS["gpt2"], mergeable_ranks=ranks, special_tokens={})


def characters_a_token(text: str) -> float:
    """Characters a token of GPT-2's tokenizer, at the beginning of a text; infinite for an empty one.

    This tokenizer, unlike the corpus's own, exists before the corpus does.
    """
    head = text[:COUNTED_CHARACTERS]
    return len(head) / len(_gpt2().encode_ordinary(head)) if head else float("inf")


def _may_be_dense(texts: pl.Series, least: float) -> pl.Series:
    """Whether a text can have fewer characters a token: a word of 3 letters or more has 2.5 of them a token or more, and a space
    before it is no token; every other byte is taken for a token of its own. Of 9,640
    files 1,053 may be, among them all 111 that are."""
    content, places = buffers(texts)
    letters = np.concatenate([[False], LETTERS[content], [False]])
    edges = np.flatnonzero(letters[1:] != letters[:-1])
    starts, ends = edges[::2], edges[1::2]
    words = ends - starts >= 3
    starts, lengths = starts[words], (ends - starts)[words]
    text = owners(starts, places)
    in_words = np.bincount(text, lengths, len(texts))
    spaces = np.bincount(text, content[starts - 1] == ord(" "), len(texts))
    tokens = np.diff(places) - in_words + in_words / 2.5 - spaces
    return pl.Series(tokens * least > texts.str.len_chars().to_numpy())


def comment_language(text: str) -> str | None:
    """The ISO 639-1 code of the language of a file's comments and docstrings, by cld2; None where that is not sure."""
    words = _NO_LETTERS.sub(" ", " ".join(_COMMENTS.findall(text)))
    if sum(map(len, words.split())) < MIN_LETTERS:
        return None
    is_reliable, _, details = pycld2.detect(words, isPlainText=True)
    _, code, percent, _ = details[0]
    return str(code) if is_reliable and percent >= SURE_PERCENT and code != "un" else None


def close_reasons(frame: pl.DataFrame, filters: Filters) -> pl.DataFrame:
    """Of files (content, size) the size of each, and the first of CLOSE_REASONS that it fails or null. Shape (files, 2)."""
    asks: list[tuple[str, pl.Series, Callable[[str], bool]]] = []
    texts = frame["content"]
    everywhere = pl.repeat(True, len(texts), eager=True)
    if filters.min_characters_a_token:
        dense = _may_be_dense(texts, filters.min_characters_a_token)
        asks.append(("characters_a_token", dense, lambda text: characters_a_token(text) < filters.min_characters_a_token))
    if filters.must_parse:
        asks.append(("syntax", everywhere, lambda text: not parses(text)))
    if filters.comment_languages:
        known = (None, *filters.comment_languages)
        asks.append(("language", everywhere, lambda text: comment_language(text) not in known))
    found: list[str | None] = [None] * len(texts)
    for reason, asked, fails in asks:
        for row in asked.arg_true().to_list():
            if found[row] is None and fails(texts[row]):
                found[row] = reason
    return frame.select("size").with_columns(reason=pl.Series(found, dtype=pl.String))
