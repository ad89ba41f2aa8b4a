"""Joining duplicates to clusters at the size of the book's corpus: seconds and peak memory, on invented pairs.

    python benchmarks/join_duplicates.py

Of five clustered files four follow one of the five before them; three pairs in ten are near duplicates, each found in half of the
partitions, at times with another leader.
"""

import multiprocessing
import resource
import tempfile
import time
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
from jsonargparse import auto_cli

from codeparrot.cleaning.clusters import join_duplicates
from codeparrot.cleaning.duplicates import FOLLOWING, ROW_GROUP


def _partitions(folder: Path, partitions: int, clustered: int, shards: int, rows: int) -> list[Path]:
    """Names are as long as those of the export; the next follower is not of the same shard, nor near by name."""
    chance = np.random.default_rng(1)
    places = np.sort(chance.choice(shards * rows, clustered, replace=False))
    numbers = (places // rows).astype(np.uint64) << np.uint64(32) | (places % rows).astype(np.uint64)
    order = chance.permutation(clustered)
    follower = np.flatnonzero(np.arange(clustered) % 5)
    leader = follower - chance.integers(1, 6, len(follower)).clip(max=follower)
    is_exact = chance.random(len(follower)) < 0.7
    number = pl.col("number")
    names = {
        "repo_name": pl.format("owner-{}/repository-of-some-name-{}", number % 100_003, number % 977),
        "path": pl.format("src/package_{}/subpackage/module_of_some_name_{}.py", number % 97, number),
        "size": pl.lit(1000),
    }
    files = []
    for partition in range(partitions):
        here = np.where(is_exact, follower % partitions == partition, chance.random(len(follower)) < 0.5)
        other = ~is_exact & (chance.random(len(follower)) < 0.05)
        leader[other] = follower[other] - 1
        ends = {"leader": numbers[order[leader[here]]], "number": numbers[order[follower[here]]], "exact": is_exact[here]}
        pairs = pl.DataFrame(ends)
        followed = pairs.group_by("number").agg(
            duplicate_of=pl.col("leader").filter("exact"), near_duplicate_of=pl.col("leader").filter(~pl.col("exact"))
        )
        mine = pl.concat([pairs["number"], pairs["leader"]]).unique().sort().to_frame("number")
        found = mine.join(followed, on="number", how="left").with_columns(**names).select(*FOLLOWING).cast(dict(FOLLOWING))
        files.append(folder / f"partition-{partition}.parquet")
        found.write_parquet(files[-1], row_group_size=ROW_GROUP)
    return files


def _joined(found: list[Path], output: Path) -> tuple[int, float, float]:
    """How many clusters, in how many seconds, and the peak memory in MiB of this process."""
    start = time.monotonic()
    clusters = join_duplicates(found, output)
    return clusters, time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main(shards: int = 184, rows: int = 73_000, clustered: int = 5_000_000, partitions: int = 64) -> None:
    """Measure it.

    Args:
        shards: Cleaned shards.
        rows: Files of each.
        clustered: Files that are in a cluster.
        partitions: Into how many the search was divided.
    """
    with tempfile.TemporaryDirectory() as place, ProcessPoolExecutor(1, multiprocessing.get_context("spawn")) as apart:
        found = _partitions(Path(place), partitions, clustered, shards, rows)
        clusters, seconds, peak = apart.submit(_joined, found, Path(place, "duplicates.parquet")).result()
        print(f"{shards * rows:,} files, {clustered:,} in {clusters:,} clusters, {partitions} partitions")
        print(f"{seconds:.1f} s, peak {peak:,.0f} MiB")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
