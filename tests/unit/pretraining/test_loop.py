"""The training chain on a tiny model: exact loss, exact schedule, links that make up one run."""

import math
from dataclasses import replace
from pathlib import Path

import numpy as np
import polars as pl
import pytest
import torch

from codeparrot.digests import file_digest
from codeparrot.errors import PipelineError
from codeparrot.model.architecture import architecture
from codeparrot.pretraining import loop, memory, optimisation
from codeparrot.pretraining.link import Link, Observation, TrainingData
from codeparrot.pretraining.loop import train_link
from codeparrot.pretraining.metrics import flops_per_token, peak_flops, read_metrics
from codeparrot.pretraining.optimisation import TrainingSettings
from codeparrot.pretraining.state import TrainingState, read_state, write_state
from codeparrot.tokenizer.training import TokenizerSettings, tokenizer_digest, train_tokenizer
from codeparrot.tokens import streamed as streamed_tokens
from tests.unit.pretraining.tiny_training import SETTINGS, TINY, initialise, write_tokens


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with initial weights `init` and the tokens `train.json`."""
    write_tokens(tmp_path, 40)
    initialise(tmp_path / "init", TINY)
    return tmp_path


def link(run: Path, begin: str, end: str, to_step: int, settings: TrainingSettings = SETTINGS) -> Path:
    train_link(Link(run / begin, run / end, TrainingData(run / "train.json"), to_step, "code"), settings, Observation(), 1)
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
    initialise(run / "init", undropped)
    whole = read_metrics(link(run, "init", "whole", 2))
    parts = read_metrics(link(run, "init", "parts", 2, replace(SETTINGS, device_batch=3)))
    assert [line["loss"] for line in whole] == pytest.approx([line["loss"] for line in parts], abs=1e-5)


def test_another_seed_trains_on_another_order(run: Path) -> None:
    other = replace(SETTINGS, seed=2)
    assert weights(link(run, "init", "one", 1)) != weights(link(run, "init", "two", 1, other))


def test_a_batch_larger_than_the_split_is_refused(run: Path) -> None:
    with pytest.raises(PipelineError, match="global_batch: 64: the training split has only 40 sequences of 16; lower the batch"):
        link(run, "init", "end", 1, replace(SETTINGS, global_batch=64))


def test_a_sequence_beyond_the_positions_is_refused(run: Path) -> None:
    with pytest.raises(PipelineError, match="sequence_length: 32: the model has 16 positions"):
        link(run, "init", "end", 1, replace(SETTINGS, sequence_length=32))


def test_a_loss_that_is_no_number_stops_the_run_and_leaves_no_checkpoint(run: Path) -> None:
    with pytest.raises(PipelineError, match=r"the loss is nan .* at update \d; the last good state is .*init"):
        link(run, "init", "end", 4, replace(SETTINGS, learning_rate=1e30, clip=1e30))
    assert not (run / "end").exists()


def test_a_truncated_optimizer_state_is_named(run: Path) -> None:
    file = link(run, "init", "half", 2) / "optimizer.safetensors"
    file.write_bytes(file.read_bytes()[:-10])
    with pytest.raises(PipelineError, match=r"half/optimizer.safetensors: cannot be read .* delete"):
        link(run, "half", "end", 4)


def test_the_first_loss_is_near_a_uniform_guess(run: Path) -> None:
    assert read_metrics(link(run, "init", "end", 1))[0]["loss"] == pytest.approx(math.log(300), abs=0.2)


def test_tokens_of_another_tokenizer_are_refused_before_the_first_update(run: Path) -> None:
    write_state(run / "init", TrainingState(0, "another tokenizer", {}))
    with pytest.raises(PipelineError, match=r"of the tokenizer the tokenize, but .*init was made .* another toke"):
        link(run, "init", "end", 1)


def test_a_checkpoint_of_other_settings_is_refused_by_the_key(run: Path) -> None:
    link(run, "init", "half", 2)
    with pytest.raises(PipelineError, match=r"training: learning_rate: 0.5, but .*half was trained with 0.01"):
        link(run, "half", "end", 4, replace(SETTINGS, learning_rate=0.5))


def test_a_checkpoint_that_is_further_already_is_refused(run: Path) -> None:
    link(run, "init", "end", 4)
    with pytest.raises(PipelineError, match="4 updates are done already, expected fewer than 4"):
        link(run, "end", "more", 4)


def test_a_loss_that_rises_beyond_the_bound_stops_the_run(run: Path) -> None:
    with pytest.raises(PipelineError, match=r"the loss rose to .* more than spike = 0.01 .* last good state is .*init"):
        link(run, "init", "end", 40, replace(SETTINGS, steps=40, spike=0.01, learning_rate=0.3))


def test_a_step_that_does_not_fit_says_which_batch_would(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    config = architecture(TINY, 300, 0)
    fits = memory.needed(10**6, config, replace(SETTINGS, device_batch=4), 1)
    monkeypatch.setattr(memory, "available", lambda device: fits)
    with pytest.raises(PipelineError, match=r"device_batch: 64: a step needs .* left; this would fit: device_batch: 4"):
        memory.check_memory(10**6, config, replace(SETTINGS, device_batch=64), 1, torch.device("cpu"))
    memory.check_memory(10**6, config, replace(SETTINGS, device_batch=4), 1, torch.device("cpu"))


@pytest.mark.parametrize("changes", [{"precision": "bf16"}, {"precision": "fp16"}, {"gradient_checkpointing": True}])
def test_precision_and_checkpointing_change_the_losses_little(
    run: Path, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    # So small a model may be trained with what is slow here.
    monkeypatch.setattr(optimisation, "has_bfloat16", lambda device: True)
    plain = read_metrics(link(run, "init", "plain", 4))
    other = read_metrics(link(run, "init", "other", 4, replace(SETTINGS, **changes)))  # type: ignore[arg-type]
    assert [line["loss"] for line in other] == pytest.approx([line["loss"] for line in plain], abs=0.02)


def test_bfloat16_is_refused_where_the_cpu_has_none(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(optimisation, "has_bfloat16", lambda device: False)
    with pytest.raises(PipelineError, match=r"training: precision: 'bf16': this CPU has none, .*use fp32"):
        link(run, "init", "end", 4, replace(SETTINGS, precision="bf16"))


def test_an_overflow_of_fp16_repeats_the_update_at_half_the_scale(run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    usual = read_metrics(link(run, "init", "usual", 4, replace(SETTINGS, precision="fp16")))
    monkeypatch.setattr(loop, "FIRST_LOSS_SCALE", 2.0**127)
    repeated = read_metrics(link(run, "init", "repeated", 4, replace(SETTINGS, precision="fp16")))
    assert [line["loss"] for line in repeated] == pytest.approx([line["loss"] for line in usual], abs=1e-3)
    assert 0 < read_state(run / "repeated").loss_scale < 2.0**127


def test_two_links_with_muon_give_the_bytes_of_a_run_straight_through(run: Path) -> None:
    settings = replace(SETTINGS, optimizer="muon")
    straight = link(run, "init", "straight", 4, settings)
    link(run, "init", "half", 2, settings)
    assert weights(link(run, "half", "chained", 4, settings)) == weights(straight)


def test_the_loss_is_a_mean_over_the_tokens_that_are_predicted(run: Path) -> None:
    ids = np.fromfile(run / "train-0.bin", "<u2")
    ids[::3] = 0
    ids.tofile(run / "train-0.bin")
    lines = read_metrics(link(run, "init", "end", 1, replace(SETTINGS, within_documents=True)))
    assert lines[0]["loss"] == pytest.approx(math.log(300), abs=0.3)


def test_flops_of_the_books_small_model() -> None:
    # 6 x 111M and 12 x 12 x 768 x 1024 for attention.
    assert flops_per_token(111_008_256, 12, 768, 1024) == pytest.approx(0.779e9, rel=1e-3)
    assert peak_flops("NVIDIA A100-SXM4-40GB") == 312e12 and peak_flops("a CPU") is None


def test_a_tracker_that_is_not_installed_is_named(run: Path) -> None:
    watched = Observation(trackers=("no_such_tracker",))
    with pytest.raises(PipelineError, match="trackers: no_such_tracker: not installed; pip install no_such_tracker"):
        train_link(Link(run / "init", run / "end", TrainingData(run / "train.json"), 1, "code"), SETTINGS, watched, 1)


def test_data_are_an_index_or_texts_with_a_tokenizer() -> None:
    with pytest.raises(PipelineError, match="data: expected an index of packed tokens, or texts with their tokenizer"):
        TrainingData(texts=("a.parquet",))


def test_a_streamed_run_goes_on_where_it_was_stopped(run: Path, sources: list[str], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(streamed_tokens, "SEQUENCES_A_BUFFER", 20)
    train_tokenizer(iter(sources), TokenizerSettings(300)).save(str(run / "tokenizer.json"))
    pl.DataFrame({"content": sources}).write_parquet(run / "texts.parquet")
    write_state(run / "init", TrainingState(0, tokenizer_digest(run / "tokenizer.json"), {}))
    data = TrainingData(texts=(str(run / "texts.parquet"),), tokenizer=run / "tokenizer.json")

    def streamed(begin: str, end: str, to_step: int) -> Path:
        train_link(Link(run / begin, run / end, data, to_step, "code"), replace(SETTINGS, steps=16), Observation(), 1)
        return run / end

    straight = streamed("init", "straight", 16)
    streamed("init", "half", 7)
    assert weights(streamed("half", "chained", 16)) == weights(straight)
