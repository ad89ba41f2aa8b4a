"""The search for duplicates at the size of the book's corpus: seconds and peak memory of its jobs, on invented files.

    python benchmarks/duplicates.py         needs 25 GB of disk in the folder for temporary files

Five million of 13.4 million files lie in groups of five. Seven in ten copies are exact; the rest have one identifier in 33 of
their own, and four bands in five in common. One partition of the search is run. Then all partitions are joined: those are
invented, too, with near duplicates found in half of them, at times with another leader.
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from jsonargparse import auto_cli
from numpy.typing import NDArray

from codeparrot.cleaning.clusters import join_duplicates
from codeparrot.cleaning.duplicates import ROW_GROUP, find_duplicates, following
from codeparrot.cleaning.lexing import mixed
from codeparrot.cleaning.shard import BATCH_ROWS, COMPRESSION, REPEATED, SCHEMA
from codeparrot.numbering import SHARD_NUMBERS

IDENTIFIERS, BANDS = 300, 23
COPIES, EXACT = 5, 0.7


def _lists(values: NDArray[np.generic]) -> pa.ListArray:
    """Rows of a matrix as a column of lists."""
    offsets = np.arange(len(values) + 1, dtype=np.int32) * values.shape[1]
    return pa.ListArray.from_arrays(pa.array(offsets), pa.array(values.reshape(-1)))


def _values(own: NDArray[np.uint64], group: NDArray[np.uint64], count: int, one_in: int) -> NDArray[np.uint64]:
    """For each file so many values of its group, of which one in some is its text's own, shape (files, count)."""
    place = np.arange(count, dtype=np.uint64)
    shared = mixed((group[:, None] << np.uint64(16)) + place)
    apart = mixed((own[:, None] << np.uint64(16)) + place + np.uint64(2**62))
    return np.where((apart % np.uint64(one_in) == 0) & (own != group)[:, None], apart, shared)


def _write_shard(file: Path, shard: int, shards: int, rows: int, clustered: int) -> None:
    """A cleaned shard without contents. The members of a group lie in different shards."""
    number = np.arange(rows, dtype=np.uint64) * np.uint64(shards) + np.uint64(shard)
    is_clustered = number < clustered
    groups = np.uint64(clustered // COPIES)
    group = np.where(is_clustered, number % groups, number)
    is_copy = mixed(number) < np.uint64(EXACT * 2**64)
    text = np.where(is_clustered & is_copy, group, number)
    with pq.ParquetWriter(file, SCHEMA, compression=COMPRESSION, use_dictionary=REPEATED) as writer:
        for first in range(0, rows, BATCH_ROWS):
            part = slice(first, first + BATCH_ROWS)
            size = len(number[part])
            hashes = np.stack([mixed(text[part]), mixed(text[part] + np.uint64(2**63))], axis=1)
            columns = {
                "repo_name": [f"owner-{each % 100_003}/repository-of-some-name-{each % 977}" for each in number[part].tolist()],
                "path": [f"src/package/subpackage/module_of_some_name_{each}.py" for each in number[part].tolist()],
                "copies": pa.array([1] * size, pa.int64()),
                "size": pa.array([1000] * size, pa.int64()),
                "content": [""] * size,
                "license": ["mit"] * size,
                "hash": pa.FixedSizeBinaryArray.from_buffers(pa.binary(16), size, [None, pa.py_buffer(hashes.tobytes())]),
                "identifiers": _lists(np.sort(_values(text[part], group[part], IDENTIFIERS, 33).astype(np.uint32), axis=1)),
                "bands": _lists(_values(text[part], group[part], BANDS, 5)),
            }
            writer.write_table(pa.table(columns, SCHEMA))


def _write_partition(file: Path, partition: int, partitions: int, numbers: NDArray[np.uint64]) -> None:
    """What a search finds in a partition, of the files with these numbers."""
    order = np.random.default_rng(1).permutation(len(numbers))  # of names
    chance = np.random.default_rng([2, partition])
    follower = np.flatnonzero(np.arange(len(numbers)) % COPIES)
    is_exact = np.random.default_rng(3).random(len(follower)) < EXACT
    leader = follower - follower % COPIES
    other = ~is_exact & (chance.random(len(follower)) < 0.05)
    leader[other] = follower[other] - 1 - chance.integers(0, COPIES, other.sum()).clip(max=follower[other] - 1)
    here = np.where(is_exact, follower % partitions == partition, chance.random(len(follower)) < 0.5)
    number = pl.col("number")
    names = {
        "repo_name": pl.format("owner-{}/repository-of-some-name-{}", number % 100_003, number % 977),
        "path": pl.format("src/package/subpackage/module_of_some_name_{}.py", number),
        "size": pl.lit(1000, pl.Int64),
    }
    files = pl.DataFrame({"number": numbers[order], "file": np.arange(len(numbers))})
    pairs = pl.DataFrame({"leader": leader[here], "file": follower[here], "exact": is_exact[here]})
    following(files.with_columns(**names), pairs).write_parquet(file, row_group_size=ROW_GROUP)


def _measured(job: Callable[..., int], *arguments: object) -> tuple[int, float, float]:
    """What a job returns, in how many seconds, and the peak memory of this process in MiB."""
    start = time.monotonic()
    found = job(*arguments)
    return found, time.monotonic() - start, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


def main(shards: int = 184, rows: int = 73_000, clustered: int = 5_000_000, partitions: int = 128, workers: int = 2) -> None:
    """Measure a job of each rule.

    Args:
        shards: Cleaned shards.
        rows: Files of each.
        clustered: Files that are in a cluster.
        partitions: Into how many the search is divided.
        workers: Processes that invent the files.
    """
    spawn = multiprocessing.get_context("spawn")
    print(f"{shards * rows:,} files, {clustered:,} of them in clusters, {partitions} partitions", flush=True)
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place)
        cleaned = [folder / f"shard-{shard}.parquet" for shard in range(shards)]
        with ProcessPoolExecutor(workers, spawn) as pool:
            jobs = [pool.submit(_write_shard, file, shard, shards, rows, clustered) for shard, file in enumerate(cleaned)]
            for job in jobs:
                job.result()
        with ProcessPoolExecutor(1, spawn) as apart:
            arguments = (cleaned, 0, partitions, 0.85, folder / "found.parquet")
            found, seconds, peak = apart.submit(_measured, find_duplicates, *arguments).result()
        size = sum(file.stat().st_size for file in cleaned) / 1e9
        print(f"find_duplicates: {found:,} files found in {size:.1f} GB, {seconds:.1f} s, peak {peak:,.0f} MiB", flush=True)
        places = np.sort(np.random.default_rng(1).choice(shards * rows, clustered, replace=False))
        numbers = (places // rows * SHARD_NUMBERS + places % rows).astype(np.uint64)
        parts = [folder / f"partition-{partition}.parquet" for partition in range(partitions)]
        for partition, file in enumerate(parts):
            _write_partition(file, partition, partitions, numbers)
        with ProcessPoolExecutor(1, spawn) as apart:
            clusters, seconds, peak = apart.submit(_measured, join_duplicates, parts, folder / "duplicates.parquet").result()
        print(f"join_duplicates: {clusters:,} clusters, {seconds:.1f} s, peak {peak:,.0f} MiB", flush=True)


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
