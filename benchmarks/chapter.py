"""The chapter's training loop as it stands there, for comparison: text streamed through a buffer shuffle and tokenised on
the fly, AdamW, logits of the whole batch, and the loss read after every step."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import datasets
import torch
from torch.utils.data import DataLoader, IterableDataset
from transformers import PreTrainedModel, get_scheduler

from codeparrot.pretraining.optimisation import TrainingSettings
from codeparrot.tokenizer.loading import load_tokenizer

CHARACTERS_A_TOKEN = 3.6


class ConstantLengthDataset(IterableDataset[torch.Tensor]):
    """Sequences of one length out of streamed documents, as in the chapter: fill a buffer of characters, tokenise, cut."""

    def __init__(self, tokenizer_file: Path, texts: datasets.IterableDataset, length: int, sequences: int) -> None:
        self.tokenizer = load_tokenizer(tokenizer_file)
        self.texts = texts
        self.length = length
        self.characters = length * CHARACTERS_A_TOKEN * sequences

    def __iter__(self) -> Iterator[torch.Tensor]:
        iterator, more = iter(self.texts), True
        while more:
            buffer: list[str] = []
            filled = 0
            while filled < self.characters:
                try:
                    buffer.append(next(iterator)["content"])
                    filled += len(buffer[-1])
                except StopIteration:
                    iterator = iter(self.texts)
            ids: list[int] = []
            for tokens in self.tokenizer(buffer, truncation=False)["input_ids"]:
                ids += [*tokens, self.tokenizer.eos_token_id]
            for start in range(0, len(ids), self.length):
                piece = ids[start : start + self.length]
                if len(piece) == self.length:
                    yield torch.tensor(piece)


@dataclass(frozen=True)
class Point:
    """Where a run is: updates done, seconds since the start of training, the loss of the last update."""

    step: int
    seconds: float
    loss: float


def train(
    model: PreTrainedModel, tokenizer_file: Path, shards: list[Path], settings: TrainingSettings, steps: int, autocast: bool
) -> Iterator[Point]:
    """Train as the chapter does, on one device; yield a Point after every update."""
    texts = datasets.load_dataset("parquet", data_files=[str(shard) for shard in shards], split="train", streaming=True)
    texts = texts.shuffle(buffer_size=1000, seed=settings.seed)
    dataset = ConstantLengthDataset(tokenizer_file, texts, settings.sequence_length, sequences=1024)
    loader = iter(DataLoader(dataset, batch_size=settings.device_batch))
    device = "cuda" if torch.cuda.is_available() else "cpu"
    model = model.to(device).train()
    plain = [each for name, each in model.named_parameters() if any(part in name for part in ("bias", "LayerNorm.weight"))]
    decayed = [each for name, each in model.named_parameters() if not any(part in name for part in ("bias", "LayerNorm.weight"))]
    groups = [{"params": decayed, "weight_decay": settings.weight_decay}, {"params": plain, "weight_decay": 0.0}]
    optimizer = torch.optim.AdamW(groups, lr=settings.learning_rate)
    scheduler = get_scheduler("cosine", optimizer, settings.warmup_steps, settings.steps)
    accumulation = settings.global_batch // settings.device_batch
    start = time.monotonic()
    for step in range(1, steps + 1):
        for _ in range(accumulation):
            batch = next(loader).to(device)
            with torch.autocast(device, torch.bfloat16, enabled=autocast):
                loss = model(batch, labels=batch, use_cache=False).loss
            (loss / accumulation).backward()
            seen = loss.item()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
        yield Point(step, time.monotonic() - start, seen)
