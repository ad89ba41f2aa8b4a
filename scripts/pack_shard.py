"""Encode one clean shard to packed tokens."""

from pathlib import Path

from codeparrot import tokens
from codeparrot.command import run


def main(texts: Path, tokenizer: Path, output: Path, threads: int = 2) -> None:
    """Encode one shard.

    Args:
        texts: The clean shard (parquet).
        tokenizer: Its tokenizer.json.
        output: The token file to write; its description goes beside it as .json.
        threads: CPU threads.
    """
    tokens.pack_shard(texts, tokenizer, output, threads)


if __name__ == "__main__":
    run(main)
