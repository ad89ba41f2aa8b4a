"""Take a sample of documents from all shards of a split: to train a tokenizer on, or to measure it."""

import logging
from pathlib import Path

from codeparrot.command import run
from codeparrot.numbering import of_parts
from codeparrot.tokenizer.sample import Sample, sample_documents


def main(texts: str, shards: int, output: Path, sample: Sample = Sample()) -> None:
    """Sample documents.

    Args:
        texts: Pattern of the shards of a split, with {part}.
        shards: How many there are.
        output: The parquet file to write.
        sample: Its size and seed.
    """
    found = sample_documents([Path(file) for file in of_parts(texts, shards)], sample, output)
    logging.info("%d documents", found)


if __name__ == "__main__":
    run(main)
