"""The machines: what config.yaml says of them, how an accelerate config lays a training out, and what jobs of a model ask for."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path

from codeparrot.errors import PipelineError
from codeparrot.plan.config import read_yaml
from codeparrot.plan.estimate import Machines, Size, expected_speed, host_mib, link_minutes


@dataclass(frozen=True)
class Layout:
    """How many machines and processes an accelerate config has, and how many GPUs: one a process, none on the CPU."""

    file: Path
    machines: int
    processes: int
    gpus: int


@cache
def read_layout(file: Path) -> Layout:
    """The layout of an accelerate config; PipelineError where its processes do not fill its machines evenly."""
    settings = read_yaml(file)
    machines, processes = int(settings["num_machines"]), int(settings["num_processes"])
    if processes % machines:
        raise PipelineError(f"{file}: num_processes: {processes}: expected a multiple of num_machines = {machines}")
    return Layout(file, machines, processes, 0 if settings["use_cpu"] else processes)


@dataclass(frozen=True)
class Resources:
    """What the jobs of one model ask for.

    Args:
        machines: What there is.
        layout: How its training is laid out over them.
        size: About how large the model is.
        update_tokens: Tokens of one update.
        length: Tokens in a sequence.
    """

    machines: Machines
    layout: Layout
    size: Size
    update_tokens: int
    length: int

    @property
    def gpus(self) -> int:
        """How many GPUs of each machine its training takes; 0 for the CPU."""
        return self.layout.gpus // self.layout.machines

    def _gres(self, gpus: int) -> str:
        return f"gpu:{self.machines.gpu}:{gpus}" if gpus else ""

    @property
    def training_gres(self) -> str:
        """The GPUs of each machine of a training as a generic resource, which is how schedulers count them; empty for none."""
        return self._gres(self.gpus)

    @property
    def evaluation_gres(self) -> str:
        """The same for a job that evaluates: one GPU, where the model is trained on some."""
        return self._gres(min(1, self.gpus))

    @property
    def speed(self) -> float:
        """Tokens a second that are expected of its training on GPUs."""
        return expected_speed(self.size, self.length, self.layout.gpus, self.machines)

    def training_minutes(self, updates: int) -> int:
        """The time limit of a link of so many updates."""
        if not self.gpus:
            return round(60 * self.machines.job_hours)
        return link_minutes(updates, self.update_tokens, self.speed, self.machines)

    @property
    def training_memory(self) -> int:
        """MiB of main memory on each machine of its training."""
        if not self.gpus:
            return 3000
        return host_mib(self.size.parameters, self.layout.processes // self.layout.machines)

    def memory(self, on_cpu: int, on_gpus: int) -> int:
        """MiB of main memory for another job of the model, by where it is trained."""
        return on_gpus if self.gpus else on_cpu
