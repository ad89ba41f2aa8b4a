"""How long Snakemake's plan of codeparrot-xl takes, by the number of raw shards, beside that of an empty graph.

    python benchmarks/plan.py

The empty graph has six stages with the same fan-out (raw, clean, 16 bands, clusters, pack, ten checkpoints) and rules
without resources, settings or logs: what Snakemake itself takes.
"""

import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from jsonargparse import auto_cli

PARTS = ("Snakefile", "requirements.lock", "codeparrot", "config", "envs", "profiles", "rules", "scripts")
EMPTY = """
shards = [f"{number:06d}" for number in range(int(config["shards"]))]
rule raw:
    output: "raw/{shard}"
    shell: "touch {output}"
rule clean:
    input: "raw/{shard}"
    output: "clean/{shard}"
    shell: "touch {output}"
rule bands:
    input: expand("clean/{shard}", shard=shards)
    output: "bands/{band}"
    shell: "touch {output}"
rule clusters:
    input: expand("bands/{band}", band=range(16))
    output: "clusters"
    shell: "touch {output}"
rule pack:
    input: "clean/{shard}", "clusters"
    output: "pack/{shard}"
    shell: "touch {output}"
rule first:
    input: expand("pack/{shard}", shard=shards)
    output: "checkpoints/0"
    shell: "touch {output}"
rule link:
    input: lambda w: f"checkpoints/{int(w.step) - 1}"
    output: "checkpoints/{step,[1-9][0-9]*}"
    shell: "touch {output}"
"""


def planned(folder: Path, *arguments: str) -> tuple[float, int]:
    """Seconds of a dry run in `folder`, and its jobs."""
    start = time.monotonic()
    command = [str(Path(sys.executable).parent / "snakemake"), "-n", *arguments, "--quiet", "rules"]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, check=False)
    seconds = time.monotonic() - start
    jobs = re.search(r"^total +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
    if not jobs:
        sys.exit(done.stderr)
    return seconds, int(jobs[1])


def main(shards: tuple[int, ...] = (4, 184, 500, 1000, 2000), target: str = "results/codeparrot-xl/", repeats: int = 2) -> None:
    """Time `snakemake -n`.

    Args:
        shards: Numbers of raw shards.
        target: What is planned.
        repeats: How often each graph is planned, in turns; the fastest counts.
    """
    with tempfile.TemporaryDirectory() as place:
        ours, empty = Path(place, "ours"), Path(place, "empty")
        ours.mkdir()
        empty.mkdir()
        for part in PARTS:
            copy = shutil.copytree if Path(part).is_dir() else shutil.copy
            copy(part, ours / part)
        (empty / "Snakefile").write_text(EMPTY, encoding="utf-8")
        corpus = ours / "config/corpora/demo.yaml"
        text = corpus.read_text(encoding="utf-8")
        for number in shards:
            corpus.write_text(re.sub(r"shards: \d+", f"shards: {number}", text), encoding="utf-8")
            runs = [
                (planned(ours, target), planned(empty, "checkpoints/10", "--config", f"shards={number}")) for _ in range(repeats)
            ]
            (own, jobs), (base, others) = (min(run[way] for run in runs) for way in (0, 1))
            print(f"{number:6} shards, {jobs:6,} jobs: {own:5.1f} s; empty, {others:6,} jobs: {base:5.1f} s", flush=True)


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
