"""One link of the chain, before it is trained: where it begins and ends, on what, and how it is watched."""

import hashlib
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import orjson

from codeparrot.digests import file_digest
from codeparrot.errors import PipelineError
from codeparrot.pretraining.checkpoint import RollingState
from codeparrot.pretraining.optimisation import TrainingSettings


@dataclass(frozen=True)
class TrainingData:
    """What is trained on: packed tokens, or texts that are tokenised while they are read.

    Args:
        index: Index of the training split's packed tokens.
        texts: Instead: parquet or gzip JSON-lines files with a column `content`: paths, globs, or URLs (hf://, https://).
        tokenizer: The tokenizer.json for the texts.
    """

    index: Path | None = None
    texts: Sequence[str] = ()
    tokenizer: Path | None = None

    def __post_init__(self) -> None:
        if (self.index is None) != bool(self.texts and self.tokenizer):
            raise PipelineError("data: expected an index of packed tokens, or texts with their tokenizer")


@dataclass(frozen=True)
class Link:
    """One link: the checkpoint or initial weights that it begins with, the folder it ends in, what it is trained on, the
    updates done at its end, and a digest of the code that trains it."""

    begin: Path
    end: Path
    data: TrainingData
    to_step: int
    code: str

    def beside(self, kind: str) -> Path:
        """A hidden place beside the link's end, which the workflow does not declare."""
        return self.end.with_name(f".{self.end.name}.{kind}")

    def rolling(self, settings: TrainingSettings) -> RollingState:
        """The state inside the link. Its fingerprint covers settings, code, data and the checkpoint that the link begins with."""
        known = [self.data.index or self.data.tokenizer, self.begin / "state.json", self.begin / "model.safetensors"]
        digests = [file_digest(file) for file in known if file]
        parts = [orjson.dumps(asdict(settings)).decode(), self.code, *self.data.texts, *digests]
        return RollingState(self.beside("rolling"), hashlib.sha256("\n".join(parts).encode()).hexdigest())


@dataclass(frozen=True)
class Observation:
    """How a run is watched and saved; it changes no weight.

    Args:
        logs: Folder of a log file for each process and TensorBoard's events; none where it is not given.
        trackers: accelerate's names of further trackers (wandb, trackio).
        save_minutes: Minutes between two rolling states.
    """

    logs: Path | None = None
    trackers: Sequence[str] = ()
    save_minutes: float = 10.0
