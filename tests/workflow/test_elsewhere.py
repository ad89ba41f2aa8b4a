"""The workflow used from elsewhere: as a module, in another working directory, with results on another disk."""

import os
import shutil
from pathlib import Path

import pytest

from tests.conftest import snakemake

TARGET = "results/corpora/tiny/README.md"
MODULE = """
module codeparrot:
    snakefile: "{checkout}/Snakefile"
    {config}

use rule * from codeparrot as codeparrot_*

rule count:
    input: "{target}"
    output: "lines.txt"
    shell: "wc -l < {{input}} > {{output}}"
"""


def test_another_working_directory_builds_with_the_scripts_and_the_config_of_the_checkout(built: Path, tmp_path: Path) -> None:
    command = ("--snakefile", str(built / "Snakefile"), "--directory", str(tmp_path), "--cores", "2", TARGET)
    done = snakemake(built.parent, *command)
    assert done.returncode == 0, done.stdout
    assert (tmp_path / TARGET).read_bytes() == (built / TARGET).read_bytes()
    assert "Nothing to be done" in snakemake(built.parent, *command).stdout


def test_a_working_directory_may_have_a_config_of_its_own(built: Path, tmp_path: Path) -> None:
    shutil.copytree(built / "config", tmp_path / "config", ignore=shutil.ignore_patterns("schemas"))
    (tmp_path / "config/corpora/tiny.yaml").rename(tmp_path / "config/corpora/mine.yaml")
    for file in ("tokenizers/tiny.yaml", "models/tiny.yaml"):
        own = tmp_path / "config" / file
        own.write_text(own.read_text().replace("corpus: tiny", "corpus: mine"))
    command = ("--snakefile", str(built / "Snakefile"), "--cores", "2", "-n")
    assert "results/corpora/mine/README.md" in snakemake(tmp_path, *command, "results/corpora/mine/README.md").stdout
    assert snakemake(tmp_path, *command, "results/corpora/tiny/README.md").returncode != 0


@pytest.mark.parametrize("config", ["", "config: {'default_model': 'tiny', 'pretraining': {'save_minutes': 1}}"])
def test_another_workflow_uses_its_rules_as_a_module(built: Path, tmp_path: Path, config: str) -> None:
    (tmp_path / "Snakefile").write_text(MODULE.format(checkout=built, target=TARGET, config=config))
    done = snakemake(tmp_path, "--cores", "2", "lines.txt")
    assert done.returncode == 0, done.stdout
    assert int((tmp_path / "lines.txt").read_text()) == len((built / TARGET).read_text().splitlines())
    assert "Nothing to be done" in snakemake(tmp_path, "--cores", "2", "lines.txt").stdout
    planned = snakemake(tmp_path, "-n", "--cores", "2", "results/tiny/").stdout
    assert "codeparrot_pretrain" in planned and "codeparrot_release_model" in planned


def another_disk(folder: Path) -> Path | None:
    """A folder on another file system than `folder`, where this machine has one."""
    memory = Path("/dev/shm")
    usable = memory.is_dir() and os.access(memory, os.W_OK) and memory.stat().st_dev != folder.stat().st_dev
    return memory / f"codeparrot-{folder.parent.name}-{os.getpid()}" if usable else None


def test_results_may_lie_on_another_disk(built: Path) -> None:
    disk = another_disk(built)
    if disk is None:
        pytest.skip("this machine has one file system only")
    results = built / "results"
    try:
        shutil.copytree(results, disk, symlinks=True)
        shutil.rmtree(results)
        results.symlink_to(disk)
        assert "Nothing to be done" in snakemake(built, "-n", "results/tiny/").stdout
        shutil.rmtree(disk / "models/tiny/step-000005")
        done = snakemake(built, "results/models/tiny/step-000005")
        assert done.returncode == 0, done.stdout
        assert (disk / "models/tiny/step-000005/state.json").is_file()
    finally:
        shutil.rmtree(disk, ignore_errors=True)
