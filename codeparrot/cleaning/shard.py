"""The pass over one raw shard: filters, secrets, contamination, and what the search for duplicates needs of each kept file."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from hashlib import blake2b
from pathlib import Path

import orjson
import polars as pl
import pyarrow as pa
import pyarrow.parquet as pq

from codeparrot.atomic import written_beside
from codeparrot.cleaning.close_filters import CLOSE_REASONS, close_reasons
from codeparrot.cleaning.contamination import Benchmarks
from codeparrot.cleaning.filters import REASONS, Filters, reasons
from codeparrot.cleaning.secrets import KINDS, replace_secrets
from codeparrot.cleaning.signatures import NearDuplicates, signatures
from codeparrot.corpus.shards import Record
from codeparrot.problems.tasks import read_tasks

CONTAMINATED = "contaminated"
# Names of all that drops a file by itself, in order.
STEPS = (*REASONS, *CLOSE_REASONS, CONTAMINATED)
# Files are looked at together, up to so many or so many bytes; this changes no result.
BATCH_ROWS = 512
BATCH_BYTES = 2**23

SCHEMA = pa.schema(
    [
        ("repo_name", pa.string()),
        ("path", pa.string()),
        ("copies", pa.int64()),
        ("size", pa.int64()),
        ("content", pa.string()),
        ("license", pa.string()),
        ("hash", pa.binary(16)),
        ("identifiers", pa.list_(pa.uint32())),
        ("bands", pa.list_(pa.uint64())),
    ]
)
# Columns that only the search for duplicates reads; hashes cannot be compressed.
KEYS = ("hash", "identifiers", "bands")
COMPRESSION = {name: "none" if name in KEYS else "zstd" for name in SCHEMA.names}
# Columns of which a dictionary of values makes sense.
REPEATED = ["repo_name", "copies", "license"]


@dataclass(frozen=True)
class Recipe:
    """What is done with the files of a raw shard.

    Args:
        filters: What a file is kept by.
        secrets: Kinds of secrets and personal data that are replaced by placeholders.
        decontaminate: Benchmarks whose prompts and solutions no file may hold: humaneval, or JSON-lines files of tasks.
        near_duplicates: Which files count as near duplicates; none where it is null.
    """

    filters: Filters = field(default_factory=Filters)
    secrets: Sequence[str] = KINDS
    decontaminate: Sequence[str] = ("humaneval",)
    near_duplicates: NearDuplicates | None = field(default_factory=NearDuplicates)


@dataclass
class Figures:
    """What happened to the files of a shard: how many, and their bytes, by what dropped them or "kept"; secrets by kind."""

    files: Counter[str] = field(default_factory=Counter)
    bytes: Counter[str] = field(default_factory=Counter)
    secrets: Counter[str] = field(default_factory=Counter)

    def add(self, judged: pl.DataFrame) -> None:
        """Count files by their reason; judged: size, reason."""
        for reason, count, size in judged.group_by("reason").agg(pl.len(), pl.sum("size")).iter_rows():
            self.files[reason] += count
            self.bytes[reason] += size


def text_hash(text: str) -> bytes:
    """16 bytes of BLAKE2b over the text with all white space removed: equal for exact duplicates."""
    content = (
        text.encode("utf-8").translate(None, b" \t\n\r\v\f\x1c\x1d\x1e\x1f") if text.isascii() else "".join(text.split()).encode()
    )
    return blake2b(content, digest_size=16).digest()


def _batches(records: Iterable[Record]) -> Iterator[pl.DataFrame]:
    batch: list[Record] = []
    size = 0
    for record in records:
        batch.append(record)
        size += len(record.content)
        if len(batch) == BATCH_ROWS or size >= BATCH_BYTES:
            yield pl.DataFrame([vars(each) for each in batch])
            batch, size = [], 0
    if batch:
        yield pl.DataFrame([vars(each) for each in batch])


def _passing(frame: pl.DataFrame, filters: Filters, figures: Figures) -> pl.DataFrame:
    """The files that pass every filter, with their sizes; those that read a file closely are asked last, of what is left."""
    for ask in (reasons, close_reasons):
        judged = ask(frame, filters)
        figures.add(judged.filter(pl.col("reason").is_not_null()))
        frame = frame.with_columns(judged["size"]).filter(judged["reason"].is_null())
    return frame


def _without_secrets(frame: pl.DataFrame, recipe: Recipe, figures: Figures) -> pl.DataFrame:
    """The files with placeholders; those that changed pass the filters again, so that cleaning what is clean changes nothing."""
    replaced = replace_secrets(frame["content"], recipe.secrets, figures.secrets)
    changed = replaced != frame["content"]
    if not changed.any():
        return frame
    number = pl.int_range(pl.len(), dtype=pl.Int64).alias("number")
    numbered = frame.with_columns(replaced.alias("content")).with_columns(number)
    again = _passing(numbered.filter(changed), recipe.filters, figures)
    return pl.concat([numbered.filter(~changed), again]).sort("number").drop("number")


def clean_records(records: Iterable[Record], recipe: Recipe, output: Path, contaminated: Path) -> Figures:
    """Write the records that are kept to `output` (parquet, SCHEMA), in their order and a batch at a time.

    Those that hold a benchmark's prompt or solution are listed in `contaminated` (JSON lines: repo_name, path, tasks).
    """
    figures = Figures()
    benchmarks = Benchmarks(read_tasks(recipe.decontaminate))
    with (
        written_beside(output) as beside,
        pq.ParquetWriter(beside, SCHEMA, compression=COMPRESSION, use_dictionary=REPEATED) as writer,
        written_beside(contaminated) as list_beside,
        list_beside.open("wb") as listed,
    ):
        for batch in _batches(records):
            frame = _without_secrets(_passing(batch, recipe.filters, figures), recipe, figures)
            found = benchmarks.found_in(frame["content"])
            for row, tasks in found.items():
                name = {key: frame[key][row] for key in ("repo_name", "path")}
                listed.write(orjson.dumps({**name, "tasks": tasks}) + b"\n")
            held = pl.int_range(pl.len()).is_in(list(found))
            judged = frame.select("size", reason=pl.when(held).then(pl.lit(CONTAMINATED)).otherwise(pl.lit("kept")))
            figures.add(judged)
            kept = frame.filter(judged["reason"] == "kept").with_columns(pl.col("copies").cast(pl.Int64))
            keys = [pl.Series("hash", [text_hash(text) for text in kept["content"]], dtype=pl.Binary)]
            keys += signatures(kept["content"], recipe.near_duplicates).get_columns()
            writer.write_table(kept.with_columns(keys).to_arrow().select(SCHEMA.names).cast(SCHEMA))
    return figures
