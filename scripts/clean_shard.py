"""Clean the records of one raw shard: filters, secrets, contamination."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.cleaning.shard import Recipe, clean_records
from codeparrot.command import run
from codeparrot.corpus.shards import Broken, read_records, write_quarantine
from codeparrot.progress import progress


def main(
    raw: Path,
    output: Path,
    contaminated: Path,
    quarantine: Path,
    counts: Path,
    broken_share: float,
    recipe: Recipe = Recipe(),
) -> None:
    """Clean one raw shard.

    Args:
        raw: The gzip JSON-lines shard.
        output: The parquet file of kept records.
        contaminated: The JSON-lines file of files that hold a benchmark's prompt or solution.
        quarantine: The JSON-lines file of what is no record.
        counts: The JSON file of files and bytes that each step removed, and of secrets replaced.
        broken_share: The share of the lines that may be no record.
        recipe: What is done with a file.
    """
    broken: list[Broken] = []
    records = progress(read_records(raw, broken, broken_share, recipe.filters.max_bytes), "records")
    figures = clean_records(records, recipe, output, contaminated)
    figures.files["quarantined"], figures.bytes["quarantined"] = len(broken), sum(each.bytes for each in broken)
    write_quarantine(raw, broken, quarantine)
    write_text(counts, orjson.dumps(vars(figures), option=orjson.OPT_SORT_KEYS).decode() + "\n")


if __name__ == "__main__":
    run(main)
