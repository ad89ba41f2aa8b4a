"""Complete the configured prompts with a checkpoint."""

from pathlib import Path

import torch

from codeparrot.command import run
from codeparrot.evaluation import completions
from codeparrot.evaluation.generation import Sampling


def main(checkpoint: Path, tokenizer: Path, prompts: dict[str, str], sampling: Sampling, output: Path, threads: int = 2) -> None:
    """Complete prompts.

    Args:
        checkpoint: The checkpoint's folder.
        tokenizer: Its tokenizer.json.
        prompts: The prompts by name.
        sampling: How tokens are drawn.
        output: The JSON file to write.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    completions.complete_prompts(checkpoint, tokenizer, prompts, sampling, output)


if __name__ == "__main__":
    run(main)
