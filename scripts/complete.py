"""Complete one prompt by hand: python scripts/complete.py results/codeparrot-demo --prompt 'def add(a, b):'"""

import sys
from pathlib import Path

from codeparrot.command import run
from codeparrot.evaluation.completions import BATCH, CompletionSettings, block
from codeparrot.evaluation.generation import Request, Sampling, generate, load_generator


def main(
    folder: Path,
    prompt: str | None = None,
    samples: int = 1,
    whole: bool = False,
    sampling: Sampling = CompletionSettings().sampling,
) -> None:
    """Complete a prompt.

    Args:
        folder: A finished model's folder.
        prompt: Python to go on from; standard input where it is not given.
        samples: How many completions.
        whole: Show all that the model writes, not only up to the end of the block.
        sampling: How tokens are drawn.
    """
    text = sys.stdin.read() if prompt is None else prompt
    model, tokenizer = load_generator(folder, folder / "tokenizer.json")
    requests = [Request(text, ("by hand", str(number)), (), sampling) for number in range(samples)]
    written = dict(generate(model, tokenizer, requests, BATCH))
    for number in range(samples):
        found = written[number].text
        print(text + (found if whole else block(text, found)))
        if number + 1 < samples:
            print("=" * 80)


if __name__ == "__main__":
    run(main, as_positional=True)
