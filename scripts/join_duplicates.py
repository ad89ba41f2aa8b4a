"""Join the duplicates found in all partitions to clusters."""

import logging
from pathlib import Path

from codeparrot.cleaning import clusters
from codeparrot.command import run


def main(partitions: list[Path], output: Path) -> None:
    """Join the duplicates of all partitions.

    Args:
        partitions: What is found in all partitions.
        output: The parquet file of all clusters, which says what to remove.
    """
    logging.info("%d clusters", clusters.join_duplicates(partitions, output))


if __name__ == "__main__":
    run(main)
