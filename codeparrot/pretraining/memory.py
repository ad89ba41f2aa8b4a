"""How much memory a training step needs, so that what cannot fit is refused before it starts, with what would fit."""

from dataclasses import replace

import psutil
import torch
from transformers import PreTrainedConfig

from codeparrot.errors import PipelineError
from codeparrot.pretraining.loss import CHUNK
from codeparrot.pretraining.optimisation import TrainingSettings


def needed(parameters: int, config: PreTrainedConfig, settings: TrainingSettings, processes: int) -> int:
    """Bytes that one process's step holds at its peak, from below: weights, gradients, moments, activations, one chunk of logits.

    Activations of a block follow Korthikanti et al. 2022, equation 1, without the attention scores, which flash kernels
    never hold: 34 bytes for every token and unit of width in 16 bits, twice that in float32; with gradient checkpointing
    only a block's float32 input stays, and one block is whole at a time.
    """
    shards = processes if settings.sharding == "full" else 1
    moments = 4 if settings.optimizer == "muon" else 8
    fixed = parameters * (4 + 4 + moments) // shards
    tokens = settings.device_batch * settings.sequence_length
    block = tokens * config.hidden_size * (68 if settings.precision == "fp32" else 34)
    inputs = tokens * config.hidden_size * 4
    layers = config.num_hidden_layers
    activations = block + layers * inputs if settings.gradient_checkpointing else layers * block
    logits = CHUNK * config.vocab_size * 8
    return int(fixed + activations + logits)


def available(device: torch.device) -> int:
    """Bytes that this process can still take on `device`."""
    if device.type == "cuda":
        return int(torch.cuda.mem_get_info(device)[0])
    return int(psutil.virtual_memory().available)


def advice(parameters: int, config: PreTrainedConfig, settings: TrainingSettings, processes: int, free: int) -> str:
    """The settings that would fit into `free` bytes, with the least change of speed first."""
    batches = sorted({settings.device_batch // 2**halvings for halvings in range(1, 12)} - {0}, reverse=True)
    sharded = replace(settings, sharding="full")
    choices = [
        *(replace(settings, device_batch=batch) for batch in batches),
        replace(settings, gradient_checkpointing=True),
        replace(settings, gradient_checkpointing=True, device_batch=1),
        sharded,
        replace(sharded, gradient_checkpointing=True, device_batch=1),
    ]
    for choice in choices:
        if needed(parameters, config, choice, processes) <= free:
            names = ("device_batch", "gradient_checkpointing", "sharding")
            changed = [name for name in names if getattr(choice, name) != getattr(settings, name)]
            return "; this would fit: " + ", ".join(f"{name}: {str(getattr(choice, name)).lower()}" for name in changed)
    return "; no setting fits: train it on more or larger devices with sharding: full"


def check_memory(
    parameters: int, config: PreTrainedConfig, settings: TrainingSettings, processes: int, device: torch.device
) -> None:
    """Raise PipelineError, with what would fit, where a step needs more than the device has left."""
    free, wanted = available(device), needed(parameters, config, settings, processes)
    if wanted > free:
        raise PipelineError(
            f"training: device_batch: {settings.device_batch}: a step needs at least {wanted / 2**30:.1f} GiB, {device} has "
            f"{free / 2**30:.1f} GiB left{advice(parameters, config, settings, processes, free)}"
        )
