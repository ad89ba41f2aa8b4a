"""Packing a shard beside the chapter's way (datasets.map, one document at a time, two processes): MB a second, peak memory,
and whether the ids are equal.

    snakemake results/corpora/demo/README.md results/tokenizers/demo/tokenizer.json
    python benchmarks/pack.py
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import datasets
import numpy as np
from jsonargparse import auto_cli

from codeparrot.tokenizer.loading import load_tokenizer
from codeparrot.tokens.infilling import Infilling
from codeparrot.tokens.packed import pack_shard

SHARD = Path("results/corpora/demo/train/train-00000-of-00004.parquet")
TOKENIZER = Path("results/tokenizers/demo/tokenizer.json")


def ours(folder: Path, threads: int) -> None:
    """Pack the shard."""
    pack_shard(SHARD, TOKENIZER, folder / "ours.bin", Infilling(), threads)


def chapter(folder: Path, threads: int) -> None:
    """Tokenise each document with datasets.map, then join them."""
    tokenizer = load_tokenizer(TOKENIZER)
    texts = datasets.load_dataset("parquet", data_files=str(SHARD), split="train", cache_dir=str(folder / "cache"))
    encoded = texts.map(
        lambda row: {"input_ids": tokenizer(row["content"], truncation=False, split_special_tokens=True)["input_ids"]},
        num_proc=threads,
        remove_columns=texts.column_names,
    )
    with (folder / "chapter.bin").open("wb") as stream:
        for row in encoded:
            stream.write(np.array([*row["input_ids"], tokenizer.eos_token_id], "<u2").tobytes())


def measure(way: Callable[[Path, int], None], folder: Path, threads: int, results: Any) -> None:
    """Run one way and put its seconds and peak memory, children included, into `results`."""
    start = time.monotonic()
    way(folder, threads)
    seconds = time.monotonic() - start
    own, children = (resource.getrusage(who).ru_maxrss / 2**10 for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    results.put((seconds, own + threads * children))


def main(threads: int = 2, repeats: int = 3) -> None:
    """Compare the two ways.

    Args:
        threads: Threads of ours, processes of the chapter's.
        repeats: How often; the fastest counts.
    """
    context = multiprocessing.get_context("spawn")
    table = datasets.load_dataset("parquet", data_files=str(SHARD), split="train", streaming=True)
    size = sum(len(row["content"].encode()) for row in table) / 1e6
    with tempfile.TemporaryDirectory() as place:
        found = {}
        for way in (chapter, ours):
            runs = []
            for number in range(repeats):
                folder = Path(place, f"{way.__name__}-{number}")
                folder.mkdir()
                results = context.Queue()
                process = context.Process(target=measure, args=(way, folder, threads, results))
                process.start()
                runs.append(results.get())
                process.join()
            fastest, peak = min(seconds for seconds, _ in runs), max(peak for _, peak in runs)
            found[way.__name__] = fastest
            print(f"{way.__name__:8} {size / fastest:6.1f} MB/s   peak {peak:,.0f} MiB", flush=True)
        equal = Path(place, "ours-0/ours.bin").read_bytes() == Path(place, "chapter-0/chapter.bin").read_bytes()
    print(f"ratio {found['chapter'] / found['ours']:.1f}, ids {'equal' if equal else 'NOT EQUAL'}, {size:.1f} MB of text")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
