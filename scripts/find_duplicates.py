"""Find exact and near duplicates over all shards of a corpus, in one partition of what they are looked up by."""

import logging
from pathlib import Path

from codeparrot.cleaning import duplicates
from codeparrot.cleaning.signatures import NearDuplicates
from codeparrot.command import run
from codeparrot.numbering import of_shards, part_of


def main(
    cleaned: str,
    shards: int,
    partition: str,
    output: Path,
    near_duplicates: NearDuplicates | None = NearDuplicates(),
) -> None:
    """Find duplicates.

    Args:
        cleaned: Pattern of the cleaned shards, with {shard}.
        shards: How many there are.
        partition: Which partition of how many, for example 00000-of-00016.
        output: The parquet file that says which file follows which.
        near_duplicates: Which files count as near duplicates; only exact duplicates are sought where it is null.
    """
    files = [Path(file) for file in of_shards(cleaned, shards)]
    jaccard = near_duplicates.jaccard if near_duplicates else None
    logging.info("%d files lead or follow", duplicates.find_duplicates(files, *part_of(partition), jaccard, output))


if __name__ == "__main__":
    run(main)
