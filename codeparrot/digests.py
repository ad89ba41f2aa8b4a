"""Digests of files."""

import hashlib
from functools import cache
from pathlib import Path


@cache
def file_digest(file: Path) -> str:
    """The SHA-256 of a file's bytes, in hexadecimal."""
    with file.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()
