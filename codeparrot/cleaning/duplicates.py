"""Exact and near duplicates across all shards.

Exact duplicates are equal once white space is removed; near duplicates have sets of identifiers with a Jaccard similarity of at
least the threshold. What both are looked up by (hashes of texts, bands of signatures) is divided into partitions; each of them
is searched by a job of its own. Contents are never read.

In each group of files with one hash, or one band, the first by name leads: every other one is compared with it, and follows it
where it is a duplicate; those that do not follow are a group of their own with the first of them as leader, and so on. So two
files of one group that follow nobody have been compared with each other. Following joins files to clusters, of which the first
file by name stays; it follows nobody, so that no two files that stay are candidates and duplicates of each other.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError

NAME = ("repo_name", "path", "shard", "row")
# Pairs are compared in portions of about so many identifiers.
PORTION = 2**22


def _in_partition(key: pl.Expr, partition: int, partitions: int) -> pl.Expr:
    return key % partitions == partition


def _groups(shards: Sequence[Path], partition: int, partitions: int, near: bool) -> pl.DataFrame:
    """(shard, row, key, exact) of the files that share a key with another one, for the keys of one partition."""
    frames = []
    for number, file in enumerate(shards):
        rows = pl.scan_parquet(file).with_row_index("row").with_columns(shard=pl.lit(number, pl.UInt32))
        hashes = rows.select("shard", "row", pl.col("hash").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64).alias("key"))
        keys = [hashes.with_columns(exact=pl.lit(True))]
        if near:
            bands = rows.select("shard", "row", key="bands").explode("key").drop_nulls("key")
            keys.append(bands.with_columns(exact=pl.lit(False)))
        frames += [each.filter(_in_partition(pl.col("key"), partition, partitions)).collect() for each in keys]
    found = pl.concat(frames)
    return found.filter(pl.len().over("key", "exact") > 1)


def _described(shards: Sequence[Path], wanted: pl.DataFrame, near: bool) -> pl.DataFrame:
    """The files of `wanted` (shard, row) with their names, sizes, hashes and identifiers, in the order of their names."""
    columns = ["repo_name", "path", "size", "hash", *(["identifiers"] if near else [])]
    frames = []
    for number, file in enumerate(shards):
        rows = wanted.filter(pl.col("shard") == number)
        if len(rows):
            frames.append(
                pl.scan_parquet(file)
                .select(columns)
                .with_row_index("row")
                .join(rows.lazy(), on="row", how="semi")
                .with_columns(shard=pl.lit(number, pl.UInt32))
                .collect()
            )
    return pl.concat(frames).sort(NAME)


def _portions(costs: NDArray[np.int64]) -> Iterator[slice]:
    """Cut a list in portions of about PORTION cost."""
    total = np.concatenate([[0], np.cumsum(costs)])
    first = 0
    while first < len(costs):
        end = max(int(np.searchsorted(total, total[first] + PORTION, side="right")) - 1, first + 1)
        yield slice(first, end)
        first = end


def similarities(identifiers: pl.Series, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.float64]:
    """The Jaccard similarity of each pair of sets identifiers[one], identifiers[other], shape (pairs,); exact."""
    array = identifiers.to_arrow()
    flat, offsets = array.flatten().to_numpy(), array.offsets.to_numpy() - array.offsets[0].as_py()
    sizes = np.diff(offsets)
    found = np.zeros(len(one))
    for part in _portions(sizes[one] + sizes[other]):
        keys = []
        for side in (one[part], other[part]):
            length = sizes[side]
            pair = np.repeat(np.arange(len(side), dtype=np.uint64) << np.uint64(32), length)
            inside = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
            keys.append(pair | flat[np.repeat(offsets[side], length) + inside])
        both = np.sort(np.concatenate(keys), kind="stable")  # two rising rows, which a merge sort joins in one go
        shared = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
        common = np.bincount(shared.astype(np.int64), minlength=len(one[part]))
        found[part] = common / np.maximum(sizes[one[part]] + sizes[other[part]] - common, 1)
    return found


def _followers(members: pl.DataFrame, files: pl.DataFrame, jaccard: float) -> Iterator[pl.DataFrame]:
    """(leader, follower, exact) for the groups `members` (key, exact, file); files are numbered in the order of their names."""
    left = members.sort("exact", "key", "file")
    while len(left):
        pairs = left.with_columns(leader=pl.col("file").first().over("exact", "key")).filter(pl.col("file") != pl.col("leader"))
        distinct = pairs.select("leader", "file", "exact").unique(maintain_order=True)
        one, other = distinct["leader"].to_numpy(), distinct["file"].to_numpy()
        exact = distinct["exact"].to_numpy()
        same = np.zeros(len(distinct), np.bool_)
        same[exact] = (files["hash"].gather(one[exact]) == files["hash"].gather(other[exact])).to_numpy()
        if "identifiers" in files.columns:
            same[~exact] = similarities(files["identifiers"], one[~exact], other[~exact]) >= jaccard
        judged = distinct.with_columns(same=pl.Series(same))
        yield judged.filter("same").select("leader", "file", "exact")
        left = (
            pairs.join(judged, on=["leader", "file", "exact"], maintain_order="left")
            .filter(~pl.col("same"))
            .drop("leader", "same")
        )


def find_duplicates(shards: Sequence[Path], partition: int, partitions: int, jaccard: float | None, output: Path) -> int:
    """Write which files of a partition follow which to `output` (parquet) and return the number of pairs.

    Without `jaccard` only exact duplicates are sought. Columns: exact; shard, row, repo_name, path, size of both, those of the
    leader with the prefix leader_. Raises PipelineError when no shard holds a file.
    """
    if not any(pq.read_metadata(file).num_rows for file in shards):
        raise PipelineError(
            f"{Path(shards[0]).parent}: the corpus is empty: no file of its {len(shards)} shards passed the filters; "
            "loosen the thresholds under filters: in the corpus file, or check that the raw shards hold what they should"
        )
    near = jaccard is not None
    groups = _groups(shards, partition, partitions, near)
    columns = ["exact", *(prefix + name for prefix in ("", "leader_") for name in (*NAME, "size"))]
    types = {
        "exact": pl.Boolean,
        "repo_name": pl.String,
        "path": pl.String,
        "shard": pl.UInt32,
        "row": pl.UInt32,
        "size": pl.Int64,
    }
    found = pl.DataFrame(schema={name: types[name.removeprefix("leader_")] for name in columns})
    if len(groups):
        files = _described(shards, groups.select("shard", "row").unique(), near)
        numbered = files.select("shard", "row", file=pl.int_range(pl.len(), dtype=pl.Int64))
        members = groups.join(numbered, on=["shard", "row"]).select("exact", "key", "file")
        pairs = pl.concat(_followers(members, files, jaccard or 1.0)).unique().sort("leader", "file", "exact")
        named = files.select(*NAME, "size")
        leaders = named[pairs["leader"].to_list()]
        found = pl.concat(
            [pairs.select("exact"), named[pairs["file"].to_list()], leaders.rename(lambda name: f"leader_{name}")],
            how="horizontal",
        ).select(columns)
    with written_beside(output) as beside:
        found.write_parquet(beside)
    return len(found)


def _first_of_cluster(count: int, one: NDArray[np.int64], other: NDArray[np.int64]) -> NDArray[np.int64]:
    """For each of `count` files the smallest number in its cluster; one[i] and other[i] are in one cluster. Union-find."""
    parent = list(range(count))

    def root(number: int) -> int:
        while parent[number] != number:
            parent[number] = parent[parent[number]]
            number = parent[number]
        return number

    for left, right in zip(one.tolist(), other.tolist(), strict=True):
        low, high = sorted((root(left), root(right)))
        parent[high] = low
    return np.array([root(number) for number in range(count)], np.int64)


def join_duplicates(partitions: Sequence[Path], output: Path) -> int:
    """Join the pairs of all partitions to clusters, write their files to `output` (parquet); return how many clusters there are.

    Columns: cluster (a number from 0), shard, row, repo_name, path, size, and removed_as: null for the file that stays, the first
    of its cluster by repository and path; duplicate for one that is equal to another one before it; near_duplicate for the rest.
    """
    # A pair that shares bands of several partitions is found in each: it is kept once, a partition at a time.
    pairs = pl.read_parquet(partitions[0])
    for file in partitions[1:]:
        pairs = pl.concat([pairs, pl.read_parquet(file)]).unique()
    columns = [*NAME, "size"]
    sides = [pairs.select(columns), pairs.select(pl.col(f"leader_{name}").alias(name) for name in columns)]
    files = pl.concat(sides).unique().sort(NAME)
    number = files.select("shard", "row", file=pl.int_range(pl.len(), dtype=pl.Int64))
    ends = [side.select("shard", "row").join(number, on=["shard", "row"], maintain_order="left")["file"] for side in sides]
    first = _first_of_cluster(len(files), ends[1].to_numpy(), ends[0].to_numpy())
    exact = pl.Series(np.isin(np.arange(len(files)), ends[0].filter(pairs["exact"]).to_numpy()))
    removed = (
        pl.when(pl.col("first") == pl.int_range(pl.len()))
        .then(None)
        .otherwise(pl.when("exact").then(pl.lit("duplicate")).otherwise(pl.lit("near_duplicate")))
    )
    joined = files.with_columns(first=pl.Series(first), exact=exact).select(
        (pl.col("first").rank("dense") - 1).cast(pl.UInt32).alias("cluster"), *columns, removed_as=removed
    )
    with written_beside(output) as beside:
        joined.sort("cluster", *NAME).write_parquet(beside)
    return joined["cluster"].n_unique()
