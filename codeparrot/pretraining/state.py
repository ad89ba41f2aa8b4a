"""Where a run is: the part of a checkpoint that is neither weights nor moments."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import orjson

from codeparrot.errors import PipelineError


@dataclass(frozen=True)
class TrainingState:
    """Where a run is.

    Args:
        step: Updates done.
        tokenizer_sha256: The tokenizer whose tokens the model knows.
        training: The run's settings; none for initial weights.
        position: Where the data are streamed from next; packed tokens need none.
        fingerprint: What it was made from; none for initial weights.
        losses: Losses of the updates since the last line of metrics.
        loss_scale: The loss scale of fp16.
    """

    step: int
    tokenizer_sha256: str
    training: dict[str, Any]
    position: dict[str, Any] = field(default_factory=dict)
    fingerprint: str = ""
    losses: Sequence[float] = ()
    loss_scale: float = 0.0


def check_tokenizer(state: TrainingState, folder: Path, tokens: Path, digest: str) -> None:
    """Raise PipelineError where `tokens` are of another tokenizer, by its `digest`, than the checkpoint in `folder`."""
    if digest != state.tokenizer_sha256:
        raise PipelineError(
            f"{tokens}: of the tokenizer {digest[:12]}, but {folder} was made for the tokenizer {state.tokenizer_sha256[:12]}; "
            "use the model's tokenizer for its tokens"
        )


def write_state(folder: Path, state: TrainingState) -> None:
    """Write state.json."""
    (folder / "state.json").write_bytes(orjson.dumps(asdict(state), option=orjson.OPT_INDENT_2) + b"\n")


def read_state(folder: Path) -> TrainingState:
    """Read state.json; PipelineError names the folder that has none."""
    file = folder / "state.json"
    if not file.is_file():
        raise PipelineError(f"{file}: no such file; expected a checkpoint or what initialise_model makes")
    try:
        return TrainingState(**orjson.loads(file.read_bytes()))
    except (orjson.JSONDecodeError, TypeError) as error:
        raise PipelineError(f"{file}: cannot be read ({error}); delete {folder} and run again") from error
