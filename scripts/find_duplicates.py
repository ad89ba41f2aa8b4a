"""Find the exact duplicates over all shards of a corpus."""

import logging
from pathlib import Path

from codeparrot.cleaning import duplicates
from codeparrot.command import run


def main(shards: list[Path], output: Path) -> None:
    """Find exact duplicates.

    Args:
        shards: All cleaned shards, in order.
        output: The parquet file that lists what to remove.
    """
    logging.info("%d duplicates", duplicates.find_duplicates(shards, output))


if __name__ == "__main__":
    run(main)
