"""Write one raw shard of a corpus from its source."""

from pathlib import Path
from typing import Any

from codeparrot.command import run
from codeparrot.progress import progress
from codeparrot.shards import write_records
from codeparrot.sources import export


def main(kind: str, settings: dict[str, Any], shard: int, shards: int, output: Path) -> None:
    """Write one raw shard.

    Args:
        kind: The source, for example installed-packages.
        settings: The source's settings.
        shard: Number of this shard, from 0.
        shards: Number of shards of the corpus.
        output: The gzip JSON-lines file to write.
    """
    write_records(progress(export(kind, settings, shard, shards), "records"), output)


if __name__ == "__main__":
    run(main)
