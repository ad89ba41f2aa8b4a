"""Filter the records of one raw shard."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.cleaning.filters import Filters, filter_records
from codeparrot.command import run
from codeparrot.progress import progress
from codeparrot.shards import Broken, read_records, write_quarantine


def main(
    raw: Path, output: Path, quarantine: Path, counts: Path, broken_share: float = 0.01, filters: Filters = Filters()
) -> None:
    """Filter one raw shard.

    Args:
        raw: The gzip JSON-lines shard.
        output: The parquet file of kept records.
        quarantine: The JSON-lines file of what is no record.
        counts: The JSON file of files and bytes that each filter removed.
        broken_share: The share of the lines that may be no record.
        filters: What a file is kept by.
    """
    broken: list[Broken] = []
    figures = filter_records(progress(read_records(raw, broken, broken_share), "records"), filters, output)
    figures["files"]["quarantined"], figures["bytes"]["quarantined"] = len(broken), sum(each.bytes for each in broken)
    write_quarantine(raw, broken, quarantine)
    write_text(counts, orjson.dumps(figures).decode() + "\n")


if __name__ == "__main__":
    run(main)
