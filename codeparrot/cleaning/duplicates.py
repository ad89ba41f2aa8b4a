"""Exact and near duplicates across all shards.

Exact duplicates are equal once white space is removed; near duplicates have sets of identifiers with a Jaccard similarity of at
least the threshold. What both are looked up by (hashes of texts, bands of signatures) is divided into partitions; each of them
is searched by a job of its own. Contents are never read.

In each group of files with one hash, or one band, the first by name leads: every other one is compared with it, and follows it
where it is a duplicate; those that do not follow are a group of their own with the first of them as leader, and so on. So two
files of one group that follow nobody have been compared with each other. Following joins files to clusters, of which the first
file by name stays; it follows nobody, so that no two files that stay are candidates and duplicates of each other.
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
from codeparrot.errors import PipelineError

NAME = ("repo_name", "path", "shard", "row")
# Which file follows which, by number: 2**32 * shard + row.
PAIR = {"exact": pl.Boolean, "leader": pl.UInt64, "file": pl.UInt64}
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


def _read(shards: Sequence[Path], wanted: pl.DataFrame, columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of the files of `wanted` (shard, row), with shard and row."""
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
    return pl.concat(frames)


def _compared(shards: Sequence[Path], groups: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The members of groups (exact, key, file), and their files, numbered in the order of their names, with hash and identifiers.

    Of the exact duplicates in a near duplicates' group only the first is a member: the others follow it as it is. So identifiers
    are held of few files.
    """
    names = _read(shards, groups.select("shard", "row").unique(), ["repo_name", "path", "hash"]).sort(NAME)
    files = names.select("shard", "row", "hash").with_row_index("file").with_columns(pl.col("file").cast(pl.Int64))
    members = groups.join(files, on=["shard", "row"])
    is_near = ~pl.col("exact")
    near = members.filter(is_near).sort("file").unique(["key", "hash"], keep="first").filter(pl.len().over("key") > 1)
    if len(near):
        identifiers = _read(shards, near.select("shard", "row").unique(), ["identifiers"])
        files = files.join(identifiers, on=["shard", "row"], how="left", maintain_order="left")
    return pl.concat([members.filter(~is_near), near]).select("exact", "key", "file"), files


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
    """Write which files of a partition follow which to `output` (parquet, PAIR) and return the number of pairs.

    Without `jaccard` only exact duplicates are sought. Raises PipelineError when no shard holds a file.
    """
    if not any(pq.read_metadata(file).num_rows for file in shards):
        raise PipelineError(
            f"{Path(shards[0]).parent}: the corpus is empty: no file of its {len(shards)} shards passed the filters; "
            "loosen the thresholds under filters: in the corpus file, or check that the raw shards hold what they should"
        )
    groups = _groups(shards, partition, partitions, near=jaccard is not None)
    found = pl.DataFrame(schema=PAIR)
    if len(groups):
        members, files = _compared(shards, groups)
        pairs = pl.concat(_followers(members, files, jaccard or 1.0)).unique().sort("leader", "file", "exact")
        numbers = files.select(number=pl.col("shard").cast(pl.UInt64) * 2**32 + pl.col("row"))["number"]
        ends = {side: numbers.gather(pairs[side]) for side in ("leader", "file")}
        found = pl.DataFrame({"exact": pairs["exact"], **ends}, schema=PAIR)
    with written_beside(output) as beside:
        found.write_parquet(beside)
    return len(found)


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
    while (joined[joined] != joined).any():
        joined = joined[joined]
    return joined


def _clusters(partitions: Sequence[Path]) -> pl.DataFrame:
    """(file, cluster, exact, is_head) of each file of the pairs, in the order of numbers.

    A head follows nobody. A leader is before its followers, so that the first of a cluster is one of its heads.
    """
    numbers = np.zeros(0, np.uint64)
    for file in partitions:
        pairs = pl.read_parquet(file, columns=["leader", "file"])
        numbers = np.sort(np.concatenate([numbers, *pairs.get_columns()]))
        numbers = numbers[np.diff(numbers, prepend=~numbers[:1]) != 0]
    root = np.arange(len(numbers))
    is_exact, is_head = np.zeros(len(numbers), np.bool_), np.ones(len(numbers), np.bool_)
    for file in partitions:
        pairs = pl.read_parquet(file)
        leaders, followers = (np.searchsorted(numbers, pairs[side].to_numpy()) for side in ("leader", "file"))
        root = _join(root, leaders, followers)
        is_exact[followers[pairs["exact"].to_numpy()]] = True
        is_head[followers] = False
    cluster = (np.cumsum(root == np.arange(len(root))) - 1).astype(np.uint32)[root]
    return pl.DataFrame({"file": numbers, "cluster": cluster, "exact": is_exact, "is_head": is_head})


def _named(shards: Sequence[Path], files: pl.DataFrame) -> Iterator[pl.DataFrame]:
    """`files` (file, by number, in rising order; any more columns) with shard, row, names and size, a shard at a time."""
    ends = np.searchsorted(files["file"].to_numpy(), np.arange(len(shards) + 1, dtype=np.uint64) << np.uint64(32))
    for number, shard in enumerate(shards):
        mine = files[int(ends[number]) : int(ends[number + 1])]
        rows = mine.with_columns(shard=pl.lit(number, pl.UInt32), row=(pl.col("file") % 2**32).cast(pl.UInt32))
        names = pl.scan_parquet(shard).select("repo_name", "path", "size").with_row_index("row")
        yield rows.lazy().join(names, on="row", maintain_order="left").collect()


def _staying(shards: Sequence[Path], files: pl.DataFrame) -> pl.Series:
    """The numbers of the files that stay: the first by name of the heads of each cluster."""
    heads = files.filter("is_head").select("file", "cluster")
    is_alone = pl.len().over("cluster") == 1
    several = pl.concat(_named(shards, heads.filter(~is_alone)))
    return pl.concat([heads.filter(is_alone)["file"], several.sort(NAME).unique("cluster", keep="first")["file"]])


def join_duplicates(shards: Sequence[Path], partitions: Sequence[Path], output: Path) -> int:
    """Join the pairs of all partitions to clusters, write their files to `output` (parquet); return how many clusters there are.

    Columns: cluster (a number from 0), shard, row, repo_name, path, size, and removed_as: null for the file that stays, the first
    of its cluster by repository and path; duplicate for one that is equal to another one before it; near_duplicate for the rest.
    In the order of shards and rows, a row group a shard. The numbers of clustered files are held, the pairs of one partition, and
    the names of one shard and of the heads that a cluster's first file is chosen from.
    """
    files = _clusters(partitions)
    stays = pl.col("file").is_in(_staying(shards, files).implode())
    removed = pl.when(stays).then(None).when("exact").then(pl.lit("duplicate")).otherwise(pl.lit("near_duplicate"))
    judged = files.select("file", "cluster", removed_as=removed)
    with written_beside(output) as beside, pq.ParquetWriter(beside, CLUSTERED) as writer:
        for frame in _named(shards, judged):
            writer.write_table(frame.to_arrow().select(CLUSTERED.names).cast(CLUSTERED))
    return judged["cluster"].n_unique()
