"""A tiny model: its config files, what a dry run of it lists, and edits of a file for the length of a block."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.conftest import snakemake

MODEL = """corpus: tiny
tokenizer: tiny
architecture: {model_type: gpt2, n_positions: 32, n_embd: 16, n_layer: 1, n_head: 2}
launch: cpu
training:
  sequence_length: 32
  global_batch: 4
  device_batch: 2
  steps: 5
  checkpoint_every: 3
  learning_rate: 1.0e-3  # a comment
  warmup_steps: 2
  precision: fp32
  log_every: 1
evaluation:
  sequences: 20
  benchmarks:
    humaneval: {problems: 3, samples: 2, temperatures: [0.2, 0.8], max_new_tokens: 4, parts: 2}
  completions: {samples: 1, sampling: {max_new_tokens: 4}}
"""


def planned(folder: Path, target: str = "results/tiny/") -> set[str]:
    """The rules that a dry run of the tiny model, or another target, would run."""
    done = snakemake(folder, "-n", target)
    assert done.returncode == 0, done.stdout + done.stderr
    output = done.stdout + done.stderr
    if "Nothing to be done" in output:
        return set()
    table = output[output.index("Job stats:") :]
    return set(re.findall(r"^(\w+) +\d+$", table, re.MULTILINE)) - {"total"}


@contextmanager
def edited(file: Path, change: Callable[[str], str]) -> Iterator[None]:
    """Change a file for the length of a block."""
    before = file.read_text()
    after = change(before)
    assert after != before, f"the edit of {file} changes nothing"
    file.write_text(after)
    try:
        yield
    finally:
        file.write_text(before)


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)
