"""AdamW and its schedule: linear warm-up, then a cosine to zero, as the book's runs (GPT-3's recipe)."""

import math
from dataclasses import dataclass

import torch
from torch import nn

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16}


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained. Batches are counted in sequences over all processes, so they never depend on their number.

    Args:
        sequence_length: Tokens in a sequence.
        global_batch: Sequences in one update, over all processes and accumulation steps.
        device_batch: Sequences that one device computes at once.
        steps: Updates in the whole run; the cosine ends here.
        learning_rate: The peak.
        warmup_steps: Updates over which the rate rises linearly.
        weight_decay: For all parameters but biases and normalisation weights.
        beta1: AdamW's first moment decay.
        beta2: AdamW's second moment decay.
        clip: Largest norm of the gradient.
        precision: fp32, or bf16 for matrix products under autocast.
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
        log_every: Updates between two lines of metrics.
        seed: Seed of the order of the sequences and of dropout.
    """

    sequence_length: int
    global_batch: int
    device_batch: int
    steps: int
    learning_rate: float
    warmup_steps: int
    weight_decay: float = 0.1
    beta1: float = 0.9
    beta2: float = 0.999
    clip: float = 1.0
    precision: str = "bf16"
    gradient_checkpointing: bool = False
    log_every: int = 10
    seed: int = 1


def learning_rate(step: int, settings: TrainingSettings) -> float:
    """The rate of update `step` (from 0): never zero, the peak at the end of the warm-up, near zero at the last."""
    if step < settings.warmup_steps:
        return settings.learning_rate * ((step + 1) / settings.warmup_steps)
    done = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    return settings.learning_rate * 0.5 * (1 + math.cos(math.pi * done))


def parameter_groups(model: nn.Module, weight_decay: float) -> list[dict[str, object]]:
    """Two groups, by the type of the module that owns a parameter: biases and normalisation weights do not decay."""
    decayed: list[nn.Parameter] = []
    plain: list[nn.Parameter] = []
    seen: set[int] = set()
    for module in model.modules():
        is_norm = "Norm" in type(module).__name__
        for name, parameter in module.named_parameters(recurse=False):
            if id(parameter) not in seen:
                seen.add(id(parameter))
                (plain if is_norm or name == "bias" else decayed).append(parameter)
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": plain, "weight_decay": 0.0}]


def adamw(model: nn.Module, settings: TrainingSettings) -> torch.optim.AdamW:
    """AdamW over the groups of `model`."""
    groups = parameter_groups(model, settings.weight_decay)
    return torch.optim.AdamW(groups, lr=settings.learning_rate, betas=(settings.beta1, settings.beta2), eps=1e-8, fused=True)
