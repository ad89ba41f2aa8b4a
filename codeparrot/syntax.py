"""Whether a text is Python."""

import ast
import warnings


def parses(text: str) -> bool:
    """Whether this interpreter can parse a text as Python; it is not run."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.parse(text)
        except (SyntaxError, ValueError, RecursionError, MemoryError):
            return False
    return True
