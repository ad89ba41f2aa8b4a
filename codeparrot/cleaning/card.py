"""The dataset card: what was kept, what each step removed, and under which licences."""

from collections import Counter
from collections.abc import Sequence
from pathlib import Path

import orjson
import polars as pl

from codeparrot.atomic import written_beside
from codeparrot.cleaning import shard

STEPS = ("quarantined", *shard.STEPS, "duplicate", "near_duplicate")
Statistics = dict[str, dict[str, int]]


def statistics(counts: Sequence[Path], parts: Sequence[Path]) -> Statistics:
    """Sum the per-shard count files, and count the files of each licence and repository in all parts of the two splits."""
    total: dict[str, Counter[str]] = {"files": Counter(), "bytes": Counter(), "secrets": Counter()}
    for file in counts:
        for unit, part in orjson.loads(file.read_bytes()).items():
            total[unit].update(part)
    kept = pl.concat([pl.read_parquet(file, columns=["repo_name", "license", "size"]) for file in parts])
    return {
        **{unit: dict(sorted(part.items())) for unit, part in total.items()},
        "files_by_license": dict(kept.group_by("license").len().sort("license").iter_rows()),
        "files_by_repository": dict(kept.group_by("repo_name").len().sort("repo_name").iter_rows()),
    }


def write_attribution(train: Sequence[Path], valid: Sequence[Path], output: Path) -> None:
    """Write where every kept file comes from (parquet: split, repo_name, path, license), in memory for some rows."""
    sides = {"train": train, "validation": valid}
    rows = [
        pl.scan_parquet(file).select(pl.lit(split).alias("split"), "repo_name", "path", "license")
        for split, files in sides.items()
        for file in files
    ]
    with written_beside(output) as beside:
        pl.concat(rows).sink_parquet(beside, maintain_order=True)


def dataset_card(corpus: str, figures: Statistics) -> str:
    """The text of README.md: a YAML header as on the Hub, then tables."""
    files, sizes = figures["files"], figures["bytes"]
    raw = {unit: sum(figures[unit].get(step, 0) for step in (*STEPS[:-2], "kept")) for unit in ("files", "bytes")}
    rows = [f"| {step} | {files.get(step, 0):,} | {sizes.get(step, 0) / 1e6:,.1f} |" for step in STEPS]
    secrets = [f"| {kind} | {count:,} |" for kind, count in figures["secrets"].items()]
    licences = [f"| {key} | {count:,} |" for key, count in sorted(figures["files_by_license"].items(), key=lambda item: -item[1])]
    return "\n".join(
        [
            "---",
            "language: [code]",
            "task_categories: [text-generation]",
            "tags: [code, python]",
            f"pretty_name: {corpus}",
            "configs:",
            "- config_name: default",
            "  data_files:",
            "  - {split: train, path: train/*.parquet}",
            "  - {split: validation, path: valid/*.parquet}",
            "---",
            "",
            f"# {corpus}",
            "",
            f"Python source files: {raw['files']:,} raw ({raw['bytes'] / 1e6:,.1f} MB), {files['train']:,} for training "
            f"({sizes['train'] / 1e6:,.1f} MB), {files['valid']:,} for validation ({sizes['valid'] / 1e6:,.1f} MB). "
            "No repository lies in both splits.",
            "",
            "| removed by | files | MB |",
            "|---|---|---|",
            *rows,
            "",
            "| replaced by a placeholder | times |",
            "|---|---|",
            *secrets,
            "",
            "| licence of a kept file | files |",
            "|---|---|",
            *licences,
            "",
        ]
    )
