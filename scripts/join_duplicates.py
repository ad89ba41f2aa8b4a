"""Join the duplicates found in all partitions to one list."""

from pathlib import Path

from codeparrot.cleaning import duplicates
from codeparrot.command import run


def main(partitions: list[Path], output: Path) -> None:
    """Join the lists of what to remove.

    Args:
        partitions: The lists of all partitions.
        output: The parquet file that lists what to remove.
    """
    duplicates.join_duplicates(partitions, output)


if __name__ == "__main__":
    run(main)
