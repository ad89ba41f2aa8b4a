"""A GPU itself, where there is one."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from codeparrot.evaluation.generation import Request, Sampling, Written, generate, load_generator
from tests.checkpoints import write_untrained

pytestmark = pytest.mark.skipif(not torch.cuda.is_available(), reason="no GPU here")
SHAPE: dict[str, object] = {"model_type": "gpt2", "n_positions": 256, "n_embd": 64, "n_layer": 2, "n_head": 2}
WARM = Sampling(temperature=0.8, max_new_tokens=64)


@pytest.fixture(scope="module")
def checkpoint(sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("checkpoint")
    write_untrained(folder, sources, SHAPE)
    return folder


def requests(sampling: Sampling) -> list[Request]:
    prompts = ("def add(a, b):", "x", "import os\n\n\ndef path_of(name):\n    return os.")
    return [Request(prompt, (prompt, str(number)), ("\n\n",), sampling) for prompt in prompts for number in range(50)]


def write(checkpoint: Path, asked: Sequence[Request], batch: int) -> list[Written]:
    model, tokenizer = load_generator(checkpoint, checkpoint / "tokenizer.json")
    assert (model.device.type, model.dtype) == ("cuda", torch.bfloat16)
    found = dict(generate(model, tokenizer, asked, batch))
    return [found[number] for number in range(len(asked))]


@pytest.mark.parametrize("temperature", [0.0, 0.8])
def test_samples_are_written_in_bfloat16_and_the_batch_changes_few(checkpoint: Path, temperature: float) -> None:
    asked = requests(replace(WARM, temperature=temperature))
    pairs = list(zip(write(checkpoint, asked, 64), write(checkpoint, asked, 7), strict=True))
    assert sum(one == other for one, other in pairs) >= 0.85 * len(asked)


def test_the_same_batch_gives_the_same_samples(checkpoint: Path) -> None:
    assert write(checkpoint, requests(WARM), 64) == write(checkpoint, requests(WARM), 64)
