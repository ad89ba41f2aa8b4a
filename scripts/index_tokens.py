"""Join the descriptions of a split's token files to its index."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.numbering import of_parts
from codeparrot.tokens.packed import write_index


def main(descriptions: str, shards: int, output: Path) -> None:
    """Write the index of a split.

    Args:
        descriptions: Pattern of the token files' descriptions, with {part}.
        shards: How many there are.
        output: The index to write.
    """
    write_index([Path(file) for file in of_parts(descriptions, shards)], output)


if __name__ == "__main__":
    run(main)
