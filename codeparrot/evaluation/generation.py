"""Sampling from a checkpoint: many prompts at once, each sample with random numbers of its own.

Prompts are sorted by length, a prompt of several samples is read once, the next sample takes the place of a finished one, and
keys and values lie in buffers with room. A sample's numbers are a function of its seed and name, so batches, jobs and GPUs change
it only where two tokens are as near as sums are rounded.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from transformers import Cache, DynamicCache, PreTrainedModel, PreTrainedTokenizerFast
from transformers.cache_utils import DynamicLayer

from codeparrot.chance import draw
from codeparrot.evaluation.drawing import drawn
from codeparrot.evaluation.gpus import take_one_gpu
from codeparrot.model.allocation import keep_freed_memory
from codeparrot.model.weights import load_model
from codeparrot.tokenizer.loading import load_tokenizer

Ended = Literal["end token", "stop", "length"]
# A stop is looked for in so many of the last tokens.
TAIL = 16
# New samples come once such a share of the batch is finished: a prompt costs less to read beside others.
FINISHED_SHARE = 1 / 8
# Columns of the cache beyond the longest sample: after so many steps all are moved to its beginning.
SPARE_COLUMNS = 128


@dataclass(frozen=True)
class Sampling:
    """How tokens are drawn: the CodeParrot authors' values.

    Args:
        temperature: 0 takes the likeliest token.
        top_p: Share of the probability that is drawn from.
        max_new_tokens: Longest completion.
        seed: Seed; with the sample's name it decides the draw.
    """

    temperature: float = 0.2
    top_p: float = 0.95
    max_new_tokens: int = 256
    seed: int = 1


@dataclass(frozen=True)
class Request:
    """A sample that is asked for: its prompt, its name, what ends it besides the end token, and how it is drawn."""

    prompt: str
    identity: tuple[str, ...]
    stops: tuple[str, ...]
    sampling: Sampling

    @property
    def seed(self) -> int:
        """What all of its random numbers come from: a hash of seed and name, 64 bits."""
        return draw(self.sampling.seed, *self.identity)


@dataclass(frozen=True)
class Written:
    """What the model wrote after a prompt.

    Args:
        text: Without the end token; with the stop that ended it.
        tokens: How many it wrote.
        ended: By the end token, by a stop, or by the length that it was given.
        prompt_cut: Tokens of the prompt's beginning that the context had no room for.
    """

    text: str
    tokens: int
    ended: Ended
    prompt_cut: int


class _SlotLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values of all slots in buffers with room, so that a step writes its own and copies none of those before it.

    Shape of a buffer: (slots, heads, columns, width of a head).
    """

    def __init__(self, keys: Tensor, values: Tensor, slots: int, columns: int) -> None:
        super().__init__()
        self.lazy_initialization(keys, values)
        self._buffers = [each.new_zeros(slots, each.shape[1], columns, each.shape[3]) for each in (keys, values)]
        self.show(0)

    def show(self, filled: int) -> None:
        """Let the first columns be what is attended to."""
        self.keys, self.values = (buffer[:, :, :filled] for buffer in self._buffers)

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        filled = self.get_seq_length()
        for buffer, new in zip(self._buffers, (keys, values), strict=True):
            buffer[:, :, filled] = new[:, :, 0]
        self.show(filled + 1)
        return self.keys, self.values

    def put(self, places: Tensor, sources: Tensor, keys: Tensor, values: Tensor) -> None:
        """Put rows `sources` of read prompts into slots `places`, so that they end where all end."""
        end = self.get_seq_length()
        for buffer, new in zip(self._buffers, (keys, values), strict=True):
            buffer[places, :, end - new.shape[2] : end] = new[sources]

    def move(self, columns: int) -> None:
        """Move what there is to the right, or with a negative number to the left."""
        filled = self.get_seq_length()
        first = max(0, -columns)
        for buffer in self._buffers:
            buffer[:, :, first + columns : filled + columns] = buffer[:, :, first:filled].clone()
        self.show(filled + columns)

    def batch_select_indices(self, indices: Tensor) -> None:
        self._buffers = [buffer[indices] for buffer in self._buffers]
        self.show(self.get_seq_length())


class _Row:
    """One sample while it is written."""

    def __init__(self, number: int, request: Request, ids: list[int], new_tokens: int, prompt_cut: int) -> None:
        self.number, self.request, self.ids, self.new_tokens, self.prompt_cut = number, request, ids, new_tokens, prompt_cut
        self.written: list[int] = []
        # The key of each draw.
        self.draws = np.random.Generator(np.random.Philox(key=request.seed)).integers(2**63, size=new_tokens)
        self.ended: Ended | None = None


def load_generator(checkpoint: Path, tokenizer_file: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A checkpoint ready to generate on this machine's device (bfloat16 on a GPU), with its tokenizer.

    Raises PipelineError where the folder is no checkpoint or the tokenizer is missing.
    """
    tokenizer = load_tokenizer(tokenizer_file)
    keep_freed_memory()
    take_one_gpu()
    model = load_model(checkpoint).eval()
    return model.to("cuda", torch.bfloat16) if torch.cuda.is_available() else model, tokenizer


class _Batch:
    """Samples that are written side by side. Each has a slot; a slot whose sample is finished takes another one.

    All slots end at one column of the cache; each begins at a column of its own, and what lies before that is masked.
    """

    def __init__(self, model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, slots: int, columns: int) -> None:
        self.model, self.tokenizer, self.columns = model, tokenizer, columns
        self.rows: list[_Row | None] = [None] * slots
        self.starts = torch.zeros(slots, dtype=torch.long, device=model.device)
        self.logits = torch.zeros(slots, model.config.vocab_size, device=model.device)
        self.cache: Cache | None = None

    @property
    def filled(self) -> int:
        return int(self.cache.get_seq_length()) if self.cache else 0

    def _each_layer(self) -> list[_SlotLayer]:
        return list(self.cache.layers) if self.cache else []

    def _move(self, columns: int) -> None:
        for layer in self._each_layer():
            layer.move(columns)
        self.starts += columns

    def take(self, rows: Sequence[_Row]) -> None:
        """Read the prompts of new samples, each prompt once, into free slots."""
        device = self.model.device
        places = [place for place, row in enumerate(self.rows) if row is None][: len(rows)]
        groups = [list(group) for _, group in groupby(rows, key=lambda row: row.ids)]
        width = max(len(group[0].ids) for group in groups)
        prompts = torch.full((len(groups), width), self.tokenizer.eos_token_id)
        mask = torch.zeros((len(groups), width), dtype=torch.long)
        for number, group in enumerate(groups):
            prompts[number, width - len(group[0].ids) :] = torch.tensor(group[0].ids)
            mask[number, width - len(group[0].ids) :] = 1
        read = DynamicCache()
        logits = self.model(
            prompts.to(device),
            attention_mask=mask.to(device),
            position_ids=(mask.cumsum(-1) - 1).clamp(min=0).to(device),
            past_key_values=read,
            use_cache=True,
            logits_to_keep=1,
        ).logits[:, -1]
        if self.cache is None:
            self.cache = Cache(
                layers=[_SlotLayer(layer.keys, layer.values, len(self.rows), self.columns) for layer in read.layers]
            )
        if self.filled < width:
            self._move(width - self.filled)
        sources = torch.repeat_interleave(torch.tensor(list(map(len, groups)))).to(device)
        where = torch.tensor(places, device=device)
        for layer, new in zip(self._each_layer(), read.layers, strict=True):
            layer.put(where, sources, new.keys, new.values)
        self.logits[where] = logits[sources].float()
        self.starts[where] = torch.tensor([self.filled - len(row.ids) for row in rows], device=device)
        for place, row in zip(places, rows, strict=True):
            self.rows[place] = row

    def shrink(self) -> None:
        """Give up the slots without a sample."""
        kept = torch.tensor([place for place, row in enumerate(self.rows) if row], device=self.model.device)
        if self.cache:
            self.cache.batch_select_indices(kept)
        self.starts, self.logits = self.starts[kept], self.logits[kept]
        self.rows = [row for row in self.rows if row]

    def step(self) -> list[_Row]:
        """Write a token of every sample, and return those that are finished by it."""
        finished = []
        live = [(place, row) for place, row in enumerate(self.rows) if row]
        where = torch.tensor([place for place, _ in live], device=self.model.device)

        def each(values: list[float]) -> Tensor:
            return torch.tensor(values, dtype=torch.float64, device=self.model.device)

        temperature = each([row.request.sampling.temperature for _, row in live])
        top_p = each([row.request.sampling.top_p for _, row in live])
        draws = torch.tensor([int(row.draws[len(row.written)]) for _, row in live], device=self.model.device)
        chosen = drawn(self.logits[where], temperature, top_p, draws)
        for (place, row), token in zip(live, chosen.tolist(), strict=True):
            self._append(row, token)
            if row.ended:
                self.rows[place] = None
                finished.append(row)
        if len(finished) < len(live):
            tokens = torch.full((len(self.rows),), self.tokenizer.eos_token_id, device=self.model.device)
            tokens[where] = chosen
            self._read(tokens)
        return finished

    def _append(self, row: _Row, token: int) -> None:
        if token == self.tokenizer.eos_token_id:
            row.ended = "end token"
            return
        row.written.append(token)
        tail = self.tokenizer.decode(row.written[-TAIL:], clean_up_tokenization_spaces=False) if row.request.stops else ""
        if any(stop in tail for stop in row.request.stops):
            row.ended = "stop"
        elif len(row.written) == row.new_tokens:
            row.ended = "length"

    def _read(self, tokens: Tensor) -> None:
        if self.filled == self.columns:
            self._move(-min(int(self.starts[place]) for place, row in enumerate(self.rows) if row))
        columns = torch.arange(self.filled + 1, device=self.model.device)
        self.logits = (
            self.model(
                tokens[:, None],
                attention_mask=(columns >= self.starts[:, None]).long(),
                position_ids=(self.filled - self.starts)[:, None].clamp(max=self.model.config.max_position_embeddings - 1),
                past_key_values=self.cache,
                use_cache=True,
            )
            .logits[:, -1]
            .float()
        )


def _write(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, rows: Sequence[_Row], slots: int) -> Iterator[_Row]:
    """Write samples, so many at once; each is yielded as soon as it is finished. Rows of equal prompts stand together."""
    longest = max((len(row.ids) + row.new_tokens for row in rows), default=0)
    batch, pending = _Batch(model, tokenizer, min(slots, len(rows)), longest + SPARE_COLUMNS), deque(rows)
    while pending or any(batch.rows):
        free = batch.rows.count(None)
        if pending and free >= FINISHED_SHARE * len(batch.rows):
            batch.take([pending.popleft() for _ in range(min(free, len(pending)))])
        elif not pending and free >= FINISHED_SHARE * len(batch.rows):
            batch.shrink()
        yield from batch.step()


def fitted(
    requests: Sequence[Request], tokenizer: PreTrainedTokenizerFast, positions: int
) -> Iterator[tuple[list[int], int, int]]:
    """Of each request the ids of its prompt, how many new tokens it may have, and how many ids of the prompt had no room.

    A prompt follows the end token, as each document does in training. A prompt that the context has no room for loses its
    beginning; at least half of the context is the prompt's.
    """
    encoded = {prompt: tokenizer(prompt)["input_ids"] for prompt in {request.prompt for request in requests}}
    for request in requests:
        new_tokens = min(request.sampling.max_new_tokens, positions // 2)
        ids = [tokenizer.eos_token_id, *encoded[request.prompt]]
        cut = max(0, len(ids) - (positions - new_tokens))
        yield ids[cut:], new_tokens, cut


def spelled(tokenizer: PreTrainedTokenizerFast, ids: list[int], ended: Ended, prompt_cut: int) -> Written:
    """What was written, from its ids without the end token."""
    text = tokenizer.decode(ids, skip_special_tokens=True, clean_up_tokenization_spaces=False)
    return Written(text, len(ids), ended, prompt_cut)


@torch.inference_mode()
def generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, requests: Sequence[Request], batch: int
) -> Iterator[tuple[int, Written]]:
    """What the model writes for each request, with the request's number, in the order in which they are finished."""
    fits = fitted(requests, tokenizer, model.config.max_position_embeddings)
    rows = [_Row(number, request, *fit) for number, (request, fit) in enumerate(zip(requests, fits, strict=True))]
    rows.sort(key=lambda row: (len(row.ids), row.ids))
    for row in _write(model, tokenizer, rows, batch):
        yield row.number, spelled(tokenizer, row.written, row.ended or "length", row.prompt_cut)
