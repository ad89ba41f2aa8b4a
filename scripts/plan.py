"""Print what a model's training will take, before it is started: jobs, GPU-hours, time, disk and price."""

from pathlib import Path
from statistics import median

from codeparrot.command import run
from codeparrot.errors import PipelineError
from codeparrot.plan import artefacts, config_folder, read_plan
from codeparrot.plan.model import Model
from codeparrot.pretraining.metrics import read_metrics


def measured_speed(model: Model) -> float | None:
    """The median tokens a second of a model's training so far; None before it has begun."""
    patterns = (artefacts.CHECKPOINT, "results/logs/pretrain/{model}/step-{step}")
    # A link's metrics hold the whole run before it.
    runs = (read_metrics(Path(folder)) for pattern in patterns for folder in model.checkpoints(pattern))
    longest = max(runs, key=len)
    return median(line["tokens_per_second"] for line in longest) if longest else None


def main(model: str, gpu: str | None = None, job_hours: float | None = None, price: float | None = None) -> None:
    """Print a training's plan.

    Args:
        model: Its name.
        gpu: The GPU, for example h100; as in config/config.yaml by default.
        job_hours: The longest job; as in config/config.yaml by default.
        price: Price of an hour of one GPU; as in config/config.yaml by default.
    """
    given = {"gpu": gpu, "job_hours": job_hours, "gpu_hour_price": price}
    plan = read_plan(config_folder(), {key: value for key, value in given.items() if value is not None})
    if model not in plan.models:
        raise PipelineError(f"model: {model!r}: there is no such model; expected one of {', '.join(plan.models)}")
    machines, planned = plan.machines, plan.models[model]
    layout = planned.resources.layout
    measured = measured_speed(planned)
    if measured is None and not layout.gpus:
        raise PipelineError(f"{model} is trained on CPUs, whose speed is not known before a part of it was trained")
    speed = measured or planned.resources.speed
    taken = planned.estimate(speed)
    known = "measured" if measured else f"stated: mfu = {machines.mfu} of {machines.gpu}'s peak"
    where = f"{layout.gpus} x {machines.gpu}, nodes: {layout.machines}" if layout.gpus else "the CPU"
    size = f"about {taken.parameters / 1e6:,.0f} million parameters, {taken.tokens / 1e9:,.2f} billion tokens"
    print(f"model         {model}: {size}")
    print(f"machines      {where}; {taken.speed:,.0f} tokens a second ({known})")
    print(f"jobs          {taken.links} links of at most {taken.longest_link:.1f} h; the longest job is {machines.job_hours:g} h")
    print(f"time          {taken.hours:,.1f} h of training, without waiting for machines")
    print(f"GPU-hours     {taken.hours * taken.gpus:,.0f}")
    print(f"price         {taken.price:,.0f} at {machines.gpu_hour_price:g} an hour of a GPU")
    print(f"disk          {taken.disk_bytes / 2**30:,.1f} GiB of checkpoints and the finished folder")
    if taken.longest_link > machines.job_hours:
        print(
            "note          a link does not fit into one job: it is stopped, its state is saved, and a retry goes on; leave "
            "checkpoint_every out to have links that fit"
        )


if __name__ == "__main__":
    run(main)
