"""Our training loop beside the chapter's on this machine: tokens a second, peak memory, and the loss curves.

Each way runs in a process of its own, one after the other, on the demo model's shape and corpus; the validation loss is
measured at the end of each with one and the same code. In bfloat16 only where the CPU has it. First build the inputs:

    snakemake results/tokens/demo/demo/train.json results/tokens/demo/demo/valid.json results/models/codeparrot-demo/init
    python benchmarks/pretrain_cpu.py --steps 500
"""

import multiprocessing
import resource
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import torch
import yaml
from chapter import train
from jsonargparse import auto_cli

from codeparrot.evaluation.perplexity import spellings, validation_loss
from codeparrot.model.weights import load_model
from codeparrot.pretraining.link import Link, Observation, TrainingData
from codeparrot.pretraining.loop import train_link
from codeparrot.pretraining.metrics import read_metrics
from codeparrot.pretraining.optimisation import TrainingSettings, has_bfloat16
from codeparrot.pretraining.state import read_state, write_state

CORPUS, TOKENS = Path("results/corpora/demo"), Path("results/tokens/demo/demo")
TOKENIZER = Path("results/tokenizers/demo/tokenizer.json")
INITIAL = Path("results/models/codeparrot-demo/init")


def settings_of_the_demo(steps: int, batch: int) -> TrainingSettings:
    """The demo model's settings with a schedule of `steps` updates of `batch` sequences."""
    training = yaml.safe_load(Path("config/models/codeparrot-demo.yaml").read_text())["training"]
    del training["checkpoint_every"]
    return TrainingSettings(**{**training, "steps": steps, "global_batch": batch, "device_batch": batch})


def measure(way: str, settings: TrainingSettings, folder: Path, threads: int, results: Any) -> None:
    """Train in one way and put its figures into `results`."""
    torch.set_num_threads(threads)
    start = time.monotonic()
    if way.startswith("ours"):
        link = Link(INITIAL, folder / way, TrainingData(TOKENS / "train.json"), settings.steps, "")
        train_link(link, settings, Observation(), threads)
        lines = read_metrics(folder / way)
        curve, seconds = [], 0.0
        for before, line in zip([{"tokens": 0}, *lines], lines, strict=False):
            seconds += (line["tokens"] - before["tokens"]) / line["tokens_per_second"]
            curve.append({"tokens": line["tokens"], "seconds": round(seconds, 1), "loss": line["loss"]})
    else:
        model = load_model(INITIAL)
        curve, window = [], []
        update = settings.global_batch * settings.sequence_length
        shards = sorted((CORPUS / "train").glob("*.parquet"))
        for point in train(model, TOKENIZER, shards, settings, settings.steps, autocast="autocast" in way):
            window.append(point.loss)
            if point.step % settings.log_every == 0 or point.step == settings.steps:
                loss = sum(window) / len(window)
                curve.append({"tokens": point.step * update, "seconds": round(point.seconds, 1), "loss": round(loss, 4)})
                window = []
        model.save_pretrained(folder / way)
        write_state(folder / way, read_state(INITIAL))
    whole = time.monotonic() - start
    steady = [point for point in curve if point["tokens"] > curve[-1]["tokens"] / 5]
    speed = (steady[-1]["tokens"] - steady[0]["tokens"]) / (steady[-1]["seconds"] - steady[0]["seconds"])
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    valid = validation_loss(
        folder / way, TOKENS / "valid.json", settings.sequence_length, 256, 8, threads, spellings(TOKENIZER), 0
    )["loss"]
    results.put({"way": way, "tokens_per_second": speed, "seconds": whole, "peak_mib": peak, "validation": valid, "curve": curve})


def draw(found: list[dict[str, Any]], figure: Path) -> None:
    """Draw the training losses against tokens and against seconds, as SVG."""
    with plt.rc_context({"svg.hashsalt": "curves", "svg.fonttype": "none"}):
        drawn, panels = plt.subplots(1, 2, figsize=(9, 3.4), sharey=True, layout="constrained")
        for axes, key, unit in zip(panels, ("tokens", "seconds"), (1000, 1), strict=True):
            for row in found:
                axes.plot(
                    [point[key] / unit for point in row["curve"]], [point["loss"] for point in row["curve"]], label=row["way"]
                )
            axes.set(xlabel=key if unit == 1 else f"{key} (thousands)")
        panels[0].set(ylabel="training loss (nats a token)")
        panels[1].legend(frameon=False)
        drawn.savefig(figure, format="svg", metadata={"Date": None})


def main(steps: int = 200, batch: int = 8, threads: int = 2, figure: Path | None = None) -> None:
    """Compare the loops.

    Args:
        steps: Updates of each run.
        batch: Sequences of an update.
        threads: CPU threads.
        figure: An SVG file for the loss curves.
    """
    settings = settings_of_the_demo(steps, batch)
    ways = {"chapter, fp32": settings, "ours, fp32": settings}
    if has_bfloat16(torch.device("cpu")):
        coarse = replace(settings, precision="bf16")
        ways |= {"chapter, bf16 autocast": coarse, "ours, bf16": coarse}
    context = multiprocessing.get_context("spawn")
    found = []
    for way, chosen in ways.items():
        results = context.Queue()
        with tempfile.TemporaryDirectory() as folder:
            process = context.Process(target=measure, args=(way, chosen, Path(folder), threads, results))
            process.start()
            found.append(results.get())
            process.join()
    plain = found[0]["tokens_per_second"]
    print(f"{'':24}{'tokens/s':>10}{'ratio':>8}{'seconds':>9}{'peak MiB':>10}{'validation loss':>17}")
    for row in found:
        ratio = row["tokens_per_second"] / plain
        print(
            f"{row['way']:24}{row['tokens_per_second']:10,.0f}{ratio:8.2f}{row['seconds']:9.0f}{row['peak_mib']:10,.0f}"
            f"{row['validation']:17.3f}"
        )
    if figure:
        draw(found, figure)


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
