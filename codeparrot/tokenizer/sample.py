"""Which documents a tokenizer learns from: a seeded sample across all training shards, written to one file."""

import heapq
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from codeparrot.atomic import written_beside
from codeparrot.chance import draw
from codeparrot.progress import progress

SCHEMA = pa.schema([("repo_name", pa.string()), ("path", pa.string()), ("content", pa.string())])
BATCH_ROWS = 256


@dataclass(frozen=True)
class Sample:
    """How many documents are taken.

    Args:
        documents: Documents at most.
        seed: Seed of the hash that decides.
    """

    documents: int = 200_000
    seed: int = 1


def _chosen(shards: Sequence[Path], sample: Sample) -> dict[int, set[int]]:
    """The rows to take of each shard: those whose names have the lowest hashes, so that no order of shards changes them."""
    names = (
        (repo_name, path, shard, row)
        for shard, file in enumerate(shards)
        for row, (repo_name, path) in enumerate(pl.read_parquet(file, columns=["repo_name", "path"]).iter_rows())
    )
    rows: defaultdict[int, set[int]] = defaultdict(set)
    for _, _, _, shard, row in heapq.nsmallest(
        sample.documents, ((draw(sample.seed, name[0], name[1]), *name) for name in names)
    ):
        rows[shard].add(row)
    return rows


def sample_documents(shards: Sequence[Path], sample: Sample, output: Path) -> int:
    """Write the sample to `output` (parquet, SCHEMA, zstd), shard by shard, in memory for one batch, and return its size."""
    chosen = _chosen(shards, sample)
    with written_beside(output) as beside, pq.ParquetWriter(beside, SCHEMA, compression="zstd") as writer:
        for shard, file in enumerate(progress(shards, "shards sampled", len(shards))):
            first = 0
            for batch in pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=SCHEMA.names):
                rows = [row for row in range(len(batch)) if first + row in chosen.get(shard, ())]
                writer.write_batch(batch.take(pa.array(rows, pa.int64())).cast(SCHEMA))
                first += len(batch)
    return sum(map(len, chosen.values()))
