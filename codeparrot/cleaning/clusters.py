"""Clusters of duplicates over all partitions, of which the first file by name stays.

Following joins files to clusters. The first of a cluster follows nobody, and two files that follow nobody have been compared with
each other where they are candidates: so no two files that stay are candidates and duplicates of each other.
"""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from codeparrot.atomic import written_beside
from codeparrot.numbering import SHARD_NUMBERS

CLUSTERED = pa.schema(
    [
        ("cluster", pa.uint32()),
        ("shard", pa.uint32()),
        ("row", pa.uint32()),
        ("repo_name", pa.string()),
        ("path", pa.string()),
        ("size", pa.int64()),
        ("removed_as", pa.string()),
    ]
)


def _join(root: NDArray[np.int64], one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """Union-find: the root of each file, the smallest of its cluster, once one[i] and other[i] are in one cluster as well."""
    apart = root[one] != root[other]
    parent = array("q", root.tobytes())

    def found(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for left, right in zip(one[apart].tolist(), other[apart].tolist(), strict=True):
        low, high = sorted((found(left), found(right)))
        parent[high] = low
    joined = np.frombuffer(parent, np.int64)
    while not np.array_equal(above := joined[joined], joined):
        joined = above
    return joined


def _clusters(partitions: Sequence[Path]) -> pl.DataFrame:
    """(number, cluster, exact, is_head) of each file of the partitions, in the order of numbers.

    A head follows nobody. A leader is before its followers, so that the first of a cluster is one of its heads.
    """
    numbers = np.zeros(0, np.uint64)
    for file in partitions:
        numbers = np.sort(np.concatenate([numbers, pl.read_parquet(file, columns=["number"])["number"]]))
        numbers = numbers[np.diff(numbers, prepend=~numbers[:1]) != 0]
    root = np.arange(len(numbers))
    is_exact, is_head = np.zeros(len(numbers), np.bool_), np.ones(len(numbers), np.bool_)
    for file in partitions:
        for kind in ("duplicate_of", "near_duplicate_of"):
            pairs = pl.read_parquet(file, columns=["number", kind]).explode(kind).drop_nulls()
            followers, leaders = (np.searchsorted(numbers, pairs[side].to_numpy()) for side in ("number", kind))
            root = _join(root, leaders, followers)
            is_head[followers] = False
            if kind == "duplicate_of":
                is_exact[followers] = True
    cluster = (np.cumsum(root == np.arange(len(root))) - 1).astype(np.uint32)[root]
    return pl.DataFrame({"number": numbers, "cluster": cluster, "exact": is_exact, "is_head": is_head})


def _named(partitions: Sequence[Path], files: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """`files` (number, in rising order; any more columns) with names and sizes, in as many portions as there are partitions."""
    for portion in files.iter_slices(-(-len(files) // len(partitions)) or 1):
        mine = pl.col("number").is_between(portion["number"][0], portion["number"][-1])
        columns = ["number", "repo_name", "path", "size"]
        names = pl.concat([pl.scan_parquet(file).filter(mine).select(columns).collect() for file in partitions])
        named = portion.join(names.unique("number"), on="number", maintain_order="left")
        yield pl.DataFrame(named.to_arrow())  # a copy: a selection of strings would hold all those that were read


def _staying(partitions: Sequence[Path], files: pl.DataFrame) -> pl.Series:
    """The numbers of the files that stay: the first by name of the heads of each cluster."""
    heads = files.filter("is_head").select("number", "cluster")
    is_alone = pl.len().over("cluster") == 1
    stay = [heads.filter(is_alone)["number"]]
    several = list(_named(partitions, heads.filter(~is_alone)))
    if several:
        stay.append(pl.concat(several).sort("repo_name", "path", "number").unique("cluster", keep="first")["number"])
    return pl.concat(stay)


def join_duplicates(partitions: Sequence[Path], output: Path) -> int:
    """Join the duplicates of all partitions to clusters and write these to `output` (parquet); return how many there are.

    Columns as in CLUSTERED, rows in the order of shard and row. Clusters are numbered from 0. removed_as is null for the file
    that stays, the first of its cluster by repository and path; duplicate for one that is equal to another one before it;
    near_duplicate for the rest. Held are some 40 bytes of each file in a cluster, what one partition says, names of as many files
    as a partition has, and of those that a first one is chosen from.
    """
    files = _clusters(partitions)
    judged = files.with_columns(stays=pl.col("number").is_in(_staying(partitions, files).implode()))
    columns = {
        "shard": pl.col("number") // SHARD_NUMBERS,
        "row": pl.col("number") % SHARD_NUMBERS,
        "removed_as": pl.when("stays").then(None).when("exact").then(pl.lit("duplicate")).otherwise(pl.lit("near_duplicate")),
    }
    with written_beside(output) as beside, pq.ParquetWriter(beside, CLUSTERED) as writer:
        for frame in _named(partitions, judged):
            writer.write_table(frame.with_columns(**columns).select(CLUSTERED.names).to_arrow().cast(CLUSTERED))
    return int(judged["stays"].sum())
