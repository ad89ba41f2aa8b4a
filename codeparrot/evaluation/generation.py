"""Sampling from a checkpoint, each sample seeded by its own name, and cutting what it wrote to the first block."""

import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerFast, set_seed

from codeparrot.allocation import keep_freed_memory
from codeparrot.chance import draw
from codeparrot.model import load_model
from codeparrot.tokenizer.loading import load_tokenizer

# The chapter's stop markers: what begins a new block at column 0.
NEXT_BLOCK = re.compile(r"\n(?:class|def|#|@|print|if)")


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
    max_new_tokens: int = 128
    seed: int = 1


def first_block(completion: str) -> str:
    """A completion up to the first marker of a next block, right-stripped."""
    return NEXT_BLOCK.split(completion, maxsplit=1)[0].rstrip()


def load_generator(checkpoint: Path, tokenizer_file: Path) -> tuple[PreTrainedModel, PreTrainedTokenizerFast]:
    """A checkpoint ready to generate on this machine's device, with its tokenizer."""
    keep_freed_memory()
    device = "cuda" if torch.cuda.is_available() else "cpu"
    return load_model(checkpoint).to(device).eval(), load_tokenizer(tokenizer_file)


@torch.no_grad()
def complete(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, prompt: str, sampling: Sampling, identity: tuple[str, ...]
) -> str:
    """One completion of `prompt` (not including it), seeded by (seed, identity); a long prompt loses its beginning."""
    set_seed(draw(sampling.seed, *identity) % 2**32)
    positions = model.config.max_position_embeddings
    new_tokens = min(sampling.max_new_tokens, positions // 2)
    ids = [tokenizer.eos_token_id, *tokenizer(prompt)["input_ids"]][-(positions - new_tokens) :]
    chosen: dict[str, Any] = {"do_sample": False}
    if sampling.temperature:
        chosen = {"do_sample": True, "temperature": sampling.temperature, "top_p": sampling.top_p, "top_k": 0}
    inputs = torch.tensor([ids], device=model.device)
    output = model.generate(
        inputs,
        attention_mask=torch.ones_like(inputs),
        max_new_tokens=new_tokens,
        pad_token_id=tokenizer.eos_token_id,
        **chosen,
    )
    return str(tokenizer.decode(output[0, len(ids) :], skip_special_tokens=True))
