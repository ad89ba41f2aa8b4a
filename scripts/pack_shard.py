"""Encode one part of the training split, and of the validation split, to packed tokens."""

from pathlib import Path

from codeparrot.command import run
from codeparrot.tokens.infilling import Infilling
from codeparrot.tokens.packed import pack_shard


def main(
    train: Path,
    valid: Path,
    tokenizer: Path,
    train_tokens: Path,
    valid_tokens: Path,
    infilling: Infilling = Infilling(),
    threads: int = 2,
) -> None:
    """Encode one part of both splits.

    Args:
        train: The part of the training split (parquet).
        valid: The part of the validation split.
        tokenizer: The tokenizer.json.
        train_tokens: The token file to write; its description goes beside it as .json.
        valid_tokens: The same for validation.
        infilling: Which training documents are rearranged for fill-in-the-middle.
        threads: CPU threads.
    """
    pack_shard(train, tokenizer, train_tokens, infilling, threads)
    pack_shard(valid, tokenizer, valid_tokens, Infilling(), threads)


if __name__ == "__main__":
    run(main)
