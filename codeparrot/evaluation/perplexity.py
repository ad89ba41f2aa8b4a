"""Validation loss, perplexity and bits a byte, by position and by kind of text."""

import math
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import torch
from accelerate import PartialState
from torch import Tensor
from torch.nn import functional

from codeparrot.byte_level.alphabet import to_bytes
from codeparrot.evaluation.gpus import take_one_gpu
from codeparrot.evaluation.kinds import Documents
from codeparrot.model.allocation import keep_freed_memory
from codeparrot.model.architecture import parameter_count
from codeparrot.model.weights import load_model
from codeparrot.pretraining.state import check_tokenizer, read_state
from codeparrot.progress import progress
from codeparrot.tokenizer.text_kinds import KINDS
from codeparrot.tokens.packed import TokenSplit

# Positions whose logits are held at once.
CHUNK = 1024


def perplexity(loss: float) -> float:
    """exp(loss), infinity where that overflows."""
    try:
        return math.exp(loss)
    except OverflowError:
        return math.inf


def bits_a_byte(nats: float, size: float) -> float | None:
    """A summed loss as bits a byte of the text, which tokenizers of any vocabulary share; None where there is no text."""
    return float(nats / math.log(2) / size) if size else None


def spellings(tokenizer_file: Path) -> list[bytes]:
    """The bytes of each id of a byte-level tokenizer.json; a special token has none, since no text is spelled by it."""
    settings = orjson.loads(tokenizer_file.read_bytes())
    special = {token["content"]: token["id"] for token in settings["added_tokens"]}
    vocabulary = settings["model"]["vocab"] | special
    found = [b""] * (max(vocabulary.values()) + 1)
    for token, number in vocabulary.items():
        found[number] = b"" if token in special else to_bytes(token)
    return found


def token_losses(hidden: Tensor, head: Tensor, ids: Tensor) -> Tensor:
    """The loss in nats of each predicted token, shape (batch, length - 1), in float32.

    hidden: shape (batch, length, width); head: the output embedding; ids: shape (batch, length).
    """
    flat, targets = hidden[:, :-1].reshape(-1, hidden.shape[-1]).float(), ids[:, 1:].reshape(-1)
    parts = [
        functional.cross_entropy(flat[start : start + CHUNK] @ head.T, targets[start : start + CHUNK], reduction="none")
        for start in range(0, len(flat), CHUNK)
    ]
    return torch.cat(parts).view(len(ids), -1)


def _bins(positions: int) -> Iterator[tuple[int, int]]:
    """1, 2 to 3, 4 to 7, …: first and last position, counted from 1, of bins that double."""
    first = 1
    while first <= positions:
        yield first, min(2 * first - 1, positions)
        first *= 2


@torch.no_grad()
def validation_loss(
    checkpoint: Path, index: Path, length: int, sequences: int, batch: int, threads: int, spelled: Sequence[bytes], end_token: int
) -> dict[str, Any]:
    """The mean loss in nats a token of a checkpoint over a split, each token counted once, in float32, summed in float64.

    Started in several processes (accelerate launch, torchrun), each computes a share of the sequences and all return the same.
    `spelled` are the bytes of each id. Raises PipelineError where split and checkpoint are of different tokenizers.
    """
    keep_freed_memory()
    torch.set_num_threads(threads)
    take_one_gpu()
    state = PartialState(cpu=not torch.cuda.is_available())
    model = load_model(checkpoint).to(state.device).eval()
    head = model.get_output_embeddings().weight.float()
    split = TokenSplit(index, length)
    check_tokenizer(read_state(checkpoint), checkpoint, index, split.tokenizer_sha256)
    numbers = split.evenly_spread(sequences)
    own = numbers[state.process_index :: state.num_processes]
    sizes = np.array([len(token) for token in spelled])
    documents = Documents(split, spelled, end_token)
    # Rows: nats, tokens, bytes. Columns: each position, then each kind of text.
    sums = np.zeros((3, length - 1 + len(KINDS)))
    starts = range(0, len(own), batch)
    for start in progress(starts, f"batches of {batch} sequences evaluated", len(starts)):
        ids = split.batch(own[start : start + batch])
        device_ids = torch.from_numpy(ids).to(state.device)
        hidden = model.base_model(device_ids, use_cache=False).last_hidden_state
        losses = token_losses(hidden, head, device_ids).cpu().numpy().astype(np.float64)
        measures = np.stack([losses, np.ones_like(losses), sizes[ids[:, 1:]]])
        sums[:, : length - 1] += measures.sum(axis=1)
        for row, number in enumerate(own[start : start + batch]):
            sums[:, length - 1 :] += measures[:, row] @ documents.kinds(number)[1:]
    total = torch.from_numpy(sums).to(state.device)
    if state.num_processes > 1:
        torch.distributed.all_reduce(total)
    sums = total.cpu().numpy()
    nats, tokens, size = map(float, sums[:, : length - 1].sum(axis=1))

    def mean(first: int, last: int) -> float:
        part = sums[:2, first:last].sum(axis=1)
        return float(part[0] / part[1])

    of_kinds = {kind: sums[:, length - 1 + number] for number, kind in enumerate(KINDS)}
    return {
        "loss": nats / tokens,
        "perplexity": perplexity(nats / tokens),
        "bits_a_byte": bits_a_byte(nats, size),
        "tokens": int(tokens),
        "sequences": len(numbers),
        "of_sequences": len(split),
        "parameters": parameter_count(model),
        "by_position": [{"first": first, "last": last, "loss": mean(first - 1, last)} for first, last in _bins(length - 1)],
        "by_kind": {
            kind: {"loss": float(part[0] / part[1]), "bits_a_byte": bits_a_byte(part[0], part[2]), "tokens": int(part[1])}
            for kind, part in of_kinds.items()
            if part[1]
        },
    }
