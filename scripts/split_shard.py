"""Divide one cleaned shard, less its duplicates, into training and validation."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.cleaning import splits
from codeparrot.command import run
from codeparrot.numbering import part_of


def main(
    cleaned: Path,
    duplicates: Path,
    part: str,
    train: Path,
    valid: Path,
    counts: Path,
    split: splits.SplitSettings = splits.SplitSettings(),
) -> None:
    """Divide one cleaned shard.

    Args:
        cleaned: The shard's kept records.
        duplicates: The clusters of duplicates, which say what to remove.
        part: Which part of the splits this shard becomes, for example 00000-of-00183.
        train: The training part to write.
        valid: The validation part to write.
        counts: The JSON file of files and bytes in each part.
        split: How repositories are assigned.
    """
    figures = splits.split_shard(cleaned, duplicates, *part_of(part), split, train, valid)
    write_text(counts, orjson.dumps(figures).decode() + "\n")


if __name__ == "__main__":
    run(main)
