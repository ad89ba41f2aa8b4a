"""Exact and near duplicates across all shards, in one partition of what they are looked up by.

Exact duplicates are equal once white space is removed; near duplicates have sets of identifiers with a Jaccard similarity of at
least the threshold. What both are looked up by (hashes of texts, bands of signatures) is divided into partitions; each of them
is searched by a job of its own. Contents are never read.

In each group of files with one hash, or one band, the first by name leads: every other one is compared with it, and follows it
where it is a duplicate; those that do not follow are a group of their own with the first of them as leader, and so on. So two
files of one group that follow nobody have been compared with each other.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import polars as pl
import pyarrow.parquet as pq
from numpy.typing import NDArray

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError
from codeparrot.numbering import SHARD_NUMBERS

# Of each file that leads or follows: its number, name and size, and the numbers of those that it follows.
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
PORTION = 2**20


def _numbered(shard: int, file: Path) -> pl.LazyFrame:
    number = pl.int_range(pl.len(), dtype=pl.UInt64) + shard * SHARD_NUMBERS
    return pl.scan_parquet(file).with_columns(number=number)


def _groups(shards: Sequence[Path], partition: int, partitions: int, near: bool) -> pl.DataFrame:
    """(number, key, exact) of the files that share a key with another one, for the keys of one partition."""
    frames = []
    for shard, file in enumerate(shards):
        rows = _numbered(shard, file)
        keys = [rows.select("number", key=pl.col("hash").bin.slice(0, 8).bin.reinterpret(dtype=pl.UInt64), exact=pl.lit(True))]
        if near:
            keys.append(rows.select("number", key="bands").explode("key").drop_nulls("key").with_columns(exact=pl.lit(False)))
        frames += [each.filter(pl.col("key") % partitions == partition).collect() for each in keys]
    found = pl.concat(frames)
    return found.filter(pl.len().over("key", "exact") > 1)


def _read(shards: Sequence[Path], wanted: pl.Series, columns: Sequence[str]) -> Iterator[pl.DataFrame]:
    """Some columns of the files with the numbers `wanted`, in the order of numbers, a shard at a time."""
    for shard, file in enumerate(shards):
        mine = wanted.filter(wanted // SHARD_NUMBERS == shard).to_frame("number")
        if len(mine):
            rows = _numbered(shard, file).select("number", *columns).join(mine.lazy(), on="number", how="semi")
            # A copy: a selection of strings would hold all those that were read.
            yield pl.DataFrame(rows.collect().sort("number").to_arrow())


def _members(groups: pl.DataFrame, files: pl.DataFrame) -> pl.DataFrame:
    """The members (exact, key, file) of groups that are compared.

    Of exact duplicates in a near duplicates' group only the first is: the others follow it as it is, so that few files'
    identifiers are held.
    """
    members = groups.join(files.select("number", "file", "hash"), on="number")
    is_near = ~pl.col("exact")
    near = members.filter(is_near).sort("file").unique(["key", "hash"], keep="first").filter(pl.len().over("key") > 1)
    return pl.concat([members.filter(~is_near), near]).select("exact", "key", "file")


@dataclass(frozen=True)
class Sets:
    """Sets of identifiers: that of file f is flat[ends[place[f]] : ends[place[f] + 1]], in rising order."""

    flat: NDArray[np.uint32]
    ends: NDArray[np.int64]
    place: NDArray[np.int64]


def _identifiers(shards: Sequence[Path], files: pl.DataFrame, members: pl.DataFrame) -> Sets:
    """The identifiers of the files in near duplicates' groups."""
    numbers = files["number"]
    wanted = numbers.gather(members.filter(~pl.col("exact"))["file"].unique()).sort()
    flat, sizes = np.zeros(0, np.uint32), [np.zeros(1, np.int64)]
    for frame in _read(shards, wanted, ["identifiers"]):
        lists = frame["identifiers"].to_arrow()
        end, values = len(flat), lists.flatten().to_numpy()
        flat.resize(end + len(values), refcheck=False)  # where it lies: there is no room for it twice
        flat[end:] = values
        sizes.append(np.diff(lists.offsets.to_numpy()))
    return Sets(flat, np.cumsum(np.concatenate(sizes)), np.searchsorted(wanted.to_numpy(), numbers.to_numpy()))


def _portions(costs: NDArray[np.int64]) -> Iterator[slice]:
    """Cut a list in portions of about PORTION cost."""
    total = np.concatenate([[0], np.cumsum(costs)])
    first = 0
    while first < len(costs):
        end = max(int(np.searchsorted(total, total[first] + PORTION, side="right")) - 1, first + 1)
        yield slice(first, end)
        first = end


def similarities(sets: Sets, files: NDArray[np.int64], others: NDArray[np.int64]) -> NDArray[np.float64]:
    """The Jaccard similarity of the sets of each pair of files, shape (pairs,); exact."""
    one, other = sets.place[files], sets.place[others]
    sizes = np.diff(sets.ends)
    found = np.zeros(len(one))
    for part in _portions(sizes[one] + sizes[other]):
        keys = []
        for side in (one[part], other[part]):
            length = sizes[side]
            pair = np.repeat(np.arange(len(side), dtype=np.uint64) << np.uint64(32), length)
            inside = np.arange(length.sum()) - np.repeat(np.cumsum(length) - length, length)
            keys.append(pair | sets.flat[np.repeat(sets.ends[side], length) + inside])
        both = np.sort(np.concatenate(keys), kind="stable")  # two rising rows, which a merge sort joins in one go
        shared = both[1:][both[1:] == both[:-1]] >> np.uint64(32)
        common = np.bincount(shared.astype(np.int64), minlength=len(one[part]))
        found[part] = common / np.maximum(sizes[one[part]] + sizes[other[part]] - common, 1)
    return found


def _followers(members: pl.DataFrame, hashes: pl.Series, sets: Sets, jaccard: float) -> Iterator[pl.DataFrame]:
    """(leader, follower, exact) for the groups `members` (exact, key, file); files are numbered in the order of their names."""
    left = members.sort("exact", "key", "file")
    while len(left):
        pairs = left.with_columns(leader=pl.col("file").first().over("exact", "key")).filter(pl.col("file") != pl.col("leader"))
        distinct = pairs.select("leader", "file", "exact").unique(maintain_order=True)
        one, other = distinct["leader"].to_numpy(), distinct["file"].to_numpy()
        exact = distinct["exact"].to_numpy()
        same = np.zeros(len(distinct), np.bool_)
        same[exact] = (hashes.gather(one[exact]) == hashes.gather(other[exact])).to_numpy()
        same[~exact] = similarities(sets, one[~exact], other[~exact]) >= jaccard
        judged = distinct.with_columns(same=pl.Series(same))
        yield judged.filter("same").select("leader", "file", "exact")
        left = (
            pairs.join(judged, on=["leader", "file", "exact"], maintain_order="left")
            .filter(~pl.col("same"))
            .drop("leader", "same")
        )


def following(files: pl.DataFrame, pairs: pl.DataFrame) -> pl.DataFrame:
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
        columns = ["repo_name", "path", "size", "hash"]
        files = pl.concat(_read(shards, groups["number"].unique(), columns)).sort("repo_name", "path", "number")
        files = files.with_columns(file=pl.int_range(pl.len(), dtype=pl.Int64))
        members = _members(groups, files)
        sets = _identifiers(shards, files, members)
        found = following(files, pl.concat(_followers(members, files["hash"], sets, jaccard or 1.0)).unique())
    with written_beside(output) as beside:
        found.write_parquet(beside, row_group_size=ROW_GROUP)
    return len(found)
