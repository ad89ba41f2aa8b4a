"""Train a tokenizer on a sample of documents."""

import os
from pathlib import Path

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.progress import progress
from codeparrot.tokenizer import training


def main(
    documents: Path, tokenizer: Path, merges: Path, tokenizer_config: Path, settings: training.TokenizerSettings, threads: int = 2
) -> None:
    """Train a tokenizer.

    Args:
        documents: The sample (parquet).
        tokenizer: The tokenizer.json to write.
        merges: The merges.txt to write, which has more of them than the tokenizer takes.
        tokenizer_config: The tokenizer_config.json to write.
        settings: Size, special tokens and pre-tokenizer.
        threads: CPU threads.
    """
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    texts = progress(training.read_documents(documents), "documents read")
    found = training.learn_merges(texts, max(training.LARGEST, settings.vocabulary), settings.pre_tokenizer)
    write_text(tokenizer, training.build_tokenizer(found, settings).to_str(pretty=True))
    training.write_merges(found, merges)
    write_text(tokenizer_config, training.settings_for_transformers())


if __name__ == "__main__":
    run(main)
