"""Jobs that evaluate take a GPU each. Here are no GPUs: torch is told how many there are, the claims are real."""

import os
import subprocess
import sys
import threading
import time
import uuid
from pathlib import Path

import pytest
import torch
from transformers import PreTrainedModel

from codeparrot.evaluation import gpus
from codeparrot.evaluation.generation import load_generator
from codeparrot.evaluation.gpus import take_one_gpu
from tests.checkpoints import write_untrained
from tests.conftest import REPOSITORY
from tests.programs import ENOUGH

# Claims a GPU, says which, and holds it until its input ends.
JOB = "import sys; from codeparrot.evaluation.gpus import claimed; print(claimed(sys.argv[1:]), flush=True); sys.stdin.read()"


def job(names: list[str]) -> "subprocess.Popen[str]":
    return subprocess.Popen(
        [sys.executable, "-c", JOB, *names], cwd=REPOSITORY, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


def said(process: "subprocess.Popen[str]") -> str:
    assert process.stdout
    return process.stdout.readline().strip()


@pytest.fixture
def names() -> list[str]:
    """Two GPUs that no other test claims."""
    return [f"GPU-{uuid.uuid4()}", f"GPU-{uuid.uuid4()}"]


@pytest.fixture
def machine(names: list[str], monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A machine with these two GPUs."""
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 2)
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", ",".join(names))
    monkeypatch.setattr(gpus, "_claims", [])
    monkeypatch.setattr(gpus, "SECONDS_BETWEEN_LOOKS", 0.05)
    return names


def visible() -> str | None:
    return os.environ.get("CUDA_VISIBLE_DEVICES")


def test_jobs_side_by_side_take_a_gpu_each_and_a_killed_job_gives_its_own_back(names: list[str]) -> None:
    first, second = job(names), job(names)
    assert {said(first), said(second)} == set(names)
    third = job(names)
    assert said(third) == "None"
    first.kill()
    first.wait()
    fourth = job(names)
    assert said(fourth) in names
    for process in (second, third, fourth):
        process.communicate(timeout=ENOUGH)


def test_a_process_sees_only_the_gpu_that_it_took(machine: list[str]) -> None:
    take_one_gpu()
    assert visible() == machine[0]


def test_a_job_waits_until_a_gpu_is_free(machine: list[str], caplog: pytest.LogCaptureFixture) -> None:
    others = [job(machine), job(machine)]
    taken = [said(other) for other in others]
    caplog.set_level("INFO")
    ender = threading.Timer(0.5, others[1].kill)
    ender.start()
    begin = time.monotonic()
    take_one_gpu()
    assert visible() == taken[1] and time.monotonic() - begin > 0.4
    assert "each of 2 GPUs has its job; waiting for one" in caplog.text
    others[0].communicate(timeout=ENOUGH)
    others[1].wait()


@pytest.mark.parametrize(("count", "rank"), [(0, None), (1, None), (2, "1")])
def test_without_a_choice_nothing_changes(
    machine: list[str], count: int, rank: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = visible()
    monkeypatch.setattr(torch.cuda, "device_count", lambda: count)
    if rank:
        monkeypatch.setenv("LOCAL_RANK", rank)
    take_one_gpu()
    assert visible() == before and not gpus._claims


def test_on_a_gpu_weights_for_sampling_are_bfloat16(sources: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write_untrained(tmp_path, sources, {"model_type": "gpt2", "n_positions": 64, "n_embd": 32, "n_layer": 2, "n_head": 2})
    assert load_generator(tmp_path, tmp_path / "tokenizer.json")[0].dtype == torch.float32
    moved = PreTrainedModel.to
    places = []

    def to(model: PreTrainedModel, device: str, dtype: torch.dtype) -> PreTrainedModel:
        places.append(device)
        return moved(model, "cpu", dtype)

    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(PreTrainedModel, "to", to)
    assert load_generator(tmp_path, tmp_path / "tokenizer.json")[0].dtype == torch.bfloat16
    assert places == ["cuda"]
