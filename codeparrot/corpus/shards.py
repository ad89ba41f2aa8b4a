"""Raw shards: gzip JSON lines with the columns of the book's BigQuery export, read and written one record at a time."""

import codecs
import gzip
import re
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import BinaryIO

import orjson
from isal import igzip, isal_zlib

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
# Digits of a 64-bit number; more of them are not looked at, however they begin.
_COUNT = re.compile("[0-9]{1,19}")
# A line may be so many times as long as the text in it: JSON writes a control character in six bytes.
ESCAPED = 6
# What a record's other columns take at most, and how much of a line that is too long is passed over at once.
BESIDE = PIECE = 2**16
# Of the book's query, in bytes.
LONGEST_CONTENT = 1048575


@dataclass(frozen=True)
class Broken:
    """A line of a raw shard that is no record: its number from 1, its bytes, and why."""

    line: int
    bytes: int
    reason: str


class _BrokenRecord(ValueError):
    pass


def _record(line: bytes) -> Record:
    try:
        row = orjson.loads(line)
    except orjson.JSONDecodeError as error:
        raise _BrokenRecord(f"not JSON ({error}); expected one object a line; export the shard again") from error
    if not isinstance(row, dict):
        raise _BrokenRecord(f"a JSON {type(row).__name__}, expected an object with {', '.join(COLUMNS)}")
    for column in COLUMNS:
        if column not in row:
            raise _BrokenRecord(f"no column '{column}' (it has {', '.join(row)}); export it with {', '.join(COLUMNS)}")
        if column in ("copies", "size") and type(row[column]) is int:
            row[column] = str(row[column])
        if not isinstance(row[column], str):
            raise _BrokenRecord(f"column '{column}' is {type(row[column]).__name__}, expected text; export it again")
        if column in ("copies", "size") and not (_COUNT.fullmatch(row[column]) and int(row[column]) < 2**63):
            raise _BrokenRecord(f"column '{column}' is {row[column][:40]!r}, expected a whole number below 2**63")
    if "\0" in row["content"]:
        raise _BrokenRecord("column 'content' holds a NUL byte, expected text")
    return Record(**{column: row[column] for column in COLUMNS})


def _lines(stream: BinaryIO, longest: int) -> Iterator[tuple[bytes | None, int]]:
    """Each line and its bytes; None instead of one that is longer than `longest`, which is passed over a piece at a time."""
    while line := stream.readline(longest + 1):
        size = len(line)
        if size <= longest:
            yield line, size
            continue
        while not line.endswith(b"\n") and (line := stream.readline(PIECE)):
            size += len(line)
        yield None, size


def read_records(
    shard: Path, broken: list[Broken] | None = None, most: float = 0.0, longest_content: int = LONGEST_CONTENT
) -> Iterator[Record]:
    """Yield the records of a raw shard in order, in memory for one record.

    Lines that are no record (not JSON in UTF-8, longer than a content of `longest_content` bytes can be, a column that is missing
    or of another type, a NUL byte) are put into `broken` and passed over; a byte order mark at the beginning and empty lines are
    passed over, too. Raises PipelineError naming shard and line for the first broken one where no list is given; at the end where
    they are more than a share `most` of all lines; and for what is not whole gzip.
    """
    line_number = 0
    longest = ESCAPED * longest_content + BESIDE
    try:
        with igzip.open(shard, "rb") as stream:
            for line, size in _lines(stream, longest):
                line_number += 1
                if line is not None and line_number == 1:
                    line = line.removeprefix(codecs.BOM_UTF8)
                if line is not None and not line.strip():
                    continue
                try:
                    if line is None:
                        raise _BrokenRecord(f"{size} bytes, expected at most {longest}; it was not read")
                    record = _record(line)
                except _BrokenRecord as error:
                    if broken is None:
                        raise PipelineError(f"{shard}, line {line_number}: {error}") from error
                    broken.append(Broken(line_number, size, str(error)))
                    continue
                yield record
    except EOFError as error:
        raise PipelineError(
            f"{shard}: the gzip data end in the middle, after line {line_number}; the file is cut off: fetch or export it again"
        ) from error
    except (gzip.BadGzipFile, isal_zlib.IsalError) as error:  # type: ignore[misc]  # the stubs say an instance
        raise PipelineError(
            f"{shard}: not gzip, or damaged, after line {line_number} ({error}); expected gzip JSON lines: fetch it again"
        ) from error
    if broken and len(broken) > most * line_number:
        raise PipelineError(
            f"{shard}: {len(broken)} of {line_number} lines are broken, more than quarantine = {most} of the corpus file allows; "
            f"the first, line {broken[0].line}: {broken[0].reason}"
        )


def write_quarantine(shard: Path, broken: Iterable[Broken], output: Path) -> None:
    """Write what was passed over as JSON lines: shard, line, bytes, reason; no content."""
    with written_beside(output) as beside, beside.open("wb") as stream:
        for each in broken:
            stream.write(orjson.dumps({"shard": shard.name, **asdict(each)}) + b"\n")


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
