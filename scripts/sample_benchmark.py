"""Sample completions of a part of a benchmark's problems from a checkpoint. Nothing is run here."""

from pathlib import Path

import torch

from codeparrot.command import run
from codeparrot.evaluation.samples import Backend, sample_part
from codeparrot.problems import BenchmarkSettings


def main(
    checkpoint: Path,
    tokenizer: Path,
    benchmark: str,
    settings: BenchmarkSettings,
    part: int,
    parts: int,
    batch: int,
    backend: Backend,
    output: Path,
    threads: int = 2,
) -> None:
    """Sample a benchmark.

    Args:
        checkpoint: The checkpoint's folder.
        tokenizer: Its tokenizer.json.
        benchmark: The benchmark's name.
        settings: What is sampled.
        part: Which part of the problems, from 0.
        parts: Into how many parts they are divided; this changes no sample.
        batch: Samples written at once; vLLM finds its own number.
        backend: What writes them; vllm has to be installed.
        output: The JSON-lines file to write.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    sample_part(checkpoint, tokenizer, benchmark, settings, part, parts, batch, backend, output)


if __name__ == "__main__":
    run(main)
