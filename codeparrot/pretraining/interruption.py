"""Stopping in time: signals are noted, and all processes agree on when to save and when to stop."""

import signal
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
import torch.distributed

# What Slurm sends before a job's time is up, what scancel and init systems send, and Ctrl-C.
SIGNALS = (signal.SIGUSR1, signal.SIGTERM, signal.SIGINT)


@contextmanager
def signals_noted() -> Iterator[list[str]]:
    """Yield a list to which the names of arriving signals are added.

    Each may come twice, from who sent it and from the launcher that passes it on, so none ends the process.
    """
    noted: list[str] = []

    def note(number: int, _: Any) -> None:
        noted.append(signal.Signals(number).name)

    before = {number: signal.signal(number, note) for number in SIGNALS}
    try:
        yield noted
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


class Agreement:
    """Whether any process wants to save or to stop, asked after every update without waiting for the device."""

    def __init__(self, signals: list[str], save_seconds: float) -> None:
        self.signals = signals
        self.save_seconds = save_seconds
        self.saved = time.monotonic()
        several = torch.distributed.is_initialized() and torch.distributed.get_world_size() > 1
        # A group on the CPUs' network: the question never waits for the GPUs' work.
        self.group = torch.distributed.new_group(backend="gloo") if several else None

    def ask(self) -> tuple[bool, bool]:
        """(save, stop), the same answers in all processes."""
        due = time.monotonic() - self.saved >= self.save_seconds
        wishes = torch.tensor([due or bool(self.signals), bool(self.signals)], dtype=torch.int32)
        if self.group is not None:
            torch.distributed.all_reduce(wishes, torch.distributed.ReduceOp.MAX, group=self.group)
        save, stop = bool(wishes[0]), bool(wishes[1])
        if save:
            self.saved = time.monotonic()
        return save, stop
