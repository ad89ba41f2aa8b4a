"""Take the documents of a tokenizer from all training shards of its corpus."""

import logging
from pathlib import Path

from codeparrot.command import run
from codeparrot.numbering import of_parts
from codeparrot.tokenizer import sample


def main(train: str, shards: int, output: Path, settings: sample.Sample = sample.Sample()) -> None:
    """Sample documents.

    Args:
        train: Pattern of the training shards, with {part}.
        shards: How many there are.
        output: The parquet file to write.
        settings: Size and seed of the sample.
    """
    found = sample.sample_documents([Path(file) for file in of_parts(train, shards)], settings, output)
    logging.info("%d documents", found)


if __name__ == "__main__":
    run(main)
