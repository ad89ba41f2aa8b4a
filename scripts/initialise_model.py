"""Make a model with seeded random weights."""

import logging
from pathlib import Path
from typing import Any

from tokenizers import Tokenizer

from codeparrot.atomic import written_beside
from codeparrot.command import run
from codeparrot.errors import PipelineError
from codeparrot.model.architecture import architecture as transformers_config
from codeparrot.model.architecture import parameter_count
from codeparrot.model.weights import initialised_model
from codeparrot.pretraining.state import TrainingState, write_state
from codeparrot.tokenizer.training import END_OF_TEXT, tokenizer_digest


def main(tokenizer: Path, architecture: dict[str, Any], seed: int, output: Path) -> None:
    """Make a model with seeded random weights.

    Args:
        tokenizer: The tokenizer.json that gives vocabulary and end token.
        architecture: model_type and settings of a transformers config.
        seed: Seed of the weights.
        output: The folder to write.
    """
    loaded = Tokenizer.from_file(str(tokenizer))
    end = loaded.token_to_id(END_OF_TEXT)
    if end is None:
        raise PipelineError(f"{tokenizer}: no token {END_OF_TEXT}; train it with this pipeline")
    config = transformers_config(architecture, loaded.get_vocab_size(), end)
    made = initialised_model(config, seed)
    logging.info("%d parameters", parameter_count(made))
    with written_beside(output) as beside:
        made.save_pretrained(beside)
        write_state(beside, TrainingState(0, tokenizer_digest(tokenizer), {}))


if __name__ == "__main__":
    run(main)
