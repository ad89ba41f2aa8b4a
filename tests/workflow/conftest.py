"""Each file of tests of the workflow has a copy of the built tiny model of its own."""

import shutil
from pathlib import Path

import pytest


@pytest.fixture(scope="module")
def built(built_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that for one file of tests, with every time stamp."""
    return Path(shutil.copytree(built_once, tmp_path_factory.mktemp("checkout") / "copy", symlinks=True))
