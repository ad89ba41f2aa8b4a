"""A run's history: losses are gathered when a line is due, never in between, and a run that went wrong is stopped."""

import math
import resource
import time
from collections.abc import Sequence
from pathlib import Path

import torch
from accelerate import Accelerator
from torch import Tensor

from codeparrot.errors import PipelineError
from codeparrot.pretraining.metrics import Metrics, peak_flops
from codeparrot.pretraining.optimisation import TrainingSettings


def _memory(device: torch.device) -> float:
    """The most memory in MiB that this process has held: of the device, or of the machine where that is the CPU."""
    if device.type == "cuda":
        return torch.cuda.max_memory_allocated(device) / 2**20
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10


class History:
    """The metrics of the run so far, and the losses since the last line: `losses` known, `pending` still on the device."""

    def __init__(
        self,
        accelerator: Accelerator,
        settings: TrainingSettings,
        flops_per_token: float,
        metrics: list[Metrics],
        losses: Sequence[float],
    ) -> None:
        self.accelerator = accelerator
        self.settings = settings
        self.flops_per_token = flops_per_token
        self.metrics = metrics
        self.losses = list(losses)
        self.pending: list[Tensor] = []
        self.norm: Tensor = torch.zeros(())
        self.started, self.updates = time.monotonic(), 0

    def add(self, loss: Tensor, norm: Tensor) -> None:
        """Note an update: this process's share of its loss, and the gradient's norm."""
        self.pending.append(loss)
        self.norm = norm
        self.updates += 1

    def pause(self, seconds: float) -> None:
        """Leave `seconds`, spent on saving, out of the speed."""
        self.started += seconds

    def settle(self, step: int, good: Path) -> None:
        """Read the pending losses; every process calls this. PipelineError names `good`, the last good state, where a loss or
        the gradient is no longer a number, or the loss rose by more than the bound."""
        if self.pending:
            shared: Tensor = self.accelerator.reduce(torch.stack(self.pending), "sum")
            self.losses += shared.tolist()
            self.pending = []
        mean = sum(self.losses) / max(1, len(self.losses))
        norm = float(self.norm)
        if not math.isfinite(mean) or not math.isfinite(norm):
            bad = next((number for number, loss in enumerate(self.losses) if not math.isfinite(loss)), len(self.losses) - 1)
            raise PipelineError(
                f"the loss is {self.losses[bad]} and the gradient's norm {norm} at update {step - len(self.losses) + bad + 1}; "
                f"the last good state is {good}; lower learning_rate"
            )
        lowest = min((line["loss"] for line in self.metrics), default=math.inf)
        if mean > lowest + self.settings.spike:
            raise PipelineError(
                f"the loss rose to {mean:.3f} by update {step}, more than spike = {self.settings.spike} above its lowest, "
                f"{lowest:.3f}; the last good state is {good}; lower learning_rate, or raise spike under training:"
            )

    def line(self, step: int, rate: float) -> Metrics:
        """The line of metrics after `step` updates; settle first."""
        batch = self.settings.global_batch * self.settings.sequence_length
        now = time.monotonic()
        speed = self.updates * batch / (now - self.started)
        peak = peak_flops(torch.cuda.get_device_name()) if self.accelerator.device.type == "cuda" else None
        line: Metrics = {
            "step": step,
            "tokens": step * batch,
            "loss": round(sum(self.losses) / len(self.losses), 6),
            "learning_rate": rate,
            "gradient_norm": round(float(self.norm), 6),
            "tokens_per_second": round(speed, 1),
            "memory_mib": round(_memory(self.accelerator.device), 1),
        }
        if peak:
            line["mfu"] = round(speed * self.flops_per_token / (peak * self.accelerator.num_processes), 4)
        self.metrics.append(line)
        self.losses, self.started, self.updates = [], now, 0
        return line
