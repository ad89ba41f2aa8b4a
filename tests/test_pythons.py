"""Every supported Python that is installed compiles all files, and passes checks and unit tests in its own environment."""

import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

VERSIONS = ("3.11", "3.12", "3.13")
COMPILE = (
    "import pathlib, sys\n"
    "assert '%d.%d' % sys.version_info[:2] == sys.argv[1]\n"
    "for place in ('codeparrot', 'scripts', 'envs', 'tests', 'benchmarks'):\n"
    "    for file in pathlib.Path(place).rglob('*.py'):\n"
    "        compile(file.read_text(encoding='utf-8'), str(file), 'exec')\n"
)


def interpreter(version: str) -> str:
    """A Python of that version from the PATH, or one that pyenv holds; the test is skipped where there is none."""
    held = sorted((Path.home() / ".pyenv/versions").glob(f"{version}.*/bin/python{version}"))
    for candidate in (shutil.which(f"python{version}"), *map(str, held)):
        # A shim of pyenv is there for versions that are not chosen, too.
        if candidate and subprocess.run([candidate, "--version"], capture_output=True, check=False).returncode == 0:
            return candidate
    pytest.skip(f"Python {version} is not installed")


@pytest.mark.parametrize("version", VERSIONS)
def test_every_file_compiles(version: str) -> None:
    command = [interpreter(version), "-W", "error", "-c", COMPILE, version]
    done = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@pytest.mark.skipif("PROVE" not in os.environ, reason="a slow proof, with an environment of its own: make pythons")
@pytest.mark.parametrize("version", VERSIONS)
def test_checks_and_unit_tests_pass(version: str) -> None:
    binaries = REPOSITORY / f".venv-{version}/bin"
    environment = {key: value for key, value in os.environ.items() if key not in ("PROVE", "VIRTUAL_ENV", "PYTHONPATH")}
    environment["PATH"] = f"{binaries}:{environment['PATH']}"
    for command in (
        [interpreter(version), "envs/make_venv.py", f".venv-{version}"],
        [str(binaries / "ruff"), "check", "."],
        [str(binaries / "mypy")],
        [str(binaries / "snakefmt"), "--check", "Snakefile", "rules"],
        [str(binaries / "python"), "-m", "pytest", "tests/unit", "--numprocesses", "2", "--dist", "loadfile"],
    ):
        done = subprocess.run(command, cwd=REPOSITORY, env=environment, capture_output=True, text=True, check=False)
        assert done.returncode == 0, f"{' '.join(command)}\n{done.stdout[-4000:]}\n{done.stderr[-4000:]}"
