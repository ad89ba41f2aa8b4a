"""One link of the chain: from one checkpoint to the next. The chapter's training loop, exact for any number of processes."""

import contextlib
import logging
import math
import os
import time
from pathlib import Path

import numpy as np
import torch
from accelerate import Accelerator
from torch import Tensor, nn
from transformers import PreTrainedModel, set_seed

from codeparrot.chance import draw
from codeparrot.errors import PipelineError
from codeparrot.model import load_model
from codeparrot.pretraining.checkpoint import load_optimizer, save_checkpoint
from codeparrot.pretraining.loss import summed_loss
from codeparrot.pretraining.optimisation import PRECISIONS, TrainingSettings, adamw, learning_rate
from codeparrot.progress import clock
from codeparrot.tokens import TokenSplit, sequences_of_step

log = logging.getLogger(__name__)


class NextTokenLoss(nn.Module):
    """The model with its loss as output, so that data-parallel wrappers see one forward pass."""

    def __init__(self, model: PreTrainedModel, precision: str) -> None:
        super().__init__()
        self.model = model
        self.precision = PRECISIONS[precision]

    def forward(self, ids: Tensor) -> Tensor:
        """The summed loss in nats of ids of shape (batch, length)."""
        with torch.autocast(ids.device.type, self.precision, enabled=self.precision != torch.float32):
            hidden = self.model.base_model(ids, use_cache=False).last_hidden_state
        head = self.model.get_output_embeddings().weight
        return summed_loss(hidden.float(), head, ids, self.precision)


def _check(settings: TrainingSettings, split: TokenSplit, positions: int, processes: int) -> None:
    if settings.global_batch % processes:
        raise PipelineError(
            f"training: global_batch: {settings.global_batch}: {processes} processes do not divide it; "
            "change it or the number of processes"
        )
    if settings.sequence_length > positions:
        raise PipelineError(
            f"training: sequence_length: {settings.sequence_length}: the model has {positions} positions; "
            "shorten it or raise n_positions under architecture:"
        )
    if len(split) < settings.global_batch:
        raise PipelineError(
            f"training: global_batch: {settings.global_batch}: the training split has only {len(split)} sequences of "
            f"{settings.sequence_length}; lower the batch or give the corpus more files"
        )


def _update(accelerator: Accelerator, loss_of: nn.Module, split: TokenSplit, settings: TrainingSettings, step: int) -> Tensor:
    """Accumulate the gradient of one update; return the mean loss over this process's tokens times its share."""
    numbers = sequences_of_step(len(split), settings.global_batch, settings.seed, step)
    mine = numbers[accelerator.process_index :: accelerator.num_processes]
    tokens = settings.global_batch * (settings.sequence_length - 1)
    # Dropout is a function of (seed, update, process): a resumed run draws what an uninterrupted one would have.
    set_seed(draw(settings.seed, "dropout", str(step), str(accelerator.process_index)) % 2**32)
    total = torch.zeros((), device=accelerator.device)
    starts = range(0, len(mine), settings.device_batch)
    for start in starts:
        rows = np.stack([split.sequence(int(number)) for number in mine[start : start + settings.device_batch]])
        ids = torch.from_numpy(rows).to(accelerator.device, non_blocking=True)
        last = start == starts[-1]
        with contextlib.nullcontext() if last else accelerator.no_sync(loss_of):
            # Wrappers average gradients over processes; the loss is a mean over all processes' tokens.
            loss = loss_of(ids) * (accelerator.num_processes / tokens)
            loss.backward()
        total += loss.detach() / accelerator.num_processes
    return total


def train_link(begin: Path, end: Path, tokens: Path, settings: TrainingSettings, to_step: int, threads: int) -> None:
    """Train from the checkpoint `begin` to update `to_step` and write the checkpoint `end`.

    Args:
        begin: Checkpoint or initial weights to start from.
        end: Folder of the new checkpoint.
        tokens: Index of the training split.
        settings: The whole run's settings.
        to_step: Updates done at the end of this link.
        threads: CPU threads of this process.

    Raises PipelineError before the first update where settings, tokens and model do not fit, and when the loss is no
    longer a number.
    """
    torch.set_num_threads(threads)
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    accelerator = Accelerator()
    model = load_model(begin)
    split = TokenSplit(tokens, settings.sequence_length)
    _check(settings, split, model.config.max_position_embeddings, accelerator.num_processes)
    model.train()
    if settings.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    model.to(accelerator.device)
    optimizer = adamw(model, settings)
    step, metrics = load_optimizer(begin, model, optimizer)
    if step >= to_step:
        raise PipelineError(f"{begin}: {step} updates are done already, expected fewer than {to_step}")
    loss_of = accelerator.prepare_model(NextTokenLoss(model, settings.precision))
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]

    first, start, logged = step, time.monotonic(), time.monotonic()
    losses: list[Tensor] = []
    update_tokens = settings.global_batch * settings.sequence_length
    while step < to_step:
        rate = learning_rate(step, settings)
        for group in optimizer.param_groups:
            group["lr"] = rate
        losses.append(_update(accelerator, loss_of, split, settings, step))
        norm = nn.utils.clip_grad_norm_(parameters, settings.clip)
        optimizer.step()
        optimizer.zero_grad(set_to_none=True)
        step += 1
        if step % settings.log_every and step != to_step:
            continue
        loss = float(accelerator.reduce(torch.stack(losses).mean(), "sum"))
        if not math.isfinite(loss):
            raise PipelineError(f"the loss is {loss} at update {step}; the last good state is {begin}; lower learning_rate")
        now = time.monotonic()
        speed = len(losses) * update_tokens / (now - logged)
        line: dict[str, float] = {
            "step": step,
            "tokens": step * update_tokens,
            "loss": round(loss, 6),
            "learning_rate": rate,
            "gradient_norm": round(float(norm), 6),
            "tokens_per_second": round(speed, 1),
        }
        metrics.append(line)
        left = clock((to_step - step) * (now - start) / (step - first))
        if accelerator.is_main_process:
            log.info(
                "update %d of %d: loss %.4f, rate %.2e, %.0f tokens a second, %s left", step, to_step, loss, rate, speed, left
            )
        losses, logged = [], now
    accelerator.wait_for_everyone()
    if accelerator.is_main_process:
        save_checkpoint(end, model, optimizer, step, metrics)
    accelerator.wait_for_everyone()
