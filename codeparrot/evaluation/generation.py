"""Sampling from a checkpoint: many prompts at once, each sample with random numbers of its own.

Prompts are sorted by length, a prompt of several samples is read once, finished rows leave the batch, and keys and values lie in
buffers with room. A sample's numbers are a function of its seed and name, so batches, jobs and GPUs change it by no more than
the rounding of sums does.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from torch import Tensor
from transformers import Cache, PreTrainedModel, PreTrainedTokenizerFast
from transformers.cache_utils import DynamicLayer

from codeparrot.allocation import keep_freed_memory
from codeparrot.chance import draw
from codeparrot.errors import PipelineError
from codeparrot.model import load_model
from codeparrot.tokenizer.loading import load_tokenizer

# A stop is looked for in so many of the last tokens.
TAIL = 16
# Of a step's logits so many are sorted; all of them where these have not the share that is drawn from.
MOST_LIKELY = 256
# Finished rows leave once they are such a share of the batch, since what stays is copied.
FINISHED_SHARE = 1 / 8


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
    ended: Literal["end token", "stop", "length"]
    prompt_cut: int


class _RoomyLayer(DynamicLayer):  # type: ignore[misc]
    """Keys and values in buffers with room, so that a step writes its own and copies none of those before it."""

    room = 256

    def update(self, keys: Tensor, values: Tensor, *_: Any, **__: Any) -> tuple[Tensor, Tensor]:
        filled = self.get_seq_length()
        if not self.is_initialized:
            self.lazy_initialization(keys, values)
            self._buffers: list[Tensor] = []
        end = filled + keys.shape[-2]
        if not self._buffers or end > self._buffers[0].shape[-2]:
            held = self._buffers
            self._buffers = [new.new_empty(*new.shape[:-2], end + self.room, new.shape[-1]) for new in (keys, values)]
            for buffer, old in zip(self._buffers, held, strict=False):
                buffer[..., :filled, :] = old[..., :filled, :]
        for buffer, new in zip(self._buffers, (keys, values), strict=True):
            buffer[..., filled:end, :] = new
        self.keys, self.values = (buffer[..., :end, :] for buffer in self._buffers)
        return self.keys, self.values

    def batch_select_indices(self, indices: Tensor) -> None:
        self._buffers = [buffer[indices] for buffer in self._buffers]
        filled = self.get_seq_length()
        self.keys, self.values = (buffer[..., :filled, :] for buffer in self._buffers)


class _Row:
    """One sample while it is written."""

    def __init__(self, number: int, request: Request, ids: list[int], new_tokens: int, prompt_cut: int) -> None:
        self.number, self.request, self.ids, self.new_tokens, self.prompt_cut = number, request, ids, new_tokens, prompt_cut
        self.written: list[int] = []
        seed = draw(request.sampling.seed, *request.identity)
        self.chances = np.random.Generator(np.random.Philox(key=seed)).random(new_tokens)
        self.ended: Literal["end token", "stop", "length"] | None = None


def load_generator(checkpoint: Path, tokenizer_file: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A checkpoint ready to generate on this machine's device (bfloat16 on a GPU), with its tokenizer.

    Raises PipelineError where the folder is no checkpoint or the tokenizer is missing.
    """
    if not tokenizer_file.is_file():
        raise PipelineError(f"{tokenizer_file}: there is no such file; expected the tokenizer.json of {checkpoint}")
    keep_freed_memory()
    model = load_model(checkpoint).eval()
    return model.to("cuda", torch.bfloat16) if torch.cuda.is_available() else model, load_tokenizer(tokenizer_file)


def drawn(logits: Tensor, temperature: Tensor, top_p: Tensor, chances: Tensor) -> Tensor:
    """A token for each row: of the likeliest that together have at least `top_p` of the probability (Holtzman et al. 2020).

    logits: shape (rows, vocabulary), float32; the others: shape (rows,); a temperature of 0 takes the likeliest. `chances` are
    uniform in [0, 1): the token is where the cumulated probability passes them.
    """
    scaled = logits / temperature.clamp(min=1e-6)[:, None]
    normaliser = torch.logsumexp(scaled, dim=-1, keepdim=True)
    for most in (min(MOST_LIKELY, logits.shape[-1]), logits.shape[-1]):
        found, tokens = scaled.topk(most)
        shares = (found - normaliser).double().exp()
        cumulated = shares.cumsum(-1)
        if bool((cumulated[:, -1] >= top_p).all()):
            break
    kept = (cumulated - shares) < top_p[:, None]
    total = (shares * kept).sum(-1)
    place = (cumulated <= (chances * total)[:, None]).sum(-1)
    place = torch.minimum(place, kept.sum(-1) - 1) * (temperature > 0)
    return tokens.gather(1, place[:, None])[:, 0]


def _write(model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, rows: list[_Row]) -> Iterator[_Row]:
    """Write the samples of one batch; each row as soon as it is finished. Rows of equal prompts stand together."""
    device, end_token = model.device, tokenizer.eos_token_id
    groups = [list(group) for _, group in groupby(rows, key=lambda row: row.ids)]
    width = max(len(group[0].ids) for group in groups)
    prompts = torch.full((len(groups), width), end_token)
    mask = torch.zeros((len(groups), width), dtype=torch.long)
    for number, group in enumerate(groups):
        ids = group[0].ids
        prompts[number, width - len(ids) :] = torch.tensor(ids)
        mask[number, width - len(ids) :] = 1
    repeated = torch.repeat_interleave(torch.tensor(list(map(len, groups)))).to(device)
    prompts, mask = prompts.to(device), mask.to(device)
    cache = Cache(layer_class_to_replicate=_RoomyLayer)
    positions = (mask.cumsum(-1) - 1).clamp(min=0)
    steps = max(row.new_tokens for row in rows)
    logits = model(
        prompts, attention_mask=mask, position_ids=positions, past_key_values=cache, use_cache=True, logits_to_keep=1
    ).logits[:, -1]
    cache.batch_select_indices(repeated)
    logits, mask, position = logits[repeated], mask[repeated], positions[repeated, -1]
    mask = torch.cat([mask, mask.new_ones(len(rows), steps)], dim=1)
    live = rows

    def of_rows(values: list[float]) -> Tensor:
        return torch.tensor(values, dtype=torch.float64, device=device)

    for step in range(steps):
        temperature = of_rows([row.request.sampling.temperature for row in live])
        top_p = of_rows([row.request.sampling.top_p for row in live])
        chances = of_rows([row.chances[min(step, row.new_tokens - 1)] for row in live])
        tokens = drawn(logits.float(), temperature, top_p, chances)
        for row, token in zip(live, tokens.tolist(), strict=True):
            if row.ended:
                continue
            if token == end_token:
                row.ended = "end token"
            else:
                row.written.append(token)
                tail = tokenizer.decode(row.written[-TAIL:], clean_up_tokenization_spaces=False)
                if any(stop in tail for stop in row.request.stops):
                    row.ended = "stop"
                elif len(row.written) == row.new_tokens:
                    row.ended = "length"
            if row.ended:
                yield row
        staying = [place for place, row in enumerate(live) if not row.ended]
        if not staying:
            return
        if len(live) - len(staying) >= FINISHED_SHARE * len(live):
            kept = torch.tensor(staying, device=device)
            cache.batch_select_indices(kept)
            tokens, mask, position, live = tokens[kept], mask[kept], position[kept], [live[place] for place in staying]
        position = position + 1
        logits = model(
            tokens[:, None],
            attention_mask=mask[:, : width + step + 1],
            position_ids=position[:, None],
            past_key_values=cache,
            use_cache=True,
        ).logits[:, -1]


@torch.inference_mode()
def generate(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, requests: Sequence[Request], batch: int
) -> Iterator[tuple[int, Written]]:
    """What the model writes for each request, with the request's number, in the order in which they are finished.

    A prompt follows the end token, as each document does in training. A prompt that the context has no room for loses its
    beginning; at least half of the context is the prompt's.
    """
    positions = model.config.max_position_embeddings
    encoded = {prompt: tokenizer(prompt)["input_ids"] for prompt in {request.prompt for request in requests}}
    rows = []
    for number, request in enumerate(requests):
        new_tokens = min(request.sampling.max_new_tokens, positions // 2)
        ids = [tokenizer.eos_token_id, *encoded[request.prompt]]
        cut = max(0, len(ids) - (positions - new_tokens))
        rows.append(_Row(number, request, ids[cut:], new_tokens, cut))
    rows.sort(key=lambda row: (len(row.ids), row.ids))
    for start in range(0, len(rows), batch):
        for row in _write(model, tokenizer, rows[start : start + batch]):
            text = tokenizer.decode(row.written, skip_special_tokens=True, clean_up_tokenization_spaces=False)
            yield row.number, Written(text, len(row.written), row.ended or "length", row.prompt_cut)
