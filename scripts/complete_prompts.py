"""Complete the configured prompts with a checkpoint."""

from pathlib import Path

import torch

from codeparrot.command import run
from codeparrot.evaluation.completions import CompletionSettings, Prompt, complete_prompts
from codeparrot.evaluation.isolation import Isolation, Limits


def main(
    checkpoint: Path,
    tokenizer: Path,
    prompts: dict[str, Prompt],
    output: Path,
    settings: CompletionSettings = CompletionSettings(),
    limits: Limits = Limits(),
    isolation: Isolation = "isolated",
    threads: int = 2,
) -> None:
    """Complete prompts.

    Args:
        checkpoint: The checkpoint's folder.
        tokenizer: Its tokenizer.json.
        prompts: The prompts by name.
        output: The JSON file to write.
        settings: How they are completed.
        limits: What a completion may use where its prompt has a check.
        isolation: What it is kept in.
        threads: CPU threads.
    """
    torch.set_num_threads(threads)
    complete_prompts(checkpoint, tokenizer, prompts, settings, limits, isolation, output)


if __name__ == "__main__":
    run(main)
