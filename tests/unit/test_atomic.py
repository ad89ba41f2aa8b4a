"""Artefacts appear whole or not at all."""

import errno
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError
from tests.conftest import REPOSITORY


def test_nothing_is_left_when_the_writer_fails(tmp_path: Path) -> None:
    with pytest.raises(ValueError), written_beside(tmp_path / "file") as beside:
        beside.write_text("half")
        raise ValueError
    assert list(tmp_path.iterdir()) == []


def test_the_old_file_stays_until_the_new_one_is_whole(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("old")
    with written_beside(tmp_path / "file") as beside:
        beside.write_text("new")
        assert (tmp_path / "file").read_text() == "old"
    assert (tmp_path / "file").read_text() == "new"


def test_a_folder_replaces_a_folder(tmp_path: Path) -> None:
    for text in ("old", "new"):
        with written_beside(tmp_path / "folder") as beside:
            beside.mkdir()
            (beside / text).write_text(text)
    assert [file.name for file in (tmp_path / "folder").iterdir()] == ["new"]


def test_a_used_up_quota_is_explained(tmp_path: Path) -> None:
    with (
        pytest.raises(PipelineError, match=r"file: the disk is full .* run the same command again"),
        written_beside(tmp_path / "file"),
    ):
        raise OSError(errno.EDQUOT, "quota")


@pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap, which makes the small disk, is not installed")
def test_a_disk_that_fills_up_ends_the_script_with_one_message_and_no_output() -> None:
    writer = (
        "from pathlib import Path; from codeparrot.command import run\n"
        "from codeparrot.corpus.shards import Record, write_records\n"
        "import random; from codeparrot.errors import PipelineError\n"
        "records = (Record('r', str(n), '1', '1', str(random.random()) * 5000, 'mit') for n in range(9999))\n"
        "try: write_records(records, Path('/small/shard.json.gz'))\n"
        "except PipelineError as error: print(error)\n"
        "print('left:', list(Path('/small').iterdir()))\n"
    )
    command = ["bwrap", "--ro-bind", "/", "/", "--dev", "/dev", "--size", str(2**20), "--tmpfs", "/small"]
    # The mount point has to exist, so a private root holds it.
    command[1:4] = ["--tmpfs", "/"] + [
        part
        for place in sorted(Path("/").iterdir())
        if place.is_dir() and place.name not in ("proc", "dev", "small")
        for part in ("--ro-bind", str(place), str(place))
    ]
    environment = ["--setenv", "PYTHONPATH", str(REPOSITORY)]
    done = subprocess.run([*command, *environment, sys.executable, "-c", writer], capture_output=True, text=True, check=False)
    assert "/small/shard.json.gz: the disk is full" in done.stdout, done.stderr
    assert "left: []" in done.stdout
