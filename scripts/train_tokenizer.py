"""Train a tokenizer on a sample of documents."""

import os
from pathlib import Path

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.tokenizer import training


def main(documents: Path, output: Path, settings: training.TokenizerSettings, threads: int = 2) -> None:
    """Train a tokenizer.

    Args:
        documents: The sample (parquet).
        output: The tokenizer.json to write.
        settings: Size and special tokens.
        threads: CPU threads.
    """
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    tokenizer = training.train_tokenizer(training.read_documents(documents), settings.vocabulary, settings.special_tokens)
    write_text(output, tokenizer.to_str(pretty=True))


if __name__ == "__main__":
    run(main)
