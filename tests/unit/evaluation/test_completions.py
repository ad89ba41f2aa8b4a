"""Completions: where a block ends, whether it parses, whether it passes its prompt's check; how it is shown."""

import html
import re
import shutil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from codeparrot.evaluation.completions import Completion, Prompt, block, checked
from codeparrot.evaluation.isolation import Limits
from codeparrot.reporting.code import highlighted
from codeparrot.syntax import parses

FUNCTION = 'def f(a):\n    """Doc."""'
STATEMENTS = "X = 1\n\n# fit"


@pytest.mark.parametrize(
    ("prompt", "written", "expected"),
    [
        (FUNCTION, "\n    return 1\n\nclass X: pass", "\n    return 1"),
        (FUNCTION, "\n    return 1\nx = f(1)\n", "\n    return 1"),
        (FUNCTION, "\n    return 1\n# a comment", "\n    return 1"),
        (FUNCTION, '\n    s = """\ndef no():\n"""\n    return s\ndef g(): pass', '\n    s = """\ndef no():\n"""\n    return s'),
        (FUNCTION, "\n    x = [1,\n2,\n]\n    return x\nprint(1)", "\n    x = [1,\n2,\n]\n    return x"),
        (FUNCTION, "\n    return (\n  1\n", "\n    return (\n  1"),
        (FUNCTION, "\n    x = 1\\\n+ 2\n    return x\nx", "\n    x = 1\\\n+ 2\n    return x"),
        (
            FUNCTION,
            "\n    if a:\n        b()\n\n    # inside\n    return 1\n",
            "\n    if a:\n        b()\n\n    # inside\n    return 1",
        ),
        (FUNCTION, "\n        x\n   z\ndef g()", "\n        x\n   z"),
        (FUNCTION, "", ""),
        ("def f(a):\n", "    return 1\nx = 3\n", "    return 1"),
        ("def f(a):", "\n    return 1\ndef g", "\n    return 1"),
        (STATEMENTS, " it\nclf = R(n=20,\nm=2)\nclf.fit(X)\n\n# next\n", " it\nclf = R(n=20,\nm=2)\nclf.fit(X)"),
        (STATEMENTS, "\nfor x in y:\n    pass\nprint(2)", "\nfor x in y:\n    pass"),
        (STATEMENTS, "\nclassifier = 1\nprinter = 2\nif x: y", "\nclassifier = 1\nprinter = 2"),
        ("", "x = 1\ny = 2\ndef g(): pass\n", "x = 1\ny = 2"),
    ],
)
def test_a_block_ends_where_pythons_own_tokenizer_sees_the_next(prompt: str, written: str, expected: str) -> None:
    assert block(prompt, written) == expected


@given(st.text(max_size=80))
def test_a_block_is_what_was_written_up_to_some_place(written: str) -> None:
    assert written.startswith(block(FUNCTION, written))


def test_a_byte_order_mark_is_no_syntax_error() -> None:
    assert parses("\ufeffx = 1\n") and not parses("x = \ufeff1\n")


def test_parsing_runs_nothing() -> None:
    assert parses("raise SystemExit") and not parses("def f(:") and not parses("\0")


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
def test_a_check_says_whether_a_completion_is_right() -> None:
    prompts = [Prompt("def double(x):", "assert double(2) == 4")] * 3 + [Prompt("x = ")]
    texts = ["\n    return 2 * x", "\n    return x", "\n    return (", "1"]
    found = checked(prompts, [Completion(text, text, True) for text in texts], Limits(), "isolated")
    assert [(each.passed, each.reason) for each in found] == [
        (True, "passed"),
        (False, "wrong answer"),
        (False, "raised SyntaxError"),
        (None, ""),
    ]


def test_without_a_sandbox_a_check_is_not_run_and_the_completion_is_kept(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    (found,) = checked([Prompt("def f():", "assert f()")], [Completion("\n  pass", "", True)], Limits(), "isolated")
    assert found.passed is None and found.reason.startswith("no sandbox") and found.completion == "\n  pass"


@given(st.text(max_size=60), st.text(max_size=60))
def test_colours_change_no_character_and_escape_all(prompt: str, completion: str) -> None:
    shown = str(highlighted(prompt, completion))
    plain = [text.replace("\r\n", "\n").replace("\r", "\n") for text in (prompt, completion)]
    assert html.unescape(re.sub(r"</?(span|ins)\b[^<>]*>", "", shown)) == "".join(plain)


def test_what_the_model_wrote_is_marked() -> None:
    shown = str(highlighted("def f", "oo(): # <b>"))
    assert shown.index("<ins>") < shown.index("oo") and "<b>" not in shown and "&lt;b&gt;" in shown
