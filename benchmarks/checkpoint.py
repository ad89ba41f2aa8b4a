"""Checkpoints: seconds to save and to load, size and memory a parameter, beside accelerate's save_state and load_state.

    python benchmarks/checkpoint.py

Run it where nothing else writes to the disk; the loading side reads what was just written, so from the page cache.
"""

import tempfile
import time
from pathlib import Path

import psutil
import torch
from accelerate import Accelerator
from jsonargparse import auto_cli

from codeparrot.model.architecture import architecture, parameter_count
from codeparrot.model.weights import initialised_model, load_model
from codeparrot.pretraining.checkpoint import load_optimizers, save_checkpoint
from codeparrot.pretraining.optimisation import TrainingSettings, optimizers
from codeparrot.pretraining.state import TrainingState


def main(layers: int = 12, width: int = 768, heads: int = 12) -> None:
    """Measure one model's checkpoint.

    Args:
        layers: Blocks of a GPT-2.
        width: Its width.
        heads: Its attention heads.
    """
    settings = TrainingSettings(1024, 1, 1, 10, 1e-3, 1)
    before = psutil.Process().memory_info().rss
    shape = {"model_type": "gpt2", "n_layer": layers, "n_embd": width, "n_head": heads}
    model = initialised_model(architecture(shape, 32768, 0), 1)
    made = optimizers(model, settings)
    for parameter in model.parameters():
        parameter.grad = torch.full_like(parameter, 1e-3)
    for optimizer in made:
        optimizer.step()
    count = parameter_count(model)
    held = psutil.Process().memory_info().rss - before
    print(f"{count:,} parameters; {held / count:.1f} bytes of memory a parameter (weights, gradients, two moments: 16)")
    with tempfile.TemporaryDirectory() as place:
        folder = Path(place, "ours")
        start = time.monotonic()
        save_checkpoint(folder, model, made, TrainingState(1, "", {}), [], write=True)
        saved = time.monotonic() - start
        size = sum(file.stat().st_size for file in folder.iterdir())
        start = time.monotonic()
        loaded = load_model(folder)
        load_optimizers(folder, loaded, optimizers(loaded, settings))
        restored = time.monotonic() - start
        print(f"ours       save {saved:5.2f} s (synced), load {restored:5.2f} s, {size / count:.1f} bytes a parameter")

        accelerator = Accelerator(cpu=True)
        accelerator.prepare(model, made[0])
        start = time.monotonic()
        accelerator.save_state(f"{place}/accelerate")
        saved = time.monotonic() - start
        start = time.monotonic()
        accelerator.load_state(f"{place}/accelerate")
        print(f"accelerate save {saved:5.2f} s (not synced), load {time.monotonic() - start:5.2f} s, pickled optimiser")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
