"""Which bytes of a Python file are code, docstring, comment or literal, deeply indented, or not English."""

import io
import tokenize
import unicodedata
from collections.abc import Iterator

import numpy as np
from numpy.typing import NDArray

PARTS = ("code", "docstrings", "comments", "literals")
OVERLAYS = ("deep indentation", "non-English")
KINDS = (*PARTS, *OVERLAYS)
DEEP_COLUMNS = 12
# A comment or string counts as non-English when so many of its letters are outside ASCII.
FOREIGN_LETTERS = 0.2

_LAYOUT = {tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.COMMENT, tokenize.ENCODING}
# From Python 3.12 on a formatted string is several tokens (PEP 701).
_FSTRING_START, _FSTRING_END = (getattr(tokenize, name, -1) for name in ("FSTRING_START", "FSTRING_END"))


def _tokens(text: str) -> Iterator[tokenize.TokenInfo]:
    """The tokens of a text, a formatted string being one STRING as before Python 3.12, so that all Pythons see the same."""
    lines = io.StringIO(text).readlines()
    start, depth = (1, 0), 0
    for token in tokenize.generate_tokens(iter([*lines, ""]).__next__):
        if token.type == _FSTRING_START:
            start, depth = token.start if not depth else start, depth + 1
        elif token.type == _FSTRING_END:
            depth -= 1
            if not depth:
                pieces = [lines[number] for number in range(start[0] - 1, token.end[0])]
                pieces[-1] = pieces[-1][: token.end[1]]
                pieces[0] = pieces[0][start[1] :]
                yield tokenize.TokenInfo(tokenize.STRING, "".join(pieces), start, token.end, token.line)
        elif not depth:
            yield token


def _spans(text: str) -> Iterator[tuple[str, tuple[int, int], tuple[int, int], str]]:
    """(kind, start, end, text) of all that is not code; positions are (line from 1, column). Raises what tokenize raises."""
    tokens = list(_tokens(text))
    alone = True  # whether a string here would be a statement of its own
    for token, following in zip(tokens, [*tokens[1:], tokens[-1]], strict=True):
        if token.type == tokenize.COMMENT:
            yield "comments", token.start, token.end, token.string
        elif token.type == tokenize.STRING:
            ends = following.type in (tokenize.NEWLINE, tokenize.ENDMARKER, tokenize.COMMENT)
            yield "docstrings" if alone and ends else "literals", token.start, token.end, token.string
        elif token.type == tokenize.NUMBER:
            yield "literals", token.start, token.end, token.string
        alone = token.type in _LAYOUT and (token.type != tokenize.NL or alone)


def _is_foreign(text: str) -> bool:
    if text.isascii():
        return False
    letters = [character for character in text if unicodedata.category(character).startswith("L")]
    return bool(letters) and sum(character > "\x7f" for character in letters) >= FOREIGN_LETTERS * len(letters)


def kinds_of_bytes(text: str) -> NDArray[np.bool_] | None:
    """For each of KINDS and each byte of `text` whether it is of that kind, shape (kinds, bytes); None where `text` is not
    Python that this interpreter can cut into tokens. PARTS are disjoint and cover the text, OVERLAYS lie over them."""
    lines = io.StringIO(text).readlines()
    sizes = [len(line.encode("utf-8")) for line in lines]
    starts = np.cumsum([0, *sizes])
    masks = np.zeros((len(KINDS), int(starts[-1])), np.bool_)

    def place(position: tuple[int, int]) -> int:
        line, column = position
        if line > len(lines):
            return int(starts[-1])
        return int(starts[line - 1]) + len(lines[line - 1][:column].encode("utf-8"))

    try:
        for kind, start, end, spelled in _spans(text):
            masks[KINDS.index(kind), place(start) : place(end)] = True
            if kind != "code" and _is_foreign(spelled):
                masks[KINDS.index("non-English"), place(start) : place(end)] = True
    except (tokenize.TokenError, SyntaxError, UnicodeDecodeError):  # the last from Python 3.12 on, after a lone carriage return
        return None
    masks[0] = ~masks[1 : len(PARTS)].any(axis=0)
    for number, line in enumerate(lines):
        stripped = line.lstrip(" \t")
        if stripped.strip() and len(line[: len(line) - len(stripped)].expandtabs(8)) >= DEEP_COLUMNS:
            masks[KINDS.index("deep indentation"), starts[number] : starts[number + 1]] = True
    return masks
