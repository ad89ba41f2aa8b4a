"""Train a tokenizer on the training split of a corpus."""

import os
from pathlib import Path

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.progress import progress
from codeparrot.tokenizer import training


def main(train: list[Path], output: Path, settings: training.TokenizerSettings, threads: int = 2) -> None:
    """Train a tokenizer.

    Args:
        train: The training shards.
        output: The tokenizer.json to write.
        settings: Size, sample and seed.
        threads: CPU threads.
    """
    os.environ["RAYON_NUM_THREADS"] = str(threads)
    texts = progress(training.documents(train, settings), "documents read")
    tokenizer = training.train_tokenizer(texts, settings.vocabulary, settings.special_tokens)
    write_text(output, tokenizer.to_str(pretty=True))


if __name__ == "__main__":
    run(main)
