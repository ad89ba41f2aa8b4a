"""Measure a checkpoint's loss and perplexity on the validation split."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.evaluation.perplexity import validation_loss


def main(
    checkpoint: Path,
    tokens: Path,
    step: int,
    sequence_length: int,
    output: Path,
    sequences: int = 0,
    batch: int = 8,
    threads: int = 2,
) -> None:
    """Measure validation loss.

    Args:
        checkpoint: The checkpoint's folder.
        tokens: Index of the validation split.
        step: Updates that the checkpoint has seen, for the record.
        sequence_length: Tokens in a sequence.
        output: The JSON file to write.
        sequences: How many sequences, evenly spread; 0 for all.
        batch: Sequences computed at once.
        threads: CPU threads.
    """
    result = {"step": step, **validation_loss(checkpoint, tokens, sequence_length, sequences, batch, threads)}
    write_text(output, orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    run(main)
