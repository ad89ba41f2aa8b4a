"""Exact duplicates across all shards: files whose text is equal once white space is removed.

The hashes are divided into partitions, each of which is searched by a job of its own, so that no job holds all of them.
"""

from collections.abc import Sequence
from pathlib import Path

import polars as pl
import pyarrow.parquet as pq

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError


def find_duplicates(shards: Sequence[Path], partition: int, partitions: int, output: Path) -> int:
    """Write to `output` (parquet: shard, row, size) the files to remove of one partition; return how many there are.

    Of the files with one hash the first by repository and path stays, whatever the order of the shards. Only hashes
    and names are read, never contents. Raises PipelineError when no shard holds a file.
    """
    if not any(pq.read_metadata(file).num_rows for file in shards):
        raise PipelineError(
            f"{Path(shards[0]).parent}: the corpus is empty: no file of its {len(shards)} shards passed the filters; "
            "loosen the thresholds under filters: in the corpus file, or check that the raw shards hold what they should"
        )
    number = pl.col("hash").bin.slice(0, 2).bin.encode("hex").str.to_integer(base=16)
    frames = [
        pl.scan_parquet(file)
        .select("repo_name", "path", "size", "hash")
        .with_row_index("row")
        .with_columns(shard=pl.lit(index, pl.UInt32))
        .filter(number % partitions == partition)
        .collect()
        for index, file in enumerate(shards)
    ]
    ordered = pl.concat(frames).sort("repo_name", "path", "size", "hash")
    removed = ordered.filter(~pl.col("hash").is_first_distinct()).select("shard", "row", "size")
    with written_beside(output) as beside:
        removed.sort("shard", "row").write_parquet(beside)
    return len(removed)


def join_duplicates(partitions: Sequence[Path], output: Path) -> None:
    """Write the files to remove of all partitions to one list, in the order of shards and rows."""
    with written_beside(output) as beside:
        pl.concat([pl.read_parquet(file) for file in partitions]).sort("shard", "row").write_parquet(beside)
