"""The architecture from the config."""

from typing import Any

import torch
from transformers import AutoConfig, PreTrainedConfig

from codeparrot.errors import PipelineError


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
