"""The digest of a script's code changes with what it does, and with nothing else."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from codeparrot.plan import staleness
from tests.conftest import REPOSITORY

SCRIPT = '''"""A script."""
from codeparrot.one import double  # used below


def main(number: int) -> int:
    """Doubles."""
    return double(number)
'''
ONE = "from codeparrot import two\n\n\ndef double(number: int) -> int:\n    return two.FACTOR * number\n"


@pytest.fixture
def digest(tmp_path: Path) -> Callable[[str, str], str]:
    """Write a file of a small checkout and return the digest of its script."""
    for name, text in {"scripts/stage.py": SCRIPT, "codeparrot/__init__.py": "", "codeparrot/one.py": ONE}.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    (tmp_path / "codeparrot/two.py").write_text("FACTOR = 2\n")
    (tmp_path / "codeparrot/unused.py").write_text("X = 1\n")

    def write(name: str, text: str) -> str:
        (tmp_path / name).write_text(text)
        copy = tmp_path / "elsewhere"
        shutil.rmtree(copy, ignore_errors=True)
        shutil.copytree(tmp_path, copy)
        staleness._normalised.cache_clear()
        staleness.code_digest.cache_clear()
        return staleness.code_digest(copy, "stage")

    return write


def test_comments_docstrings_and_layout_change_nothing(digest: Callable[[str, str], str]) -> None:
    before = digest("scripts/stage.py", SCRIPT)
    other = SCRIPT.replace("A script", "The script").replace("Doubles", "Twice").replace("  # used below", "")
    assert digest("scripts/stage.py", other.replace("return double(number)", "return double(\n        number\n    )")) == before


def test_an_expression_in_the_script_a_module_or_what_it_imports_changes_it(digest: Callable[[str, str], str]) -> None:
    digests = [
        digest("scripts/stage.py", SCRIPT),
        digest("scripts/stage.py", SCRIPT.replace("double(number)", "double(number + 1)")),
        digest("codeparrot/one.py", ONE.replace("* number", "+ number")),
        digest("codeparrot/two.py", "FACTOR = 3\n"),
        digest("codeparrot/__init__.py", "import os\n"),
        digest("codeparrot/one.page.j2", "<p>"),
    ]
    assert len(set(digests)) == len(digests)


def test_a_module_that_it_does_not_import_changes_nothing(digest: Callable[[str, str], str]) -> None:
    before = digest("scripts/stage.py", SCRIPT)
    assert digest("codeparrot/unused.py", "X = 2\n") == before


def test_no_rules_script_runs_the_code_that_plans() -> None:
    for stage in (REPOSITORY / "rules").glob("*.smk"):
        for script in re.findall(r"scripts/\w+\.py", stage.read_text()):
            files = staleness.code_files(REPOSITORY, script)
            assert len(files) > 1 or script == "scripts/launch.py", script
            assert not [file for file in files if file.parent.name == "plan"], script
