"""Encode one clean shard to packed tokens."""

from pathlib import Path

from codeparrot import tokens
from codeparrot.command import run
from codeparrot.infilling import Infilling


def main(texts: Path, tokenizer: Path, output: Path, infilling: Infilling = Infilling(), threads: int = 2) -> None:
    """Encode one shard.

    Args:
        texts: The clean shard (parquet).
        tokenizer: Its tokenizer.json.
        output: The token file to write; its description goes beside it as .json.
        infilling: Which documents are rearranged for fill-in-the-middle.
        threads: CPU threads.
    """
    tokens.pack_shard(texts, tokenizer, output, infilling, threads)


if __name__ == "__main__":
    run(main)
