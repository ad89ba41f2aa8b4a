"""Join the descriptions of a split's token files to its index."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.tokens import write_index


def main(shards: list[Path], output: Path) -> None:
    """Write the index of a split.

    Args:
        shards: The descriptions of all token files, in order.
        output: The index to write.
    """
    write_index(shards, output)


if __name__ == "__main__":
    run(main)
