"""Whether a text is Python."""

import ast
import warnings


def parses(text: str) -> bool:
    """Whether this interpreter can parse a text as Python; it is not run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text.removeprefix("\ufeff"))  # a byte order mark, which the interpreter takes from a file, not a str
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
