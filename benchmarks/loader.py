"""The loader beside the chapter's on one core: tokens a second, and the time until the first batch after a resumption.

snakemake results/tokens/demo/demo/train.json
python benchmarks/loader.py
"""

import sys
import time
from pathlib import Path

import datasets
import torch
from chapter import ConstantLengthDataset
from jsonargparse import auto_cli

from codeparrot.tokens.packed import TokenSplit, sequences_of_step

TOKENS, CORPUS = Path("results/tokens/demo/demo"), Path("results/corpora/demo")


def ours(length: int, batch: int, seconds: float) -> float:
    """Tokens a second of random batches out of the packed tokens."""
    split = TokenSplit(TOKENS / "train.json", length)
    start, step = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        torch.from_numpy(split.batch(sequences_of_step(len(split), batch, 1, step)))
        step += 1
    return step * batch * length / (time.monotonic() - start)


def resumption(length: int, batch: int, step: int) -> float:
    """Seconds from opening the split to the batch of update `step`."""
    start = time.monotonic()
    split = TokenSplit(TOKENS / "train.json", length)
    split.batch(sequences_of_step(len(split), batch, 1, step))
    return time.monotonic() - start


def chapter(length: int, seconds: float) -> float:
    """Tokens a second of the chapter's streaming tokenisation."""
    shards = [str(shard) for shard in sorted((CORPUS / "train").glob("*.parquet"))]
    texts = datasets.load_dataset("parquet", data_files=shards, split="train", streaming=True).shuffle(buffer_size=1000, seed=1)
    sequences = iter(ConstantLengthDataset(Path("results/tokenizers/demo/tokenizer.json"), texts, length, 1024))
    next(sequences)
    start, count = time.monotonic(), 0
    while time.monotonic() - start < seconds:
        next(sequences)
        count += 1
    return count * length / (time.monotonic() - start)


def main(seconds: float = 5.0) -> None:
    """Measure the loaders.

    Args:
        seconds: How long each is run.
    """
    torch.set_num_threads(1)
    print(f"{'length':>8}{'ours, tokens/s':>18}{'chapter, tokens/s':>20}{'ratio':>9}{'resume at update 100,000, ms':>31}")
    for length in (256, 1024):
        fast, slow = ours(length, 16, seconds), chapter(length, seconds)
        print(f"{length:8}{fast:18,.0f}{slow:20,.0f}{fast / slow:9,.0f}{1000 * resumption(length, 16, 100_000):31.1f}")
    sys.stdout.flush()


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
