"""What a training will take before it is started: jobs, GPU-hours, days, disk and money, by arithmetic alone.

Nothing here loads torch or a model, so that Snakemake's plan can ask for it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from math import ceil
from typing import Any

from codeparrot.errors import PipelineError
from codeparrot.pretraining.metrics import PEAK_FLOPS, flops_per_token

# A link is cut so that it ends in this share of the longest job, and asks for so much more time than is estimated.
FILLED = 0.9
MARGIN = 1.5
START_HOURS = 0.5
# Float32 weights; and with AdamW's two moments. Host memory of a process beside that: interpreter, torch, CUDA.
WEIGHT_BYTES, CHECKPOINT_BYTES = 4, 12
PROCESS_MIB = 4000


@dataclass(frozen=True)
class Machines:
    """The machines that trainings run on.

    Args:
        gpu: The GPU's name, as Slurm's generic resource has it: a100, h100.
        job_hours: The longest job that may be asked for.
        mfu: Share of the GPU's peak that a training is expected to reach.
        gpu_hour_price: Price of an hour of one GPU, in any currency.
    """

    gpu: str
    job_hours: float
    mfu: float
    gpu_hour_price: float


@dataclass(frozen=True)
class Size:
    """About how many parameters a model has, its layers and its width."""

    parameters: int
    layers: int
    width: int


def size(architecture: Mapping[str, Any], vocabulary: int) -> Size:
    """The size from a transformers config: 12·layers·width² (Kaplan et al. 2020, table 1) + embedding.

    Within 1% of the counted parameters for GPT-2, whose defaults stand for missing keys.
    """
    layers = int(architecture.get("n_layer", architecture.get("num_hidden_layers", 12)))
    width = int(architecture.get("n_embd", architecture.get("hidden_size", 768)))
    positions = int(architecture.get("n_positions", 1024)) if architecture["model_type"] == "gpt2" else 0
    return Size(12 * layers * width**2 + (vocabulary + positions) * width, layers, width)


def expected_speed(size: Size, length: int, gpus: int, machines: Machines) -> float:
    """Tokens a second over all GPUs at the stated share of their peak. PipelineError for a GPU whose peak is not known."""
    peak = PEAK_FLOPS.get(machines.gpu.upper())
    if peak is None:
        known = ", ".join(name.lower() for name in PEAK_FLOPS)
        raise PipelineError(f"config: gpu: {machines.gpu!r}: its peak is not known; expected one of {known}")
    return gpus * machines.mfu * peak / flops_per_token(size.parameters, size.layers, size.width, length)


def updates_a_job(speed: float, update_tokens: int, machines: Machines) -> int:
    """How many updates fit into one job, rounded down to two digits so that checkpoints have round names."""
    most = max(1, int(machines.job_hours * 3600 * FILLED * speed / update_tokens))
    unit: int = 10 ** max(0, len(str(most)) - 2)
    return most // unit * unit


def link_minutes(updates: int, update_tokens: int, speed: float, machines: Machines) -> int:
    """The time limit to ask for: the estimate with a margin, at most the longest job."""
    hours = MARGIN * updates * update_tokens / speed / 3600 + START_HOURS
    return ceil(60 * min(hours, machines.job_hours))


def host_mib(parameters: int, processes: int) -> int:
    """MiB of main memory on a node: its processes, and a whole checkpoint twice while one of them writes it."""
    return ceil(processes * PROCESS_MIB + 2 * CHECKPOINT_BYTES * parameters / 2**20)


@dataclass(frozen=True)
class Estimate:
    """What a training takes.

    Args:
        parameters: About how many there are.
        tokens: Tokens of the whole run.
        speed: Tokens a second over all GPUs.
        links: Jobs of the chain.
        hours: Hours of training, without waiting for machines.
        gpus: GPUs at a time.
        longest_link: Hours of the longest job.
        disk_bytes: All checkpoints and the finished folder, and two rolling states at a time.
        price: Of the GPU-hours.
    """

    parameters: int
    tokens: int
    speed: float
    links: int
    hours: float
    gpus: int
    longest_link: float
    disk_bytes: int
    price: float


def estimate(parameters: int, steps: list[int], update_tokens: int, speed: float, gpus: int, machines: Machines) -> Estimate:
    """The estimate for a chain with checkpoints after `steps` updates."""
    updates = max(after - before for before, after in zip([0, *steps], steps, strict=False))
    hours = steps[-1] * update_tokens / speed / 3600
    return Estimate(
        parameters=parameters,
        tokens=steps[-1] * update_tokens,
        speed=speed,
        links=len(steps),
        hours=hours,
        gpus=gpus,
        longest_link=updates * update_tokens / speed / 3600,
        disk_bytes=parameters * ((len(steps) + 2) * CHECKPOINT_BYTES + 2 * WEIGHT_BYTES),
        price=hours * gpus * machines.gpu_hour_price,
    )
