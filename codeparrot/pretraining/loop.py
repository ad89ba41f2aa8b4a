"""One link of the chain: from one checkpoint to the next. The chapter's training loop, made exact and resumable."""

import hashlib
import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import asdict, dataclass
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import orjson
import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, ProjectConfiguration, broadcast_object_list
from numpy.typing import NDArray
from transformers import PreTrainedModel

from codeparrot.allocation import keep_freed_memory
from codeparrot.errors import Interrupted, PipelineError
from codeparrot.model import load_model, parameter_count
from codeparrot.pretraining.checkpoint import RollingState, load_optimizers, save_checkpoint
from codeparrot.pretraining.history import History
from codeparrot.pretraining.interruption import Agreement, signals_noted
from codeparrot.pretraining.lock import held
from codeparrot.pretraining.memory import advice, available, check_memory
from codeparrot.pretraining.metrics import append_metrics, flops_per_token, read_metrics, write_metrics
from codeparrot.pretraining.optimisation import TrainingSettings, check_precision, optimizers, schedule
from codeparrot.pretraining.parallel import NextTokenLoss, spread
from codeparrot.pretraining.state import TrainingState, check_tokenizer, read_state
from codeparrot.pretraining.update import Run, batches_ahead, packed_sequences, streamed_sequences, update
from codeparrot.progress import clock
from codeparrot.staleness import file_digest
from codeparrot.streaming import Position, TextStream
from codeparrot.tokenizer.training import tokenizer_digest
from codeparrot.tokens import TokenSplit

FIRST_LOSS_SCALE = 2.0**16
log = logging.getLogger(__name__)


@dataclass(frozen=True)
class TrainingData:
    """What is trained on: packed tokens, or texts that are tokenised while they are read.

    Args:
        index: Index of the training split's packed tokens.
        texts: Instead: parquet or gzip JSON-lines files with a column `content`: paths, globs, or URLs (hf://, https://).
        tokenizer: The tokenizer.json for the texts.
    """

    index: Path | None = None
    texts: Sequence[str] = ()
    tokenizer: Path | None = None

    def __post_init__(self) -> None:
        if (self.index is None) != bool(self.texts and self.tokenizer):
            raise PipelineError("data: expected an index of packed tokens, or texts with their tokenizer")


@dataclass(frozen=True)
class Link:
    """One link: the checkpoint or initial weights that it begins with, the folder it ends in, what it is trained on, the
    updates done at its end, and a digest of the code that trains it."""

    begin: Path
    end: Path
    data: TrainingData
    to_step: int
    code: str

    def fingerprint(self, settings: TrainingSettings) -> str:
        """What a rolling state depends on: settings, code, data and the checkpoint that the link begins with."""
        known = [self.data.index or self.data.tokenizer, self.begin / "state.json", self.begin / "model.safetensors"]
        digests = [file_digest(file) for file in known if file]
        parts = [orjson.dumps(asdict(settings)).decode(), self.code, *self.data.texts, *digests]
        return hashlib.sha256("\n".join(parts).encode()).hexdigest()


@dataclass(frozen=True)
class Observation:
    """How a run is watched and saved; it changes no weight.

    Args:
        logs: Folder of a log file for each process and TensorBoard's events; none where it is not given.
        trackers: accelerate's names of further trackers (wandb, trackio).
        save_minutes: Minutes between two rolling states.
    """

    logs: Path | None = None
    trackers: Sequence[str] = ()
    save_minutes: float = 10.0


def _check(settings: TrainingSettings, model: PreTrainedModel, state: TrainingState, link: Link) -> None:
    if state.step >= link.to_step:
        raise PipelineError(f"{link.begin}: {state.step} updates are done already, expected fewer than {link.to_step}")
    for key, value in asdict(settings).items():
        if state.training and state.training.get(key) != value:
            raise PipelineError(
                f"training: {key}: {value!r}, but {link.begin} was trained with {state.training.get(key)!r}; use the same "
                "settings, or start from the initial weights"
            )
    if settings.sequence_length > model.config.max_position_embeddings:
        raise PipelineError(
            f"training: sequence_length: {settings.sequence_length}: the model has {model.config.max_position_embeddings} "
            "positions; shorten it or raise the model's positions under architecture:"
        )


def _sequences(
    accelerator: Accelerator, link: Link, settings: TrainingSettings, state: TrainingState
) -> Iterator[tuple[NDArray[np.int64], Position]]:
    """This process's sequences of each update from `state` on; PipelineError where they are not this model's, or too few."""
    data = link.data
    if data.tokenizer:
        check_tokenizer(state, link.begin, data.tokenizer, tokenizer_digest(data.tokenizer))
        stream = TextStream(data.texts, data.tokenizer, settings.sequence_length, settings.seed)
        return streamed_sequences(stream, settings, Position(**state.position), accelerator)
    assert data.index
    split = TokenSplit(data.index, settings.sequence_length)
    check_tokenizer(state, link.begin, data.index, split.tokenizer_sha256)
    if len(split) < settings.global_batch:
        raise PipelineError(
            f"training: global_batch: {settings.global_batch}: the training split has only {len(split)} sequences of "
            f"{settings.sequence_length}; lower the batch or give the corpus more files"
        )
    return packed_sequences(split, settings, state.step, accelerator)


def prepare(accelerator: Accelerator, link: Link, start: Path, settings: TrainingSettings) -> Run:
    """Load model and optimisers from `start` and spread them over the processes; PipelineError where things do not fit."""
    processes = accelerator.num_processes
    if settings.global_batch % processes:
        raise PipelineError(
            f"training: global_batch: {settings.global_batch}: {processes} processes do not divide it; "
            "change it or the number of processes"
        )
    check_precision(settings.precision, accelerator.device)
    state = read_state(start)
    sequences = _sequences(accelerator, link, settings, state)
    model = load_model(start)
    _check(settings, model, state, link)
    check_memory(parameter_count(model), model.config, settings, processes, accelerator.device)
    model.train()
    loss_of = spread(NextTokenLoss(model, settings), accelerator, settings)
    made = optimizers(model, settings)
    if state.step:
        load_optimizers(start, model, made)
    parameters = [parameter for optimizer in made for group in optimizer.param_groups for parameter in group["params"]]
    return Run(accelerator, settings, sequences, model, loss_of, made, parameters)


@contextmanager
def _logged_to(folder: Path | None, rank: int) -> Iterator[None]:
    """Copy this process's log to a file of its own; processes other than the first print warnings only."""
    root = logging.getLogger()
    if rank:
        for handler in root.handlers:
            handler.setLevel(logging.WARNING)
    if folder is None:
        yield
        return
    folder.mkdir(parents=True, exist_ok=True)
    file = logging.FileHandler(folder / f"rank-{rank:02d}.log")
    file.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(message)s", "%Y-%m-%d %H:%M:%S"))
    root.addHandler(file)
    try:
        yield
    finally:
        root.removeHandler(file)
        file.close()


def _start_of(link: Link, rolling: RollingState, accelerator: Accelerator) -> Path:
    """Where to go on: the link's beginning, the rolling state that an interrupted job left, or its end, where an orphan that
    this process waited for has trained it. What killed jobs left half written goes."""
    chosen = [link.begin]
    if accelerator.is_main_process:
        if (link.end / "state.json").is_file() and read_state(link.end).fingerprint == rolling.fingerprint:
            chosen = [link.end]
        else:
            newest = rolling.newest()
            rolling.keep_only(newest)
            chosen = [newest or link.begin]
        for litter in link.end.parent.glob(f".{link.end.name}.partial-*"):
            shutil.rmtree(litter)
    # One process looks, since files on other nodes appear with a delay.
    start: Path = broadcast_object_list(chosen)[0]
    if start != link.begin:
        log.info("going on from %s", start)
    return start


def train_link(link: Link, settings: TrainingSettings, observation: Observation, threads: int) -> None:
    """Train from the checkpoint that `link` begins with to its end, as one of the processes that were launched.

    An interrupted link goes on from its rolling state. Raises PipelineError before the first update where settings, tokens,
    checkpoint and memory do not fit, and later when the loss is no longer a number or rises beyond the bound and when another
    process took the link over; Interrupted when a signal stopped the run and its state is saved.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    torch.set_float32_matmul_precision("high")
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")
    for tracker in observation.trackers:
        if not find_spec(tracker):
            raise PipelineError(f"trackers: {tracker}: not installed; pip install {tracker}, or leave it out")
    rank = int(os.environ.get("RANK", "0"))
    lock_file = link.end.with_name(f".{link.end.name}.lock")
    with ExitStack() as stack:
        stack.enter_context(_logged_to(observation.logs, rank))
        signals = stack.enter_context(signals_noted())
        owned = stack.enter_context(held(lock_file, signals)) if rank == 0 else lambda: None
        accelerator = Accelerator(
            cpu=not torch.cuda.is_available(),
            log_with=[*(["tensorboard"] if observation.logs else []), *observation.trackers] or None,
            project_config=ProjectConfiguration(logging_dir=str(observation.logs)) if observation.logs else None,
            kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(hours=1))],
        )
        rolling = RollingState(link.end.with_name(f".{link.end.name}.rolling"), link.fingerprint(settings))
        start = _start_of(link, rolling, accelerator)
        if start == link.end:
            return
        run = prepare(accelerator, link, start, settings)
        try:
            _train(run, link, start, rolling, observation, Agreement(signals, observation.save_minutes * 60), owned)
        except torch.OutOfMemoryError as error:
            count, free = parameter_count(run.model), available(accelerator.device)
            fits = advice(count, run.model.config, settings, accelerator.num_processes, free)
            raise PipelineError(
                f"training: device_batch: {settings.device_batch}: {accelerator.device} has too little memory ({error}){fits}"
            ) from error
        accelerator.end_training()


def _train(
    run: Run,
    link: Link,
    start: Path,
    rolling: RollingState,
    observation: Observation,
    agreement: Agreement,
    owned: Callable[[], None],
) -> None:
    accelerator, settings, model = run.accelerator, run.settings, run.model
    state = read_state(start)
    config = model.config
    work = flops_per_token(parameter_count(model), config.num_hidden_layers, config.hidden_size, settings.sequence_length)
    history = History(accelerator, settings, work, read_metrics(start), state.losses)
    scale = (state.loss_scale or FIRST_LOSS_SCALE) if settings.precision == "fp16" else 0.0
    accelerator.init_trackers("events", asdict(settings), {"tensorboard": {"purge_step": state.step + 1}})

    def save(folder: Path, fingerprint: str, position: Position) -> None:
        owned()
        reached = TrainingState(
            step, state.tokenizer_sha256, asdict(settings), asdict(position), fingerprint, history.losses, scale
        )
        save_checkpoint(folder, model, run.optimizers, reached, history.metrics, accelerator.is_main_process)
        accelerator.wait_for_everyone()

    seen = observation.logs / "metrics.jsonl" if observation.logs and accelerator.is_main_process else None
    if seen:
        write_metrics(seen, history.metrics)
    step, good, began = state.step, start, time.monotonic()
    for batches, position in batches_ahead(run, link.to_step - step):
        loss, norm, scale = update(run, batches, step, scale)
        history.add(loss, norm)
        step += 1
        if step % settings.log_every == 0 or step == link.to_step:
            history.settle(step, good)
            line = history.line(step, settings.learning_rate * schedule(step - 1, settings))
            accelerator.log(line, step)
            if seen:
                append_metrics(seen, line)
            log.info(
                "update %d of %d: loss %.4f, rate %.2e, %.0f tokens a second, %s left",
                *(step, link.to_step, line["loss"], line["learning_rate"], line["tokens_per_second"]),
                clock((link.to_step - step) * (time.monotonic() - began) / (step - state.step)),
            )
        wanted, stop = agreement.ask()
        if wanted and step < link.to_step:
            pause = time.monotonic()
            history.settle(step, good)
            good = rolling.after(step)
            save(good, rolling.fingerprint, position)
            if accelerator.is_main_process:
                rolling.keep_only(good)
            history.pause(time.monotonic() - pause)
            if stop:
                names = ", ".join(dict.fromkeys(agreement.signals)) or "a signal to another process"
                raise Interrupted(f"stopped by {names} after update {step}; its state is {good}; run the same command again")
    save(link.end, rolling.fingerprint, position)
    if accelerator.is_main_process:
        rolling.keep_only(None)
