"""Measure a checkpoint's loss and perplexity on the validation split.

On several GPUs: python scripts/launch.py config/accelerate/gpu-8.yaml scripts/validate_checkpoint.py …
"""

from pathlib import Path

import orjson
from accelerate import PartialState

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.evaluation.perplexity import spellings, validation_loss
from codeparrot.tokenizer.encoding import Encoder
from codeparrot.tokenizer.training import END_OF_TEXT


def main(
    checkpoint: Path,
    tokens: Path,
    tokenizer: Path,
    step: int,
    sequence_length: int,
    sequences: int,
    batch: int,
    output: Path,
    threads: int = 2,
) -> None:
    """Measure validation loss.

    Args:
        checkpoint: The checkpoint's folder.
        tokens: Index of the validation split.
        tokenizer: The tokenizer.json of both.
        step: Updates that the checkpoint has seen, for the record.
        sequence_length: Tokens in a sequence.
        sequences: How many sequences, evenly spread; 0 for all.
        batch: Sequences computed at once.
        output: The JSON file to write.
        threads: CPU threads.
    """
    spelled = spellings(tokenizer)
    end_token = Encoder(tokenizer, 1).id_of(END_OF_TEXT)
    found = validation_loss(checkpoint, tokens, sequence_length, sequences, batch, threads, spelled, end_token)
    if PartialState().is_main_process:
        write_text(output, orjson.dumps({"step": step, **found}, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    run(main)
