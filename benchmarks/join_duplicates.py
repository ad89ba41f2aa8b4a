"""Joining duplicates to clusters at the size of the book's corpus: seconds and peak memory, on invented pairs.

    python benchmarks/join_duplicates.py

Of five clustered files four follow one of the five before them; three pairs in ten are near duplicates, each found in half of the
partitions.
"""

import resource
import tempfile
import time
from pathlib import Path

import numpy as np
import polars as pl
from jsonargparse import auto_cli

from codeparrot.cleaning.duplicates import PAIR, join_duplicates


def _shards(folder: Path, shards: int, rows: int) -> list[Path]:
    """Names as long as those of the export."""
    row = pl.int_range(rows, dtype=pl.Int64)
    files = []
    for number in range(shards):
        names = pl.select(
            repo_name=pl.format("owner-{}/repository-of-some-name-{}", row * 7919 % 100_000, row % 977),
            path=pl.format("src/package_{}/subpackage/module_of_some_name_{}_{}.py", row % 97, number, row),
            size=row,
        )
        files.append(folder / f"shard-{number}.parquet")
        names.write_parquet(files[-1])
    return files


def _partitions(folder: Path, partitions: int, clustered: int, shards: int, rows: int) -> list[Path]:
    chance = np.random.default_rng(1)
    places = np.sort(chance.choice(shards * rows, clustered, replace=False))
    numbers = (places // rows).astype(np.uint64) << np.uint64(32) | (places % rows).astype(np.uint64)
    order = chance.permutation(clustered)  # of names
    follower = np.flatnonzero(np.arange(clustered) % 5)
    leader = follower - chance.integers(1, 6, len(follower)).clip(max=follower)
    is_exact = chance.random(len(follower)) < 0.7
    files = []
    for number in range(partitions):
        here = np.where(is_exact, follower % partitions == number, chance.random(len(follower)) < 0.5)
        pairs = {"exact": is_exact[here], "leader": numbers[order[leader[here]]], "file": numbers[order[follower[here]]]}
        files.append(folder / f"pairs-{number}.parquet")
        pl.DataFrame(pairs, schema=PAIR).write_parquet(files[-1])
    return files


def main(shards: int = 184, rows: int = 73_000, clustered: int = 5_000_000, partitions: int = 32) -> None:
    """Measure it.

    Args:
        shards: Cleaned shards.
        rows: Files of each.
        clustered: Files that are in a cluster.
        partitions: Files of pairs.
    """
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cleaned = _shards(folder, shards, rows)
        pairs = _partitions(folder, partitions, clustered, shards, rows)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        start = time.monotonic()
        clusters = join_duplicates(cleaned, pairs, folder / "duplicates.parquet")
        seconds = time.monotonic() - start
        peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
        print(f"{shards * rows:,} files, {clustered:,} in {clusters:,} clusters, {partitions} partitions")
        print(f"{seconds:.1f} s, peak {peak:,.0f} MiB (making the input: {before:,.0f} MiB)")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
