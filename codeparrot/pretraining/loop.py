"""The training loop of one link, the chapter's made exact and resumable: an update, a look at it, a save, until its end."""

import logging
import os
import shutil
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import asdict
from datetime import timedelta
from importlib.util import find_spec
from pathlib import Path

import torch
from accelerate import Accelerator
from accelerate.utils import InitProcessGroupKwargs, ProjectConfiguration, broadcast_object_list
from torch import Tensor

from codeparrot.errors import Interrupted, PipelineError
from codeparrot.model.allocation import keep_freed_memory
from codeparrot.model.architecture import parameter_count
from codeparrot.pretraining.checkpoint import RollingState, save_checkpoint
from codeparrot.pretraining.history import History
from codeparrot.pretraining.interruption import Agreement, signals_noted
from codeparrot.pretraining.link import Link, Observation
from codeparrot.pretraining.lock import held
from codeparrot.pretraining.memory import advice, available
from codeparrot.pretraining.metrics import append_metrics, flops_per_token, read_metrics, write_metrics
from codeparrot.pretraining.optimisation import TrainingSettings, schedule
from codeparrot.pretraining.preparation import prepare
from codeparrot.pretraining.state import TrainingState, read_state
from codeparrot.pretraining.update import Run, batches_ahead, update
from codeparrot.progress import clock
from codeparrot.tokens.streamed import Position

FIRST_LOSS_SCALE = 2.0**16
log = logging.getLogger(__name__)


class Loop:
    """A link while it is trained: `step` updates are done, `position` in the data is reached, `good` is the last saved state."""

    def __init__(self, run: Run, link: Link, start: Path, observation: Observation, owned: Callable[[], None]) -> None:
        self.run, self.link, self.owned = run, link, owned
        self.rolling = link.rolling(run.settings)
        state, settings, config = read_state(start), run.settings, run.model.config
        self.tokenizer_sha256 = state.tokenizer_sha256
        self.step, self.position, self.good = state.step, Position(**state.position), start
        self.scale = (state.loss_scale or FIRST_LOSS_SCALE) if settings.precision == "fp16" else 0.0
        size = parameter_count(run.model), config.num_hidden_layers, config.hidden_size
        work = flops_per_token(*size, settings.sequence_length)
        self.history = History(run.accelerator, settings, work, read_metrics(start), state.losses)
        run.accelerator.init_trackers("events", asdict(settings), {"tensorboard": {"purge_step": self.step + 1}})
        watched = observation.logs if run.accelerator.is_main_process else None
        self.metrics_file = watched / "metrics.jsonl" if watched else None
        if self.metrics_file:
            write_metrics(self.metrics_file, self.history.metrics)
        self.first, self.began = self.step, time.monotonic()

    def train(self, agreement: Agreement) -> None:
        """Do the updates that are left and save the link's end. Interrupted once a signal's state is saved."""
        for batches, position in batches_ahead(self.run, self.link.to_step - self.step):
            self.update(batches, position)
            if self.step % self.run.settings.log_every == 0 or self.step == self.link.to_step:
                self.observe()
            save, stop = agreement.ask()
            if save and self.step < self.link.to_step:
                self.save_inside()
                if stop:
                    names = ", ".join(dict.fromkeys(agreement.signals)) or "a signal to another process"
                    raise Interrupted(
                        f"stopped by {names} after update {self.step}; its state is {self.good}; run the same command again"
                    )
        self.save(self.link.end)
        self.keep_only(None)

    def update(self, batches: list[Tensor], position: Position) -> None:
        """One update with this process's micro-batches, after which `position` in the data is reached."""
        loss, norm, self.scale = update(self.run, batches, self.step, self.scale)
        self.history.add(loss, norm)
        self.step, self.position = self.step + 1, position

    def observe(self) -> None:
        """Add a line to the metrics: in the history, the trackers, the file that is watched, and the log."""
        self.history.settle(self.step, self.good)
        line = self.history.line(self.step, self.run.settings.learning_rate * schedule(self.step - 1, self.run.settings))
        self.run.accelerator.log(line, self.step)
        if self.metrics_file:
            append_metrics(self.metrics_file, line)
        left = (self.link.to_step - self.step) * (time.monotonic() - self.began) / (self.step - self.first)
        log.info(
            "update %d of %d: loss %.4f, rate %.2e, %.0f tokens a second, %s left",
            *(self.step, self.link.to_step, line["loss"], line["learning_rate"], line["tokens_per_second"], clock(left)),
        )

    def save_inside(self) -> None:
        """Save a rolling state, which takes the place of the one before; the time that it takes is left out of the speed."""
        begun = time.monotonic()
        self.history.settle(self.step, self.good)
        self.good = self.rolling.after(self.step)
        self.save(self.good)
        self.keep_only(self.good)
        self.history.pause(time.monotonic() - begun)

    def save(self, folder: Path) -> None:
        """Write a checkpoint; every process takes part. PipelineError where another process has taken the link over."""
        self.owned()
        run, history = self.run, self.history
        reached = TrainingState(
            step=self.step,
            tokenizer_sha256=self.tokenizer_sha256,
            training=asdict(run.settings),
            position=asdict(self.position),
            fingerprint=self.rolling.fingerprint,
            losses=history.losses,
            loss_scale=self.scale,
        )
        save_checkpoint(folder, run.model, run.optimizers, reached, history.metrics, run.accelerator.is_main_process)
        run.accelerator.wait_for_everyone()

    def keep_only(self, state: Path | None) -> None:
        """Remove the link's other rolling states."""
        if self.run.accelerator.is_main_process:
            self.rolling.keep_only(state)


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
        for litter in link.end.parent.glob(f"{link.beside('partial').name}-*"):
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
    with ExitStack() as stack:
        stack.enter_context(_logged_to(observation.logs, rank))
        signals = stack.enter_context(signals_noted())
        owned = stack.enter_context(held(link.beside("lock"), signals)) if rank == 0 else lambda: None
        accelerator = Accelerator(
            cpu=not torch.cuda.is_available(),
            log_with=[*(["tensorboard"] if observation.logs else []), *observation.trackers] or None,
            project_config=ProjectConfiguration(logging_dir=str(observation.logs)) if observation.logs else None,
            kwargs_handlers=[InitProcessGroupKwargs(timeout=timedelta(hours=1))],
        )
        start = _start_of(link, link.rolling(settings), accelerator)
        if start == link.end:
            return
        run = prepare(accelerator, link, start, settings)
        loop = Loop(run, link, start, observation, owned)
        try:
            loop.train(Agreement(signals, observation.save_minutes * 60))
        except torch.OutOfMemoryError as error:
            count, free = parameter_count(run.model), available(accelerator.device)
            fits = advice(count, run.model.config, settings, accelerator.num_processes, free)
            raise PipelineError(
                f"training: device_batch: {settings.device_batch}: {accelerator.device} has too little memory ({error}){fits}"
            ) from error
        accelerator.end_training()
