"""How long Snakemake's plan of codeparrot-xl takes, by the number of raw shards.

python benchmarks/plan.py
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


def main(shards: tuple[int, ...] = (4, 184, 500, 1000, 2000), target: str = "results/codeparrot-xl/") -> None:
    """Time `snakemake -n`.

    Args:
        shards: Numbers of raw shards.
        target: What is planned.
    """
    with tempfile.TemporaryDirectory() as place:
        for part in PARTS:
            copy = shutil.copytree if Path(part).is_dir() else shutil.copy
            copy(part, Path(place, part))
        corpus = Path(place, "config/corpora/demo.yaml")
        text = corpus.read_text(encoding="utf-8")
        for number in shards:
            corpus.write_text(re.sub(r"shards: \d+", f"shards: {number}", text), encoding="utf-8")
            start = time.monotonic()
            command = [str(Path(sys.executable).parent / "snakemake"), "-n", target, "--quiet", "rules"]
            done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
            seconds = time.monotonic() - start
            jobs = re.search(r"^total +(\d+)$", done.stdout + done.stderr, re.MULTILINE)
            if not jobs:
                sys.exit(done.stderr)
            print(f"{number:6} shards, {int(jobs[1]):6,} jobs: {seconds:5.1f} s", flush=True)


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
