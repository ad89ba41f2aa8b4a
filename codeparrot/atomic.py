"""Artefacts appear whole or not at all: write beside the final name, fsync, rename."""

import errno
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from codeparrot.errors import PipelineError


def _sync(path: Path) -> None:
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def _remove(path: Path) -> None:
    if path.is_dir():
        shutil.rmtree(path)
    else:
        path.unlink(missing_ok=True)


@contextmanager
def written_beside(path: Path) -> Iterator[Path]:
    """Yield a name beside `path` for a new file or folder; rename it to `path` once the block ends without an error.

    Raises PipelineError when the disk is full; whatever goes wrong, nothing is left under either name.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.parent / f".{path.name}.partial-{os.getpid()}"
    try:
        yield beside
        for written in sorted(beside.rglob("*")) if beside.is_dir() else []:
            if written.is_file():
                _sync(written)
        _sync(beside)
        if path.is_dir():
            shutil.rmtree(path)
        beside.rename(path)
        _sync(path.parent)
    except BaseException as error:
        _remove(beside)
        if isinstance(error, OSError) and error.errno in (errno.ENOSPC, errno.EDQUOT):
            free = shutil.disk_usage(path.parent).free / 2**20
            raise PipelineError(
                f"{path}: the disk is full ({free:.0f} MiB free in {path.parent}) or the quota is used up; "
                "free some space and run the same command again: only this file is made anew"
            ) from error
        raise


def write_text(path: Path, text: str) -> None:
    """Write `text` as UTF-8 under `path`, whole or not at all."""
    with written_beside(path) as beside:
        beside.write_text(text, encoding="utf-8")
