"""Pretraining speed on this machine's GPUs: the chapter's loop, DDP and FSDP, for the book's two models, batch by batch.

One command, no network: token files and weights are random, of real shape.

    python benchmarks/gpu_pretrain.py run

It prints tokens a second and device, MFU, peak memory, and the hours that the book's run of that model would take on 16 such
cards at that speed (scaled linearly from those measured). `--models demo` tries the program itself, on a CPU, too.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
import yaml
from accelerate import Accelerator
from jsonargparse import auto_cli

from codeparrot.model.architecture import architecture, parameter_count
from codeparrot.model.weights import initialised_model, load_model
from codeparrot.pretraining.link import Link, TrainingData
from codeparrot.pretraining.metrics import flops_per_token, peak_flops
from codeparrot.pretraining.optimisation import TrainingSettings
from codeparrot.pretraining.preparation import prepare
from codeparrot.pretraining.state import TrainingState, write_state
from codeparrot.pretraining.update import batches_ahead, update

# What is tried: sharding, whether blocks are compiled, gradient checkpointing, sequences a device.
SWEEP = {
    "small": [
        ("none", False, False, 12),
        *(("none", True, False, batch) for batch in (12, 24, 32, 48)),
        ("full", True, False, 32),
    ],
    "xl": [("none", True, True, 8), ("none", True, False, 4), ("full", True, False, 4), ("full", True, True, 16)],
    "demo": [("none", False, False, 8), ("full", False, False, 8)],
}
CHAPTER_BATCH = {"small": 12, "xl": 2, "demo": 8}
WARM_UP = 3


def config_of(model: str) -> dict[str, Any]:
    """A model's config file."""
    found: dict[str, Any] = yaml.safe_load(Path(f"config/models/codeparrot-{model}.yaml").read_text(encoding="utf-8"))
    return found


def settings_of(model: str) -> TrainingSettings:
    """A model's training settings."""
    training = {key: value for key, value in config_of(model)["training"].items() if key != "checkpoint_every"}
    return TrainingSettings(**training)


def make_inputs(model: str, folder: Path) -> None:
    """Write random tokens and initial weights."""
    ids = np.random.default_rng(1).integers(0, 32768, 2**24).astype("<u2")
    ids.tofile(folder / "train.bin")
    shard = {"file": "train.bin", "documents": 1, "tokens": len(ids), "bytes": 1, "dtype": "<u2", "sha256": ""}
    (folder / "train.json").write_bytes(orjson.dumps({"shards": [{**shard, "tokenizer_sha256": "random"}]}))
    with torch.device("cuda" if torch.cuda.is_available() else "cpu"):
        made = initialised_model(architecture(config_of(model)["architecture"], 32768, 0), 1)
    made.save_pretrained(folder / "init")
    write_state(folder / "init", TrainingState(0, "random", {}))


def report(speed: float, model: str, memory: float, devices: int) -> None:
    """Print one measurement as JSON, from the first process."""
    settings, config = settings_of(model), architecture(config_of(model)["architecture"], 32768, 0)
    with torch.device("meta"):
        parameters = parameter_count(initialised_model(config, 1))
    work = flops_per_token(parameters, config.num_hidden_layers, config.hidden_size, settings.sequence_length)
    peak = peak_flops(torch.cuda.get_device_name()) if torch.cuda.is_available() else None
    tokens = settings.steps * settings.global_batch * settings.sequence_length
    row = {
        "tokens_per_second_per_device": round(speed / devices),
        "mfu": round(speed / devices * work / peak, 3) if peak else None,
        "peak_gib": round(memory / 2**30, 1),
        "hours_on_16": round(tokens / (speed / devices * 16) / 3600, 1),
    }
    if os.environ.get("RANK", "0") == "0":
        print(f"RESULT {json.dumps(row)}")


def peak_memory() -> float:
    """Bytes of device memory held at most; 0 on a CPU."""
    return float(torch.cuda.max_memory_allocated()) if torch.cuda.is_available() else 0.0


def synchronise() -> None:
    """Wait for the device."""
    if torch.cuda.is_available():
        torch.cuda.synchronize()


def ours(model: str, folder: Path, sharding: str, compile: bool, checkpointing: bool, batch: int, updates: int) -> None:
    """Measure our loop, as one of the processes that were launched."""
    torch.set_float32_matmul_precision("high")
    accelerator = Accelerator(cpu=not torch.cuda.is_available())
    accumulation = 4 if model == "xl" else 1
    settings = replace(
        settings_of(model),
        global_batch=batch * accumulation * accelerator.num_processes,
        device_batch=batch,
        sharding=sharding,
        compile=compile,
        gradient_checkpointing=checkpointing,
    )
    link = Link(folder / "init", folder / "end", TrainingData(folder / "train.json"), settings.steps, "")
    run = prepare(accelerator, link, folder / "init", settings)
    for step, (batches, _) in enumerate(batches_ahead(run, WARM_UP + updates)):
        if step == WARM_UP:
            synchronise()
            start = time.monotonic()
        update(run, batches, step, 0.0)
    synchronise()
    speed = updates * settings.global_batch * settings.sequence_length / (time.monotonic() - start)
    report(speed, model, peak_memory(), accelerator.num_processes)
    accelerator.end_training()


def chapter(model: str, folder: Path, updates: int) -> None:
    """Measure the chapter's step on one device: autocast, whole logits, unfused AdamW, the loss read every step."""
    settings = settings_of(model)
    batch = CHAPTER_BATCH[model]
    device = "cuda" if torch.cuda.is_available() else "cpu"
    built = load_model(folder / "init").to(device).train()
    if settings.gradient_checkpointing:
        built.gradient_checkpointing_enable()
    optimizer = torch.optim.AdamW(built.parameters(), lr=settings.learning_rate, foreach=False)
    ids = torch.randint(0, 32768, (batch, settings.sequence_length), device=device)
    for step in range(WARM_UP + updates):
        if step == WARM_UP:
            synchronise()
            start = time.monotonic()
        with torch.autocast(device, torch.bfloat16):
            loss = built(ids, labels=ids, use_cache=False).loss
        loss.backward()
        loss.item()
        optimizer.step()
        optimizer.zero_grad()
    synchronise()
    report(updates * batch * settings.sequence_length / (time.monotonic() - start), model, peak_memory(), 1)


def measured(arguments: list[str], processes: int) -> str:
    """Run one measurement in processes of its own; return its row, or why there is none."""
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(processes)]
    command = [*(launch if processes > 1 or arguments[0] == "ours" else [sys.executable]), __file__, *arguments]
    done = subprocess.run(command, capture_output=True, text=True, check=False, env={**os.environ, "PYTHONPATH": str(Path.cwd())})
    rows = [line.removeprefix("RESULT ") for line in done.stdout.splitlines() if line.startswith("RESULT ")]
    if rows:
        row = json.loads(rows[0])
        mfu = "" if row["mfu"] is None else f"{row['mfu']:.1%}"
        return f"{row['tokens_per_second_per_device']:>12,} {mfu:>7} {row['peak_gib']:>9} {row['hours_on_16']:>11}"
    memory = "out of memory" in done.stderr.lower() or "a step needs at least" in done.stderr
    return "does not fit" if memory else done.stderr.strip().splitlines()[-1][:120]


def run(models: tuple[str, ...] = ("small", "xl"), updates: int = 20) -> None:
    """Measure every way for every model.

    Args:
        models: small, xl or demo.
        updates: Updates of each measurement, after the warm-up.
    """
    devices = max(1, torch.cuda.device_count())
    name = torch.cuda.get_device_name() if torch.cuda.is_available() else "CPU"
    print(f"{devices} x {name}, torch {torch.__version__}\n")
    print(f"{'model':6} {'way':34} {'batch':>5} {'tokens/s/dev':>12} {'MFU':>7} {'peak GiB':>9} {'hours on 16':>11}")
    for model in models:
        with tempfile.TemporaryDirectory() as place:
            make_inputs(model, Path(place))
            common = ["--model", model, "--folder", place, "--updates", str(updates)]
            print(f"{model:6} {'chapter':34} {CHAPTER_BATCH[model]:>5} {measured(['chapter', *common], 1)}", flush=True)
            for sharding, compiled, checkpointing, batch in SWEEP[model]:
                way = {"none": "DDP", "full": "FSDP"}[sharding] + (", compiled" if compiled else "")
                way += ", checkpointing" if checkpointing else ""
                options = ["--sharding", sharding, "--compile", str(compiled).lower(), "--batch", str(batch)]
                options += ["--checkpointing", str(checkpointing).lower()]
                print(f"{model:6} {way:34} {batch:>5} {measured(['ours', *common, *options], devices)}", flush=True)


if __name__ == "__main__":
    auto_cli([run, ours, chapter], as_positional=False)
