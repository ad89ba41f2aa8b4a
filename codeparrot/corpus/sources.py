"""Where raw records come from.

A source is a module with a frozen dataclass `Settings`, a function `version(settings)` that tells what the records depend on
besides these, and a function `export(settings, shard, shards)` that yields the records of one shard out of `shards`, the same
ones in the same order on every call. SOURCES lists them by the name that a corpus file gives under `source: kind:`.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from codeparrot.corpus import installed_packages
from codeparrot.corpus.shards import Record

SOURCES = {"installed-packages": installed_packages}


@dataclass(frozen=True)
class Source:
    """Where the records of a corpus come from.

    Args:
        kind: A name in SOURCES.
        settings: The settings of a source of that kind.
        shards: How many shards the corpus has.
        version: What the records depend on besides these.
    """

    kind: str
    settings: dict[str, Any]
    shards: int
    version: str


def version(kind: str, settings: dict[str, Any]) -> str:
    """What the records of a source depend on besides its settings; PipelineError where that cannot be told."""
    module = SOURCES[kind]
    return str(module.version(module.Settings(**settings)))


def export(source: Source, shard: int) -> Iterator[Record]:
    """The records of shard number `shard`, from 0."""
    module = SOURCES[source.kind]
    yield from module.export(module.Settings(**source.settings), shard, source.shards)
