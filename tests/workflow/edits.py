"""Edits of a file for the length of a block, and what a dry run lists then."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import snakemake


def planned(folder: Path, target: str = "results/tiny/") -> set[str]:
    """The rules that a dry run of the tiny model, or another target, would run."""
    done = snakemake(folder, "-n", target)
    assert done.returncode == 0, done.stdout + done.stderr
    output = done.stdout + done.stderr
    if "Nothing to be done" in output:
        return set()
    table = output[output.index("Job stats:") :]
    return set(re.findall(r"^(\w+) +\d+$", table, re.MULTILINE)) - {"total"}


@contextmanager
def edited(file: Path, change: Callable[[str], str]) -> Iterator[None]:
    """Change a file for the length of a block."""
    before = file.read_text()
    after = change(before)
    assert after != before, f"the edit of {file} changes nothing"
    file.write_text(after)
    try:
        yield
    finally:
        file.write_text(before)


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)
