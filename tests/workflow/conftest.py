"""A tiny model, built once for all tests of the workflow; each file of tests has a copy of its own."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from filelock import FileLock

from tests.conftest import TINY_CORPUS, TINY_TOKENIZER, copy_of_checkout, snakemake_command
from tests.programs import ENOUGH
from tests.workflow.tiny_build import MODEL


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a tiny model, built by the literal command; processes that test side by side share it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "built-once"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            making = folder.with_suffix(".making")
            copy_of_checkout(making)
            (making / "config/corpora/tiny.yaml").write_text(TINY_CORPUS)
            (making / "config/tokenizers/tiny.yaml").write_text(TINY_TOKENIZER)
            (making / "config/models/tiny.yaml").write_text(MODEL)
            command, environment = snakemake_command("results/tiny/")
            done = subprocess.run(
                command, cwd=making, env=environment, capture_output=True, text=True, check=False, timeout=ENOUGH
            )
            assert done.returncode == 0, done.stdout + done.stderr
            making.rename(folder)
    return folder


@pytest.fixture(scope="module")
def built(built_once: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of that for one file of tests, with every time stamp."""
    return Path(shutil.copytree(built_once, tmp_path_factory.mktemp("checkout") / "copy", symlinks=True))
