"""One update: the gradient of the mean loss over the global batch, exact for any number of processes, and the step."""

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import torch
from accelerate import Accelerator
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel, set_seed

from codeparrot.chance import draw
from codeparrot.pretraining.optimisation import TrainingSettings, schedule
from codeparrot.pretraining.parallel import gradients_kept_here
from codeparrot.tokens import TokenSplit, sequences_of_step

UPDATES_TO_A_LARGER_SCALE = 2000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What the loop works on."""

    accelerator: Accelerator
    settings: TrainingSettings
    split: TokenSplit
    model: PreTrainedModel
    loss_of: nn.Module
    optimizers: list[torch.optim.Optimizer]
    parameters: list[nn.Parameter]


def batches_ahead(run: Run, first: int, stop: int) -> Iterator[list[Tensor]]:
    """For each update from `first` to `stop`, this process's sequences as micro-batches of ids, read ahead in a thread."""
    accelerator, settings = run.accelerator, run.settings
    on_gpu = accelerator.device.type == "cuda"

    def read(step: int) -> list[Tensor]:
        numbers = sequences_of_step(len(run.split), settings.global_batch, settings.seed, step)
        mine = numbers[accelerator.process_index :: accelerator.num_processes]
        starts = range(0, len(mine), settings.device_batch)
        ids = [torch.from_numpy(run.split.batch(mine[start : start + settings.device_batch])) for start in starts]
        return [each.pin_memory() for each in ids] if on_gpu else ids

    with ThreadPoolExecutor(1) as pool:
        ahead = deque(pool.submit(read, step) for step in range(first, min(first + 2, stop)))
        for step in range(first + 2, stop + 2):
            ready = ahead.popleft().result()
            if step < stop:
                ahead.append(pool.submit(read, step))
            yield [ids.to(accelerator.device, non_blocking=True) for ids in ready]


def _accumulate(run: Run, batches: list[Tensor], step: int, scale: float) -> Tensor:
    """Sum the gradient of one update's mean loss, times `scale`; return this process's share of that mean."""
    settings, processes = run.settings, run.accelerator.num_processes
    terms = torch.tensor(float(settings.global_batch * (settings.sequence_length - 1)), device=run.accelerator.device)
    if settings.within_documents:
        end = run.model.config.eos_token_id
        counted = torch.stack([(ids[:, :-1] != end).sum() for ids in batches]).sum().float()
        terms = run.accelerator.reduce(counted, "sum")
    # Dropout is a function of (seed, update, process): a resumed run draws what an uninterrupted one would have.
    set_seed(draw(settings.seed, "dropout", str(step), str(run.accelerator.process_index)) % 2**32)
    total = torch.zeros((), device=run.accelerator.device)
    for number, ids in enumerate(batches, 1):
        with gradients_kept_here(run.loss_of, number < len(batches)):
            loss = run.loss_of(ids)
            # Wrappers average gradients over processes; the loss is a mean over all processes' tokens.
            (loss * (scale * processes / terms)).backward()
        total += loss.detach() / terms
    return total


def update(run: Run, batches: list[Tensor], step: int, scale: float) -> tuple[Tensor, Tensor, float]:
    """One update; return this process's share of the loss, the gradient's norm, and the loss scale.

    With fp16 an overflow halves the scale and repeats the update, so that no step, and no data, is ever skipped.
    """
    while True:
        loss = _accumulate(run, batches, step, scale or 1.0)
        gradients = [parameter.grad for parameter in run.parameters if parameter.grad is not None]
        if scale:
            torch._foreach_mul_(gradients, 1 / scale)
        norm = nn.utils.clip_grad_norm_(run.parameters, run.settings.clip)
        norm = norm.full_tensor() if isinstance(norm, DTensor) else norm
        if not scale or bool(norm.isfinite()) or scale < 2:
            break
        scale /= 2
        log.info("update %d: fp16 overflowed; repeated with the loss scale %g", step + 1, scale)
        run.model.zero_grad(set_to_none=True)
    for optimizer in run.optimizers:
        for group in optimizer.param_groups:
            group["lr"] = group["peak"] * schedule(step, run.settings)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
    return loss, norm, scale * 2 if scale and (step + 1) % UPDATES_TO_A_LARGER_SCALE == 0 else scale
