"""The optimiser and its schedule: AdamW with linear warm-up and a cosine to zero, as the book's runs (GPT-3's recipe); or
Muon for the hidden matrices beside it."""

import math
from dataclasses import dataclass

import torch
from torch import nn
from transformers import PreTrainedModel

from codeparrot.errors import PipelineError

PRECISIONS = {"fp32": torch.float32, "bf16": torch.bfloat16, "fp16": torch.float16}


@dataclass(frozen=True)
class TrainingSettings:
    """How a model is trained. Batches are counted in sequences over all processes, so they never depend on their number.

    Args:
        sequence_length: Tokens in a sequence.
        global_batch: Sequences in one update, over all processes and accumulation steps.
        device_batch: Sequences that one device computes at once.
        steps: Updates in the whole run; the schedule ends here.
        learning_rate: The peak.
        warmup_steps: Updates over which the rate rises linearly.
        weight_decay: For all parameters but biases and normalisation weights.
        optimizer: adamw; or muon for the hidden matrices, with AdamW for the rest.
        muon_learning_rate: Muon's peak, in AdamW's units (its updates are scaled to AdamW's size).
        beta1: AdamW's first moment decay.
        beta2: AdamW's second moment decay.
        epsilon: AdamW's epsilon.
        clip: Largest norm of the gradient.
        precision: fp32; or bf16 or fp16 (with a loss scale) for matrix products under autocast.
        sharding: none: every process holds the model; full: weights, gradients and moments are divided among them (FSDP).
        gradient_checkpointing: Recompute activations in the backward pass to save memory.
        compile: Compile the model's blocks (torch.compile).
        within_documents: Attention does not cross document boundaries, and no token is predicted from another document.
        spike: A mean loss that exceeds the lowest so far by more nats stops the run.
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
    optimizer: str = "adamw"
    muon_learning_rate: float = 2e-3
    beta1: float = 0.9
    beta2: float = 0.999
    epsilon: float = 1e-8
    clip: float = 1.0
    precision: str = "bf16"
    sharding: str = "none"
    gradient_checkpointing: bool = False
    compile: bool = False
    within_documents: bool = False
    spike: float = 3.0
    log_every: int = 10
    seed: int = 1


def has_bfloat16(device: torch.device) -> bool:
    """Whether a device has instructions for bfloat16, or kernels that come near them (AVX-512)."""
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    return torch.backends.mkldnn.is_available() and bool(torch.ops.mkldnn._is_mkldnn_bf16_supported())  # type: ignore[no-untyped-call]


def check_precision(precision: str, device: torch.device) -> None:
    """Raise PipelineError where bfloat16 is asked of a device that has none.

    The demo model trained at 64 tokens a second in bf16 and at 1,550 in fp32 on a CPU with AVX2 alone (torch 2.13).
    """
    if precision != "bf16" or has_bfloat16(device):
        return
    if device.type == "cuda":
        raise PipelineError(f"training: precision: 'bf16': {torch.cuda.get_device_name()} has none; use fp16")
    raise PipelineError("training: precision: 'bf16': this CPU has none, and takes twenty times as long as in fp32; use fp32")


def schedule(step: int, settings: TrainingSettings) -> float:
    """The share of the peak rate in update `step` (from 0): never zero, 1 at the end of the warm-up, near zero at the last."""
    if step < settings.warmup_steps:
        return (step + 1) / settings.warmup_steps
    done = (step - settings.warmup_steps) / max(1, settings.steps - settings.warmup_steps)
    return 0.5 * (1 + math.cos(math.pi * done))


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


def blocks(model: PreTrainedModel) -> nn.ModuleList:
    """The transformer's blocks, whatever the architecture calls them."""
    return next(
        module
        for module in model.base_model.children()
        if isinstance(module, nn.ModuleList) and len(module) == model.config.num_hidden_layers
    )


def optimizers(model: PreTrainedModel, settings: TrainingSettings) -> list[torch.optim.Optimizer]:
    """AdamW over the groups of `model`; with muon, Muon (torch.optim, Moonshot's scaling) over its blocks' matrices first."""
    groups = parameter_groups(model, settings.weight_decay)
    made: list[torch.optim.Optimizer] = []
    if settings.optimizer == "muon":
        hidden = {id(each) for each in blocks(model).parameters() if each.dim() == 2}
        matrices = [each for group in groups for each in group["params"] if id(each) in hidden]  # type: ignore[attr-defined]
        for group in groups:
            group["params"] = [each for each in group["params"] if id(each) not in hidden]  # type: ignore[attr-defined]
        made.append(
            torch.optim.Muon(
                matrices,
                lr=settings.muon_learning_rate,
                weight_decay=settings.weight_decay,
                adjust_lr_fn="match_rms_adamw",
            )
        )
    betas = (settings.beta1, settings.beta2)
    made.append(torch.optim.AdamW(groups, lr=settings.learning_rate, betas=betas, eps=settings.epsilon, fused=True))
    for optimizer in made:
        for group in optimizer.param_groups:
            group["peak"] = group["lr"]
    return made
