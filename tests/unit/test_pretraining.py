"""The training chain on a tiny model: exact loss, exact schedule, links that make up one run."""

import math
from pathlib import Path

import numpy as np
import orjson
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from torch.nn import functional

from codeparrot.errors import PipelineError
from codeparrot.model import architecture, initialised_model, parameter_count
from codeparrot.pretraining.checkpoint import read_metrics
from codeparrot.pretraining.loop import train_link
from codeparrot.pretraining.loss import summed_loss
from codeparrot.pretraining.optimisation import TrainingSettings, learning_rate, parameter_groups
from codeparrot.staleness import file_digest

TINY = {"model_type": "gpt2", "n_positions": 16, "n_embd": 16, "n_layer": 1, "n_head": 2}
SETTINGS = TrainingSettings(
    sequence_length=16, global_batch=4, device_batch=4, steps=4, learning_rate=1e-2, warmup_steps=2, precision="fp32", log_every=1
)


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with initial weights `init` and the tokens `train.json`."""
    ids = np.random.default_rng(1).integers(0, 300, 16 * 40).astype("<u2")
    (tmp_path / "train-0.bin").write_bytes(ids.tobytes())
    shard = {
        "file": "train-0.bin",
        "documents": 1,
        "tokens": len(ids),
        "bytes": 1,
        "dtype": "<u2",
        "sha256": "",
        "tokenizer_sha256": "",
    }
    (tmp_path / "train.json").write_bytes(orjson.dumps({"shards": [shard]}))
    initialised_model(architecture(TINY, 300, 0), 1).save_pretrained(tmp_path / "init")
    return tmp_path


def link(run: Path, begin: str, end: str, to_step: int, settings: TrainingSettings = SETTINGS) -> Path:
    train_link(run / begin, run / end, run / "train.json", settings, to_step, 1)
    return run / end


def weights(folder: Path) -> str:
    return file_digest(folder / "model.safetensors")


def test_two_links_give_the_bytes_of_a_run_straight_through(run: Path) -> None:
    straight = link(run, "init", "straight", 4)
    link(run, "init", "half", 2)
    chained = link(run, "half", "chained", 4)
    assert weights(chained) == weights(straight) != weights(run / "half")
    assert file_digest(chained / "optimizer.safetensors") == file_digest(straight / "optimizer.safetensors")


def test_the_history_travels_with_the_chain_and_has_each_step_once(run: Path) -> None:
    link(run, "init", "half", 2)
    assert [line["step"] for line in read_metrics(link(run, "half", "end", 4))] == [1, 2, 3, 4]


def test_accumulation_changes_the_loss_by_rounding_only(run: Path) -> None:
    undropped = {**TINY, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    initialised_model(architecture(undropped, 300, 0), 1).save_pretrained(run / "init")
    whole = read_metrics(link(run, "init", "whole", 2))
    parts = read_metrics(link(run, "init", "parts", 2, TrainingSettings(**{**SETTINGS.__dict__, "device_batch": 3})))
    assert [line["loss"] for line in whole] == pytest.approx([line["loss"] for line in parts], abs=1e-5)


def test_another_seed_trains_on_another_order(run: Path) -> None:
    other = TrainingSettings(**{**SETTINGS.__dict__, "seed": 2})
    assert weights(link(run, "init", "one", 1)) != weights(link(run, "init", "two", 1, other))


def test_a_batch_larger_than_the_split_is_refused(run: Path) -> None:
    with pytest.raises(PipelineError, match="global_batch: 64: the training split has only 40 sequences of 16; lower the batch"):
        link(run, "init", "end", 1, TrainingSettings(**{**SETTINGS.__dict__, "global_batch": 64}))


def test_a_sequence_beyond_the_positions_is_refused(run: Path) -> None:
    with pytest.raises(PipelineError, match="sequence_length: 32: the model has 16 positions"):
        link(run, "init", "end", 1, TrainingSettings(**{**SETTINGS.__dict__, "sequence_length": 32}))


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_no_checkpoint(run: Path) -> None:
    with pytest.raises(PipelineError, match=r"the loss is nan at update \d; the last good state is .*init"):
        link(run, "init", "end", 4, TrainingSettings(**{**SETTINGS.__dict__, "learning_rate": 1e30, "clip": 1e30}))
    assert not (run / "end").exists()


def test_a_truncated_optimizer_state_is_named(run: Path) -> None:
    file = link(run, "init", "half", 2) / "optimizer.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(PipelineError, match=r"half/optimizer.safetensors: cannot be read .* delete"):
        link(run, "half", "end", 4)


@pytest.mark.parametrize("length", [2, 700, 1500])
def test_the_chunked_loss_and_its_gradients_are_those_of_whole_logits(length: int) -> None:
    torch.manual_seed(0)
    hidden, weight = torch.randn(2, length, 8, requires_grad=True), torch.randn(50, 8, requires_grad=True)
    ids = torch.randint(0, 50, (2, length))
    logits = (hidden @ weight.T)[:, :-1].flatten(0, 1)
    expected = functional.cross_entropy(logits, ids[:, 1:].flatten(), reduction="sum")
    found = summed_loss(hidden, weight, ids, torch.float32)
    assert torch.allclose(found, expected, rtol=1e-5)
    gradients = zip(torch.autograd.grad(found, [hidden, weight]), torch.autograd.grad(expected, [hidden, weight]), strict=True)
    assert all(torch.allclose(one, two, atol=1e-3, rtol=1e-4) for one, two in gradients)


@given(st.integers(1, 50), st.integers(51, 500))
def test_the_rate_rises_to_its_peak_and_falls_and_is_never_zero(warmup: int, steps: int) -> None:
    settings = TrainingSettings(**{**SETTINGS.__dict__, "warmup_steps": warmup, "steps": steps})
    rates = [learning_rate(step, settings) for step in range(steps)]
    assert min(rates) > 0 and max(rates) == rates[warmup - 1] == settings.learning_rate
    assert rates[:warmup] == sorted(rates[:warmup]) and rates[warmup:] == sorted(rates[warmup:], reverse=True)


def test_biases_and_normalisations_do_not_decay_and_every_parameter_has_one_group() -> None:
    model = initialised_model(architecture(TINY, 300, 0), 1)
    names = {id(parameter): name for name, parameter in model.named_parameters()}
    decayed, plain = ({names[id(p)] for p in group["params"]} for group in parameter_groups(model, 0.1))  # type: ignore[attr-defined]
    assert plain == {name for name in names.values() if ".ln_" in name or name.endswith("bias")}
    assert decayed == set(names.values()) - plain and "transformer.wte.weight" in decayed


@pytest.mark.parametrize(
    ("shape", "parameters"), [({}, 111_008_256), ({"n_layer": 48, "n_head": 25, "n_embd": 1600}, 1_529_628_800)]
)
def test_the_books_models_have_the_books_size(shape: dict[str, int], parameters: int) -> None:
    with torch.device("meta"):
        model = initialised_model(architecture({"model_type": "gpt2", **shape}, 32768, 0), 1)
    assert parameter_count(model) == parameters
    assert (model.config.bos_token_id, model.config.eos_token_id) == (0, 0)


def test_the_seed_decides_the_initial_weights() -> None:
    one, two, other = (initialised_model(architecture(TINY, 300, 0), seed).state_dict() for seed in (1, 1, 2))
    name = "transformer.wte.weight"
    assert torch.equal(one[name], two[name]) and not torch.equal(one[name], other[name])


def test_a_setting_that_the_architecture_lacks_is_refused() -> None:
    with pytest.raises(PipelineError, match="architecture: n_layers: not a setting of model_type gpt2"):
        architecture({"model_type": "gpt2", "n_layers": 3}, 300, 0)


def test_the_first_loss_is_near_a_uniform_guess(run: Path) -> None:
    assert read_metrics(link(run, "init", "end", 1))[0]["loss"] == pytest.approx(math.log(300), abs=0.2)
