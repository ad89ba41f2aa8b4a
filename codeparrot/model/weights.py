"""A model's weights: seeded ones to begin with, and those of a checkpoint folder."""

from pathlib import Path

import torch
from transformers import AutoModelForCausalLM, PreTrainedConfig, PreTrainedModel, set_seed
from transformers.utils import logging

from codeparrot.errors import PipelineError

# Its bars redraw one line, which a log file shows as noise.
logging.disable_progress_bar()


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
