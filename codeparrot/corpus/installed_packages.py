"""The embedded corpus: Python's standard library and the installed distributions that the lock file names.

Real, licensed Python source that every machine with the pipeline's environment already has. Sizes follow the book's
query: 1,024 to 1,048,575 bytes inclusive.
"""

import hashlib
import re
import sys
import sysconfig
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import Distribution, PackageNotFoundError, distribution
from pathlib import Path

from codeparrot.chance import draw
from codeparrot.corpus.shards import Record
from codeparrot.digests import file_digest
from codeparrot.errors import PipelineError

STANDARD_LIBRARY = "python-standard-library"
OWN_LOCK = Path(__file__).resolve().parents[2] / "requirements.lock"

# Licence texts and classifiers as distributions write them, and GitHub's keys (lower-case SPDX identifiers) for them.
LICENCE_PATTERNS = (
    (r"mit|mit license|expat|.*:: mit license", "mit"),
    (r"apache.*2(\.0)?.*|apache|.*:: apache software license", "apache-2.0"),
    (r"bsd[- ]3[- ]clause.*|(new|modified|3-clause) bsd.*|bsd-3", "bsd-3-clause"),
    (r"bsd[- ]2[- ]clause.*|simplified bsd.*|2-clause bsd.*", "bsd-2-clause"),
    (r"isc( license.*)?|.*:: isc license.*", "isc"),
    (r"mpl[- ]2\.0.*|mozilla public license 2\.0.*|.*:: mozilla public license 2\.0.*", "mpl-2.0"),
    (r"psf(-2\.0)?|python software foundation.*|.*:: python software foundation license", "psf-2.0"),
    (r"(the )?unlicense.*|.*:: the unlicense.*", "unlicense"),
    (r"lgplv?[- ]?3.*|.*lesser general public license v3.*", "lgpl-3.0"),
    (r"lgplv?[- ]?2\.1.*|.*lesser general public license v2.*", "lgpl-2.1"),
    (r"gplv?[- ]?3.*|.*:: gnu general public license v3.*", "gpl-3.0"),
    (r"gplv?[- ]?2.*|.*:: gnu general public license v2.*", "gpl-2.0"),
)


@dataclass(frozen=True)
class Settings:
    """Which distributions, and files of which sizes.

    Args:
        lock: The lock file whose distributions are read; this project's own where it is not given.
        min_bytes: The smallest file taken.
        max_bytes: The largest file taken.
    """

    lock: str | None = None
    min_bytes: int = 1024
    max_bytes: int = 1048575


def licence_key(found: Distribution) -> str:
    """GitHub's key for a distribution's licence, from its metadata; 'unknown' where that does not tell a single one."""
    metadata = found.metadata
    expression = " ".join(metadata.get_all("License-Expression") or [])
    classifiers = [line for line in metadata.get_all("Classifier") or [] if line.startswith("License ::")]
    text = " ".join(metadata.get_all("License") or [])
    for statement in (expression, text, *classifiers):
        for pattern, key in LICENCE_PATTERNS:
            if re.fullmatch(pattern, statement.strip().lower()):
                return key
    return "unknown"


def _lock(settings: Settings) -> Path:
    lock = Path(settings.lock) if settings.lock else OWN_LOCK
    if not lock.is_file():
        raise PipelineError(f"source: lock: {str(lock)!r}: expected an existing file")
    return lock


def version(settings: Settings) -> str:
    """What the records depend on besides settings: the Python and the locked versions. PipelineError where there is no lock."""
    return f"python {sys.version.split()[0]}, lock {file_digest(_lock(settings))[:16]}"


def _locked_names(lock: Path) -> list[str]:
    names = re.findall(r"^(?:#: )?([A-Za-z0-9._-]+)==", lock.read_text(encoding="utf-8"), re.MULTILINE)
    return sorted({re.sub(r"[-_.]+", "-", name).lower() for name in names})


def _files(settings: Settings) -> Iterator[tuple[str, str, str, Path]]:
    """(distribution, path within it, licence key, file) in a fixed order; a distribution that is not installed is left out."""
    library = Path(sysconfig.get_path("stdlib"))
    for file in sorted(library.rglob("*.py")):
        inside = file.relative_to(library)
        if inside.parts[0] != "site-packages":
            yield STANDARD_LIBRARY, inside.as_posix(), "psf-2.0", file
    for name in _locked_names(_lock(settings)):
        try:
            found = distribution(name)
        except PackageNotFoundError:
            continue
        key = licence_key(found)
        for entry in sorted(found.files or [], key=str):
            if entry.suffix == ".py" and ".." not in entry.parts and not entry.is_absolute():
                yield name, entry.as_posix(), key, Path(str(entry.locate()))


def _copies(files: list[tuple[str, str, str, Path, int]]) -> dict[Path, int]:
    """How many of the files have the same bytes, for each file; only files of equal size are read to find out."""
    of_size = Counter(size for *_, size in files)
    digests = {file: hashlib.sha256(file.read_bytes()).digest() for *_, file, size in files if of_size[size] > 1}
    count = Counter(digests.values())
    return {file: count[digest] for file, digest in digests.items()}


def export(settings: Settings, shard: int, shards: int) -> Iterator[Record]:
    """Yield the records of one shard; a file's shard is a hash of its name, so other files never move it."""
    files = [
        (*entry, size)
        for entry in _files(settings)
        if entry[3].is_file() and settings.min_bytes <= (size := entry[3].stat().st_size) <= settings.max_bytes
    ]
    copies = _copies(files)
    for repository, path, key, file, size in files:
        if draw(0, repository, path) % shards != shard:
            continue
        try:
            content = file.read_bytes().decode("utf-8")
        except UnicodeDecodeError:
            continue  # BigQuery's contents table holds no text for such files either.
        yield Record(repository, path, str(copies.get(file, 1)), str(size), content, key)
