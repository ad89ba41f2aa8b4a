"""Exact and near duplicates across all shards, in one partition of what they are looked up by.

Exact duplicates are equal once white space is removed; near duplicates have sets of identifiers with a Jaccard similarity of at
least the threshold. What both are looked up by (hashes of texts, bands of signatures) is divided into partitions; each of them
is searched by a job of its own. Contents are never read.

In each group of files with one hash, or one band, the first by name leads: every other one is compared with it, and follows it
where it is a duplicate; those that do not follow are a group of their own with the first of them as leader, and so on. So two
files of one group that follow nobody have been compared with each other.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError

# Of each file that leads or follows: its number (2**32 * shard + row), name and size, and the numbers of those that it follows.
FOLLOWING = pl.Schema(
    {
        "number": pl.UInt64(),
        "repo_name": pl.String(),
        "path": pl.String(),
        "size": pl.Int64(),
        "duplicate_of": pl.List(pl.UInt64),
        "near_duplicate_of": pl.List(pl.UInt64),
    }
)
# Rows are read by ranges of their numbers.
ROW_GROUP = 2**16
# Pairs are compared in portions of about so many identifiers.
PORTION = 2**22


def _numbered(shard: int, file: Path) -> pl.LazyFrame:
    number = pl.int_range(pl.len(), dtype=pl.UInt64) + shard * 2**32
    return pl.scan_parquet(file).with_columns(number=number)


def _groups(shards: Sequence[Path], partition: int, partitions: int, near: bool) -> pl.DataFrame:
    """(number, key, exact) of the files that share a key with another one, for the keys of one partition."""
    frames = []
    for shard, file in enumerate(shards):
        rows = _numbered(shard, file)
        hashes = rows.select("number", key=pl.col("hash").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64), exact=pl.lit(True))
        keys = [hashes]
        if near:
            keys.append(rows.select("number", key="bands").explode("key").drop_nulls("key").with_columns(exact=pl.lit(False)))
        frames += [each.filter(pl.col("key") % partitions == partition).collect() for each in keys]
    found = pl.concat(frames)
    return found.filter(pl.len().over("key", "exact") > 1)


def _read(shards: Sequence[Path], wanted: pl.Series, columns: Sequence[str]) -> pl.DataFrame:
    """Some columns of the files with the numbers `wanted`, and their numbers."""
    frames = []
    for shard, file in enumerate(shards):
        mine = wanted.filter(wanted // 2**32 == shard)
        if len(mine):
            rows = _numbered(shard, file).select("number", *columns)
            frames.append(rows.join(mine.to_frame().lazy(), on="number", how="semi").collect())
    return pl.concat(frames)


def _compared(shards: Sequence[Path], groups: pl.DataFrame) -> tuple[pl.DataFrame, pl.DataFrame]:
    """The members of groups (exact, key, file), and their files, numbered in the order of their names, with hash and identifiers.

    Of the exact duplicates in a near duplicates' group only the first is a member: the others follow it as it is. So identifiers
    are held of few files.
    """
    names = _read(shards, groups["number"].unique(), ["repo_name", "path", "size", "hash"]).sort("repo_name", "path", "number")
    files = names.with_columns(file=pl.int_range(pl.len(), dtype=pl.Int64))
    members = groups.join(files.select("number", "file", "hash"), on="number")
    is_near = ~pl.col("exact")
    near = members.filter(is_near).sort("file").unique(["key", "hash"], keep="first").filter(pl.len().over("key") > 1)
    if len(near):
        identifiers = _read(shards, near["number"].unique(), ["identifiers"])
        files = files.join(identifiers, on="number", how="left", maintain_order="left")
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


def _following(files: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
    """FOLLOWING of the files of some pairs (leader, file, exact), in the order of their numbers."""
    leaders = pairs.join(files.select(leader="file", of="number"), on="leader").sort("of")
    followed = leaders.group_by("file").agg(
        duplicate_of=pl.col("of").filter("exact"), near_duplicate_of=pl.col("of").filter(~pl.col("exact"))
    )
    ends = pl.concat([pairs["leader"], pairs["file"]]).unique()
    mine = files.filter(pl.col("file").is_in(ends.implode())).join(followed, on="file", how="left")
    return mine.select(*FOLLOWING).sort("number")


def find_duplicates(shards: Sequence[Path], partition: int, partitions: int, jaccard: float | None, output: Path) -> int:
    """Write which files of a partition follow which to `output` (parquet, FOLLOWING) and return how many files that are.

    Without `jaccard` only exact duplicates are sought. Raises PipelineError when no shard holds a file.
    """
    if not any(pq.read_metadata(file).num_rows for file in shards):
        raise PipelineError(
            f"{Path(shards[0]).parent}: the corpus is empty: no file of its {len(shards)} shards passed the filters; "
            "loosen the thresholds under filters: in the corpus file, or check that the raw shards hold what they should"
        )
    groups = _groups(shards, partition, partitions, near=jaccard is not None)
    found = pl.DataFrame(schema=FOLLOWING)
    if len(groups):
        members, files = _compared(shards, groups)
        found = _following(files, pl.concat(_followers(members, files, jaccard or 1.0)).unique())
    with written_beside(output) as beside:
        found.write_parquet(beside, row_group_size=ROW_GROUP)
    return len(found)
