"""Small real data for all tests."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tempfile
from pathlib import Path
from typing import Any

import orjson
import pytest
from filelock import FileLock
from hypothesis import settings

from codeparrot.corpus.shards import Record
from tests import tiny
from tests.programs import ENOUGH, Program

sys.dont_write_bytecode = True
REPOSITORY = Path(__file__).resolve().parent.parent


def pytest_configure() -> None:
    """Threads that wait do not spin: tests beside each other, and the processes that they start, are more than the cores.

    For the same reason an example that Hypothesis tries may take any time.
    """
    os.environ["OMP_WAIT_POLICY"] = "passive"
    settings.register_profile("any machine", deadline=None)
    settings.load_profile("any machine")


# The longest first, so that none is left alone at the end; the tests on Slurm wait more than they compute.
FIRST = ("services/test_slurm", "workflow/test_build", "pretraining/test_chain", "workflow/", "scripts/", "browser/")


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Order files by FIRST; within a file the order stays."""

    def place(item: pytest.Item) -> int:
        return next((number for number, part in enumerate(FIRST) if part in str(item.path)), len(FIRST))

    items.sort(key=place)


@pytest.fixture(scope="session")
def sources() -> list[str]:
    """Some forty modules of the standard library, of at most 40 kB each."""
    files = sorted(Path(sysconfig.get_path("stdlib")).glob("*.py"))
    texts = [file.read_text(encoding="utf-8") for file in files if 4000 < file.stat().st_size < 40000]
    return texts[:40]


def json_lines(file: Path) -> list[Any]:
    """The rows of a JSON-lines file."""
    return [orjson.loads(line) for line in file.read_bytes().splitlines()]


def copy_of_checkout(folder: Path) -> None:
    """Copy what is in the checkout, and what git does not ignore, to `folder`."""
    listed = subprocess.run(
        ["git", "ls-files", "-co", "--exclude-standard"], cwd=REPOSITORY, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(REPOSITORY / name, folder / name, follow_symlinks=False)


def snakemake_command(*arguments: str) -> tuple[list[str], dict[str, str]]:
    """A snakemake command of this environment, and the environment variables that a user's shell would have."""
    environment = {key: value for key, value in os.environ.items() if key != "PYTHONPATH"}
    return [str(Path(sys.executable).parent / "snakemake"), *arguments], environment


def snakemake(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """Run snakemake in a copy of the checkout; what it says is the result's stdout."""
    command, environment = snakemake_command(*arguments)
    with tempfile.TemporaryDirectory() as place:
        program = Program(["snakemake", *command[1:]], Path(place, "said"), folder, environment)
        return subprocess.CompletedProcess(command, program.wait(), program.said(), "")


def record(content: str, repo_name: str = "owner/name", path: str = "module.py") -> Record:
    """A raw record around some content."""
    return Record(repo_name, path, "1", str(len(content.encode())), content, "mit")


@pytest.fixture(scope="session")
def built_once(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a tiny model, built by the literal command once for all tests, which copy it."""
    own = tmp_path_factory.getbasetemp()
    folder = (own.parent if "PYTEST_XDIST_WORKER" in os.environ else own) / "built-once"
    with FileLock(folder.with_suffix(".lock")):
        if not folder.exists():
            making = folder.with_suffix(".making")
            copy_of_checkout(making)
            (making / "config/corpora/tiny.yaml").write_text(tiny.CORPUS)
            (making / "config/tokenizers/tiny.yaml").write_text(tiny.TOKENIZER)
            (making / "config/models/tiny.yaml").write_text(tiny.MODEL)
            command, environment = snakemake_command("results/tiny/")
            done = subprocess.run(
                command, cwd=making, env=environment, capture_output=True, text=True, check=False, timeout=ENOUGH
            )
            assert done.returncode == 0, done.stdout + done.stderr
            making.rename(folder)
    return folder
