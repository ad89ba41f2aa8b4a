"""One update: the gradient of the mean loss over the global batch, exact for any number of processes, and the step."""

import logging
from collections import deque
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count

import numpy as np
import torch
from accelerate import Accelerator
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.distributed.tensor import DTensor
from transformers import PreTrainedModel, set_seed

from codeparrot.chance import draw
from codeparrot.pretraining.optimisation import TrainingSettings, schedule
from codeparrot.pretraining.parallel import gradients_kept_here
from codeparrot.tokens.packed import TokenSplit, sequences_of_step
from codeparrot.tokens.streamed import Position, TextStream

UPDATES_TO_A_LARGER_SCALE = 2000
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Run:
    """What the loop works on."""

    accelerator: Accelerator
    settings: TrainingSettings
    sequences: Iterator[tuple[NDArray[np.int64], Position]]
    model: PreTrainedModel
    loss_of: nn.Module
    optimizers: list[torch.optim.Optimizer]
    parameters: list[nn.Parameter]


def packed_sequences(
    split: TokenSplit, settings: TrainingSettings, first: int, accelerator: Accelerator
) -> Iterator[tuple[NDArray[np.int64], Position]]:
    """From update `first` on, this process's sequences of each update, shape (global_batch / processes, length)."""
    for step in count(first):
        numbers = sequences_of_step(len(split), settings.global_batch, settings.seed, step)
        yield split.batch(numbers[accelerator.process_index :: accelerator.num_processes]), Position()


def streamed_sequences(
    stream: TextStream, settings: TrainingSettings, position: Position, accelerator: Accelerator
) -> Iterator[tuple[NDArray[np.int64], Position]]:
    """From `position` on, this process's sequences of each update and the stream's position after it.

    Every process reads and tokenises the whole stream, so that its order does not depend on their number.
    """
    for ids, after in stream.batches(settings.global_batch, position):
        yield ids[accelerator.process_index :: accelerator.num_processes], after


def batches_ahead(run: Run, updates: int) -> Iterator[tuple[list[Tensor], Position]]:
    """For each of so many updates, this process's sequences as micro-batches of ids, read ahead in a thread, and the
    position in the data after them."""
    device, size = run.accelerator.device, run.settings.device_batch

    def read() -> tuple[list[Tensor], Position]:
        rows, position = next(run.sequences)
        ids = [torch.from_numpy(rows[start : start + size]) for start in range(0, len(rows), size)]
        return [each.pin_memory() for each in ids] if device.type == "cuda" else ids, position

    with ThreadPoolExecutor(1) as pool:
        ahead = deque(pool.submit(read) for _ in range(min(2, updates)))
        for number in range(updates):
            ready, position = ahead.popleft().result()
            if number + 2 < updates:
                ahead.append(pool.submit(read))
            yield [ids.to(device, non_blocking=True) for ids in ready], position


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
