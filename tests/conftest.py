"""Small real data for all tests."""

import sys
import sysconfig
from pathlib import Path

import pytest

from codeparrot.shards import Record

sys.dont_write_bytecode = True
REPOSITORY = Path(__file__).resolve().parent.parent


@pytest.fixture(scope="session")
def sources() -> list[str]:
    """Some forty modules of the standard library, of at most 40 kB each."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [file.read_text(encoding="utf-8") for file in files if 4000 < file.stat().st_size < 40000]
    return texts[:40]


def record(content: str, repo_name: str = "owner/name", path: str = "module.py") -> Record:
    """A raw record around some content."""
    return Record(repo_name, path, "1", str(len(content.encode())), content, "mit")
