"""Filter the records of one raw shard."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.cleaning.filters import Filters, filter_records
from codeparrot.command import run
from codeparrot.progress import progress
from codeparrot.shards import read_records


def main(raw: Path, output: Path, counts: Path, filters: Filters = Filters()) -> None:
    """Filter one raw shard.

    Args:
        raw: The gzip JSON-lines shard.
        output: The parquet file of kept records.
        counts: The JSON file of files and bytes that each filter removed.
        filters: What a file is kept by.
    """
    figures = filter_records(progress(read_records(raw), "records"), filters, output)
    write_text(counts, orjson.dumps(figures).decode() + "\n")


if __name__ == "__main__":
    run(main)
