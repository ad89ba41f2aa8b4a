"""Sample completions of HumanEval's problems from a checkpoint. Nothing is run here."""

from pathlib import Path

import torch

from codeparrot.command import run
from codeparrot.evaluation.humaneval import HumanEvalSettings, sample_problems


def main(checkpoint: Path, tokenizer: Path, settings: HumanEvalSettings, output: Path, threads: int = 2) -> None:
    """Sample HumanEval.

    Args:
        checkpoint: The checkpoint's folder.
        tokenizer: Its tokenizer.json.
        settings: Problems, samples and sampling.
        output: The JSON-lines file to write.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    sample_problems(checkpoint, tokenizer, settings, output)


if __name__ == "__main__":
    run(main)
