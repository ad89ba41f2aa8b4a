"""Where raw records come from.

A source is a module with a frozen dataclass `Settings` and a function `export(settings, shard, shards)` that yields the
records of one shard out of `shards`, the same ones in the same order on every call. SOURCES lists them by the name that
a corpus file gives under `source: kind:`.
"""

from collections.abc import Iterator
from typing import Any

from codeparrot.shards import Record
from codeparrot.sources import installed_packages

SOURCES = {"installed-packages": installed_packages}


def export(kind: str, settings: dict[str, Any], shard: int, shards: int) -> Iterator[Record]:
    """The records of shard number `shard` (from 0) of a corpus of `shards`, from the source of that kind."""
    source = SOURCES[kind]
    yield from source.export(source.Settings(**settings), shard, shards)
