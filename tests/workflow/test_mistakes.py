"""What is wrong ends Snakemake with one message, and leaves nothing half made."""

import gzip
import json
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import snakemake
from tests.workflow.edits import edited, replaced


def packed(content: bytes) -> bytes:
    """Gzip without a time stamp, so that each process that runs tests finds the same ones."""
    return gzip.compress(content, mtime=0)


@pytest.fixture
def unclean(built: Path) -> Iterator[Path]:
    """The raw shard of a corpus `unclean`, to be written by a test."""
    (built / "config/corpora/unclean.yaml").write_text("source: {kind: installed-packages}\nshards: 1\n")
    shard = built / "results/corpora/unclean/raw/file-000000000000.json.gz"
    shard.parent.mkdir(parents=True)
    yield shard
    (built / "config/corpora/unclean.yaml").unlink()
    shutil.rmtree(built / "results/corpora/unclean")


ROW = {"repo_name": "a/b", "path": "c.py", "copies": "1", "size": "2000", "content": "x = 1\n" * 400, "license": "mit"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"plain text", "not gzip, or damaged, after line 0"),
        (packed(json.dumps(ROW).encode())[:-20], "the gzip data end in the middle"),
        (packed(b"{}\nnot JSON\n"), "line 1: no column 'repo_name'"),
        (packed(json.dumps(ROW).encode() + b"\nnot JSON\n"), "line 2: not JSON"),
        (packed(json.dumps({**ROW, "content": None}).encode()), "line 1: column 'content' is NoneType, expected text"),
        (packed(json.dumps({**ROW, "content": "short"}).encode()), "the corpus is empty: no file of its 1 shards passed"),
    ],
)
def test_a_bad_shard_ends_snakemake_with_one_message_and_no_output(built: Path, unclean: Path, data: bytes, message: str) -> None:
    unclean.write_bytes(data)
    done = snakemake(built, "results/corpora/unclean/README.md")
    said = done.stdout + done.stderr
    (error,) = {line.strip() for line in said.splitlines() if line.strip().startswith("error: ")}
    assert done.returncode != 0 and message in error and "Traceback" not in said
    assert error.startswith("error: results/corpora/unclean/")
    left = {file.name for file in (built / "results/corpora/unclean").rglob("*") if file.is_file()}
    made = {f"000000000000.{kind}" for kind in ("parquet", "json", "jsonl")}
    assert left <= {unclean.name} | made and not {name for name in left if name[0] == "."}
    assert ("000000000000.parquet" in left) == ("the corpus is empty" in message)


def test_a_mistake_in_a_config_file_ends_snakemake_with_one_message_before_any_job(built: Path) -> None:
    with edited(built / "config/models/tiny.yaml", replaced("launch: cpu", "launch: gpu-99")):
        done = snakemake(built, "-n", "results/tiny/")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "config/models/tiny.yaml: launch: 'gpu-99': there is no such launch; expected one of cpu, gpu-16" in said
