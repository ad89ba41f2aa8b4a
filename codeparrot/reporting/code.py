"""Python in colours, with what a model wrote told from its prompt."""

from collections.abc import Iterator

from markupsafe import Markup, escape
from pygments.formatters import HtmlFormatter
from pygments.lexers import PythonLexer
from pygments.token import STANDARD_TYPES

STYLES = str(HtmlFormatter(style="default").get_style_defs("pre"))


def _pieces(text: str, border: int) -> Iterator[tuple[bool, str, str]]:
    """(whether after the border, CSS class, text) of each token; one that lies over the border is two."""
    place = 0
    for kind, value in PythonLexer(stripnl=False, ensurenl=False).get_tokens(text):
        for part, is_written in ((value[: max(0, border - place)], False), (value[max(0, border - place) :], True)):
            if part:
                yield is_written, STANDARD_TYPES.get(kind, ""), part
        place += len(value)


def highlighted(prompt: str, completion: str) -> Markup:
    """Prompt and completion as HTML; the completion is in <ins>. Every text is escaped."""
    plain, written = (text.replace("\r\n", "\n").replace("\r", "\n") for text in (prompt, completion))
    parts: list[str] = []
    was_written = False
    for is_written, name, text in _pieces(plain + written, len(plain)):
        if is_written and not was_written:
            parts.append("<ins>")
        was_written = is_written
        parts.append(f'<span class="{name}">{escape(text)}</span>' if name else str(escape(text)))
    return Markup("".join(parts) + ("</ins>" if was_written else ""))
