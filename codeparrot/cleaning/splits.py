"""Training and validation splits: by repository, so that none lies on both sides, or by shard."""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import polars as pl
import pyarrow.parquet as pq

from codeparrot.atomic import written_beside
from codeparrot.chance import uniform
from codeparrot.cleaning.shard import KEYS


@dataclass(frozen=True)
class SplitSettings:
    """How the corpus is divided.

    Args:
        rule: By repository, or the book's way: the last shard is the validation split.
        valid_share: Expected share of the repositories that go to validation.
        seed: Seed of the hash that decides for each repository.
    """

    rule: Literal["repository", "last_shard"] = "repository"
    valid_share: float = 0.05
    seed: int = 1


def is_validation(repo_name: str, settings: SplitSettings) -> bool:
    """Whether a repository belongs to the validation split: a function of its name and the seed alone."""
    return uniform(settings.seed, repo_name) < settings.valid_share


def split_shard(
    cleaned: Path, duplicates: Path, shard: int, shards: int, settings: SplitSettings, train: Path, valid: Path
) -> dict[str, dict[str, int]]:
    """Write a cleaned shard's files, less the duplicates found in it, to its parts of the two splits (parquet, zstd).

    Returns {"files": …, "bytes": …} with counts for `duplicate`, `near_duplicate`, `train` and `valid`.
    """
    columns = ["row", "size", "removed_as"]
    mine = (pl.col("shard") == shard) & pl.col("removed_as").is_not_null()
    removed = pl.scan_parquet(duplicates).filter(mine).select(columns).collect()
    names = [name for name in pq.read_schema(cleaned).names if name not in KEYS]
    rows = pl.read_parquet(cleaned, columns=names).with_row_index("row")
    kept = rows.join(removed, on="row", how="anti", maintain_order="left").drop("row")
    gone = {reason: removed.filter(pl.col("removed_as") == reason) for reason in ("duplicate", "near_duplicate")}
    if settings.rule == "last_shard":
        is_valid = pl.lit(shard == shards - 1)
    else:
        held_out = [name for name in kept["repo_name"].unique().to_list() if is_validation(name, settings)]
        is_valid = pl.col("repo_name").is_in(held_out)
    parts = {"valid": kept.filter(is_valid), "train": kept.filter(~is_valid)}
    for name, path in (("train", train), ("valid", valid)):
        with written_beside(path) as beside:
            parts[name].write_parquet(beside, compression="zstd")
    counted = {**gone, **parts}
    return {
        "files": {name: len(part) for name, part in counted.items()},
        "bytes": {name: int(part["size"].sum()) for name, part in counted.items()},
    }
