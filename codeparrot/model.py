"""The model: an architecture from the config, and seeded initial weights."""

from pathlib import Path
from typing import Any

import torch
from transformers import AutoConfig, AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel, set_seed
from transformers.utils import logging

from codeparrot.errors import PipelineError

# Its bars redraw one line, which a log file shows as noise.
logging.disable_progress_bar()


def parameter_count(model: torch.nn.Module) -> int:
    """The number of parameters, tied weights once."""
    return sum(parameter.numel() for parameter in model.parameters())


def architecture(settings: dict[str, Any], vocabulary: int, end_of_text: int) -> PreTrainedConfig:
    """A transformers config of `settings['model_type']`, with vocabulary and end token of its tokenizer.

    GPT-2's own default ids for the start and end token lie outside a vocabulary of 32,768, so they are always set.
    Raises PipelineError for a key that the architecture does not have.
    """
    kind = settings["model_type"]
    options = {key: value for key, value in settings.items() if key != "model_type"}
    known = AutoConfig.for_model(kind).to_dict()
    for key in options:
        if key not in known:
            raise PipelineError(f"architecture: {key}: not a setting of model_type {kind}; it has {', '.join(sorted(known))}")
    return AutoConfig.for_model(
        kind, **options, vocab_size=vocabulary, bos_token_id=end_of_text, eos_token_id=end_of_text, use_cache=True
    )


def initialised_model(config: PreTrainedConfig, seed: int) -> PreTrainedModel:
    """The model with random weights that depend on config and seed alone."""
    set_seed(seed)
    model: PreTrainedModel = AutoModelForCausalLM.from_config(config)
    return model


def load_model(folder: Path) -> PreTrainedModel:
    """The model of a checkpoint folder, from safetensors only; nothing in the folder is executed."""
    if not (folder / "config.json").is_file() or not (folder / "model.safetensors").is_file():
        raise PipelineError(f"{folder}: no config.json and model.safetensors in it; expected a checkpoint folder")
    model: PreTrainedModel = AutoModelForCausalLM.from_pretrained(folder, use_safetensors=True, dtype=torch.float32)
    return model
