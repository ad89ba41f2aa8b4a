"""Join the duplicates found in all partitions to clusters."""

import logging
from pathlib import Path

from codeparrot.cleaning import duplicates
from codeparrot.command import run
from codeparrot.numbering import of_shards


def main(cleaned: str, shards: int, partitions: list[Path], output: Path) -> None:
    """Join the pairs of all partitions.

    Args:
        cleaned: Pattern of the cleaned shards, with {shard}.
        shards: How many there are.
        partitions: The pairs of all partitions.
        output: The parquet file of all clusters, which says what to remove.
    """
    files = [Path(file) for file in of_shards(cleaned, shards)]
    logging.info("%d clusters", duplicates.join_duplicates(files, partitions, output))


if __name__ == "__main__":
    run(main)
