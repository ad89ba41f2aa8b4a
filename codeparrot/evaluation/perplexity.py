"""Validation loss and perplexity, and the two yardsticks: a uniform guess and the training split's unigrams."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from codeparrot.allocation import keep_freed_memory
from codeparrot.model import load_model, parameter_count
from codeparrot.pretraining.loss import summed_loss
from codeparrot.pretraining.state import check_tokenizer, read_state
from codeparrot.progress import progress
from codeparrot.tokens import TokenSplit


def chosen_sequences(split: TokenSplit, sequences: int) -> list[int]:
    """The numbers of the sequences to evaluate, evenly spread over the split; all of them where `sequences` is 0."""
    wanted = min(sequences, len(split)) if sequences else len(split)
    return [number * len(split) // wanted for number in range(wanted)]


def perplexity(loss: float) -> float:
    """exp(loss), infinity where that overflows."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


@torch.no_grad()
def validation_loss(checkpoint: Path, index: Path, length: int, sequences: int, batch: int, threads: int) -> dict[str, Any]:
    """The mean loss in nats a token of a checkpoint over a split, each token counted once, in float32.

    Raises PipelineError where the split's tokens are of another tokenizer than the checkpoint.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = load_model(checkpoint).to(device).eval()
    head = model.get_output_embeddings().weight
    split = TokenSplit(index, length)
    check_tokenizer(read_state(checkpoint), checkpoint, index, split.tokenizer_sha256)
    numbers = chosen_sequences(split, sequences)
    total = 0.0
    starts = range(0, len(numbers), batch)
    for start in progress(starts, f"batches of {batch} sequences evaluated", len(starts)):
        ids = torch.from_numpy(split.batch(numbers[start : start + batch])).to(device)
        hidden = model.base_model(ids, use_cache=False).last_hidden_state
        total += float(summed_loss(hidden, head, ids, torch.float32))
    tokens = len(numbers) * (length - 1)
    loss = total / tokens
    return {
        "loss": loss,
        "perplexity": perplexity(loss),
        "tokens": tokens,
        "sequences": len(numbers),
        "parameters": parameter_count(model),
    }


def unigram_loss(counts: NDArray[np.int64], ids: NDArray[np.int64]) -> float:
    """Cross-entropy in nats a token of the unigram distribution `counts`, each count raised by one, on `ids`."""
    smoothed = counts + 1
    return float(-np.log(smoothed[ids] / smoothed.sum()).mean())


def yardsticks(train: Path, valid: Path, vocabulary: int, length: int, sequences: int) -> dict[str, float]:
    """What a model must beat on the evaluated sequences: `uniform` is ln(vocabulary), `unigram` knows only frequencies."""
    counts = TokenSplit(train, length).counts(vocabulary)
    split = TokenSplit(valid, length)
    # The first token of a sequence is never predicted.
    ids = split.batch(chosen_sequences(split, sequences))[:, 1:].ravel()
    return {"uniform": math.log(vocabulary), "unigram": unigram_loss(counts, ids)}
