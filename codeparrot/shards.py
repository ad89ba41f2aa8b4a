"""Raw shards: gzip JSON lines with the columns of the book's BigQuery export, read and written one record at a time."""

import gzip
import zlib
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError


@dataclass(frozen=True)
class Record:
    """One file of a raw corpus. BigQuery exports integers as strings, so `copies` and `size` (bytes) are strings in the
    shards; numbers are accepted as well."""

    repo_name: str
    path: str
    copies: str
    size: str
    content: str
    license: str


COLUMNS = tuple(Record.__annotations__)


def _record(line: bytes, place: str) -> Record:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise PipelineError(f"{place}: not JSON ({error}); expected one object a line; export the shard again") from error
    if not isinstance(row, dict):
        raise PipelineError(f"{place}: a JSON {type(row).__name__}, expected an object with {', '.join(COLUMNS)}")
    for column in COLUMNS:
        if column not in row:
            raise PipelineError(f"{place}: no column '{column}' (it has {', '.join(row)}); export it with {', '.join(COLUMNS)}")
        if column in ("copies", "size") and type(row[column]) is int:
            row[column] = str(row[column])
        if not isinstance(row[column], str):
            raise PipelineError(f"{place}: column '{column}' is {type(row[column]).__name__}, expected text; export it again")
        if column in ("copies", "size") and not row[column].isdecimal():
            raise PipelineError(f"{place}: column '{column}' is {row[column][:40]!r}, expected a whole number")
    return Record(**{column: row[column] for column in COLUMNS})


def read_records(shard: Path) -> Iterator[Record]:
    """Yield the records of a raw shard in order, in memory for one record.

    Raises PipelineError naming shard and line for anything but whole gzip JSON lines with the columns of Record.
    """
    line_number = 0
    try:
        with gzip.open(shard, "rb") as stream:
            for line in stream:
                line_number += 1
                yield _record(line, f"{shard}, line {line_number}")
    except EOFError as error:
        raise PipelineError(
            f"{shard}: the gzip data end in the middle, after line {line_number}; the file is cut off: fetch or export it again"
        ) from error
    except (gzip.BadGzipFile, zlib.error) as error:
        raise PipelineError(
            f"{shard}: not gzip, or damaged, after line {line_number} ({error}); expected gzip JSON lines: fetch it again"
        ) from error


def write_records(records: Iterable[Record], shard: Path) -> int:
    """Write a raw shard with bytes that depend on the records alone (no name, no time stamp); return their count."""
    count = 0
    with (
        written_beside(shard) as beside,
        beside.open("wb") as file,
        gzip.GzipFile(filename="", fileobj=file, mode="wb", compresslevel=6, mtime=0) as stream,
    ):
        for record in records:
            stream.write(orjson.dumps(asdict(record)) + b"\n")
            count += 1
    return count
