"""Write one raw shard of a corpus from its source."""

import logging
from pathlib import Path

from codeparrot.command import run
from codeparrot.corpus.shards import write_records
from codeparrot.corpus.sources import Source, export
from codeparrot.progress import progress


def main(source: Source, shard: str, output: Path) -> None:
    """Write one raw shard.

    Args:
        source: Where the records come from.
        shard: The shard's number, from 0, in twelve digits.
        output: The gzip JSON-lines file to write.
    """
    logging.info("%s: %s", source.kind, source.version)
    write_records(progress(export(source, int(shard)), "records"), output)


if __name__ == "__main__":
    run(main)
