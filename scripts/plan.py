"""Print what a model's training will take, before it is started: jobs, GPU-hours, time, disk and price."""

from pathlib import Path

import yaml

from codeparrot import artefacts
from codeparrot.command import run
from codeparrot.config import check, load
from codeparrot.errors import PipelineError
from codeparrot.estimate import Machines
from codeparrot.plan import Plan
from codeparrot.pretraining.metrics import read_metrics


def measured_speed(plan: Plan, model: str) -> float | None:
    """The median tokens a second of a model's training so far, by its last checkpoint or running link; None without one."""
    logs = Path("results/logs/pretrain", model)
    folders = [Path(folder) for folder in plan.of_checkpoints(artefacts.CHECKPOINT, model)]
    folders += [logs / f"step-{artefacts.step_name(step)}" for step in plan.steps(model)]
    speeds = sorted(line["tokens_per_second"] for folder in folders for line in read_metrics(folder))
    return speeds[len(speeds) // 2] if speeds else None


def main(model: str, gpu: str | None = None, job_hours: float | None = None, price: float | None = None) -> None:
    """Print a training's plan.

    Args:
        model: Its name.
        gpu: The GPU, for example h100; as in config/config.yaml by default.
        job_hours: The longest job; as in config/config.yaml by default.
        price: Price of an hour of one GPU; as in config/config.yaml by default.
    """
    folder = Path("config")
    settings = yaml.safe_load((folder / "config.yaml").read_text(encoding="utf-8"))
    given = {"gpu": gpu, "job_hours": job_hours, "gpu_hour_price": price}
    settings |= {key: value for key, value in given.items() if value is not None}
    check(settings, folder / "schemas/config.schema.yaml", folder / "config.yaml")
    found = load(folder)
    machines = Machines(settings["gpu"], settings["job_hours"], settings["mfu"], settings["gpu_hour_price"])
    plan = Plan(folder, found["corpus"], found["tokenizer"], found["model"], machines)
    if model not in plan.models:
        raise PipelineError(f"model: {model!r}: there is no such model; expected one of {', '.join(plan.models)}")
    layout = plan.layout(model)
    measured = measured_speed(plan, model)
    if measured is None and not layout.gpus:
        raise PipelineError(f"{model} is trained on CPUs, whose speed is not known before a part of it was trained")
    speed = measured or plan.speed(model)
    taken = plan.estimate(model, speed)
    known = "measured" if measured else f"stated: mfu = {machines.mfu} of {machines.gpu}'s peak"
    where = (
        f"{layout.gpus} x {machines.gpu} on {layout.machines} node{chr(115) * (layout.machines > 1)}"
        if layout.gpus
        else "the CPU"
    )
    print(
        f"model         {model}: about {taken.parameters / 1e6:,.0f} million parameters, {taken.tokens / 1e9:,.2f} billion tokens"
    )
    print(f"machines      {where}, {taken.speed:,.0f} tokens a second ({known})")
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
