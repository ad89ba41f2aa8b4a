"""What a benchmark asks: a prompt to complete, and a test of what completes it."""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import orjson

from codeparrot.errors import PipelineError


@dataclass(frozen=True)
class Problem:
    """One problem.

    Args:
        task_id: Its name in the benchmark.
        prompt: What the model completes; it begins the program.
        names: The functions of the program that the test calls.
        test: Python that raises an exception where a call has not the right result.
        setup: Python that the test needs before it; it is the benchmark's own and runs apart from the program.
        solution: A completion that passes.
        stops: What ends a completion, from the first that occurs on.
    """

    task_id: str
    prompt: str
    names: tuple[str, ...]
    test: str
    setup: str
    solution: str
    stops: tuple[str, ...]


def cut(written: str, stops: tuple[str, ...]) -> str:
    """What a model wrote, up to the first of `stops`; only what comes after the prompt is searched."""
    places = [place for place in map(written.find, stops) if place >= 0]
    return written[: min(places, default=len(written))]


def rows(file: Path, fields: dict[str, type]) -> Iterator[dict[str, object]]:
    """The tasks of a JSON-lines file, gzip or not. PipelineError names file, line and field of what is missing or no `kind`."""
    try:
        data = file.read_bytes()
        lines = (gzip.decompress(data) if data[:2] == b"\x1f\x8b" else data).splitlines()
    except (OSError, EOFError) as error:
        raise PipelineError(f"{file}: {error}; expected a JSON-lines file of tasks") from error
    for number, line in enumerate(lines, 1):
        try:
            row = orjson.loads(line)
        except orjson.JSONDecodeError as error:
            raise PipelineError(f"{file}, line {number}: not JSON ({error}); expected one task a line") from error
        for field, kind in fields.items():
            if not isinstance(row, dict) or not isinstance(row.get(field), kind):
                found = repr(row.get(field))[:40] if isinstance(row, dict) and field in row else "nothing"
                raise PipelineError(f"{file}, line {number}: field '{field}': {found}: expected {kind.__name__}")
        yield row
