"""Exact duplicates across all shards: files whose text is equal once white space is removed."""

from collections.abc import Sequence
from pathlib import Path

import polars as pl

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError


def find_duplicates(shards: Sequence[Path], output: Path) -> int:
    """Write to `output` (parquet: shard, row, size) every file to remove, and return how many there are.

    Of the files with one hash the first by repository and path stays, whatever the order of the shards. Only hashes
    and names are read, never contents. Raises PipelineError when no shard holds a file.
    """
    columns = ["repo_name", "path", "size", "hash"]
    frames = [
        pl.read_parquet(file, columns=columns).with_row_index("row").with_columns(shard=pl.lit(index, pl.UInt32))
        for index, file in enumerate(shards)
    ]
    files = pl.concat(frames)
    if files.is_empty():
        raise PipelineError(
            f"{Path(shards[0]).parent}: the corpus is empty: no file of its {len(shards)} shards passed the filters; "
            "loosen the thresholds under filters: in the corpus file, or check that the raw shards hold what they should"
        )
    ordered = files.sort("repo_name", "path", "size", "hash")
    removed = ordered.filter(~pl.col("hash").is_first_distinct()).select("shard", "row", "size").sort("shard", "row")
    with written_beside(output) as beside:
        removed.write_parquet(beside)
    return len(removed)
