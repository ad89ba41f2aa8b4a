"""What is done before the first update: everything is loaded, and what does not fit together is refused."""

from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path

import numpy as np
from accelerate import Accelerator
from numpy.typing import NDArray
from transformers import PreTrainedModel

from codeparrot.errors import PipelineError
from codeparrot.model.architecture import parameter_count
from codeparrot.model.weights import load_model
from codeparrot.pretraining.checkpoint import load_optimizers
from codeparrot.pretraining.link import Link
from codeparrot.pretraining.memory import check_memory
from codeparrot.pretraining.optimisation import TrainingSettings, check_precision, optimizers
from codeparrot.pretraining.parallel import NextTokenLoss, spread
from codeparrot.pretraining.state import TrainingState, check_tokenizer, read_state
from codeparrot.pretraining.update import Run, packed_sequences, streamed_sequences
from codeparrot.tokenizer.training import tokenizer_digest
from codeparrot.tokens.packed import TokenSplit
from codeparrot.tokens.streamed import Position, TextStream


def _check(settings: TrainingSettings, model: PreTrainedModel, state: TrainingState, link: Link) -> None:
    if state.step >= link.to_step:
        raise PipelineError(f"{link.begin}: {state.step} updates are done already, expected fewer than {link.to_step}")
    for key, value in asdict(settings).items():
        if state.training and state.training.get(key) != value:
            raise PipelineError(
                f"training: {key}: {value!r}, but {link.begin} was trained with {state.training.get(key)!r}; use the same "
                "settings, or start from the initial weights"
            )
    if settings.sequence_length > model.config.max_position_embeddings:
        raise PipelineError(
            f"training: sequence_length: {settings.sequence_length}: the model has {model.config.max_position_embeddings} "
            "positions; shorten it or raise the model's positions under architecture:"
        )


def _sequences(
    accelerator: Accelerator, link: Link, settings: TrainingSettings, state: TrainingState
) -> Iterator[tuple[NDArray[np.int64], Position]]:
    """This process's sequences of each update from `state` on; PipelineError where they are not this model's, or too few."""
    data = link.data
    if data.tokenizer:
        check_tokenizer(state, link.begin, data.tokenizer, tokenizer_digest(data.tokenizer))
        stream = TextStream(data.texts, data.tokenizer, settings.sequence_length, settings.seed)
        return streamed_sequences(stream, settings, Position(**state.position), accelerator)
    assert data.index
    split = TokenSplit(data.index, settings.sequence_length)
    check_tokenizer(state, link.begin, data.index, split.tokenizer_sha256)
    if len(split) < settings.global_batch:
        raise PipelineError(
            f"training: global_batch: {settings.global_batch}: the training split has only {len(split)} sequences of "
            f"{settings.sequence_length}; lower the batch or give the corpus more files"
        )
    return packed_sequences(split, settings, state.step, accelerator)


def prepare(accelerator: Accelerator, link: Link, start: Path, settings: TrainingSettings) -> Run:
    """Load model and optimisers from `start` and spread them over the processes; PipelineError where things do not fit."""
    processes = accelerator.num_processes
    if settings.global_batch % processes:
        raise PipelineError(
            f"training: global_batch: {settings.global_batch}: {processes} processes do not divide it; "
            "change it or the number of processes"
        )
    check_precision(settings.precision, accelerator.device)
    state = read_state(start)
    sequences = _sequences(accelerator, link, settings, state)
    model = load_model(start)
    _check(settings, model, state, link)
    check_memory(parameter_count(model), model.config, settings, processes, accelerator.device)
    model.train()
    loss_of = spread(NextTokenLoss(model, settings), accelerator, settings)
    made = optimizers(model, settings)
    if state.step:
        load_optimizers(start, model, made)
    parameters = [parameter for optimizer in made for group in optimizer.param_groups for parameter in group["params"]]
    return Run(accelerator, settings, sequences, model, loss_of, made, parameters)
