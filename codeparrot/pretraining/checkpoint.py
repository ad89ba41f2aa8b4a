"""A checkpoint: everything that the next link needs, as safetensors and JSON; loading it runs no pickled code.

    config.json, generation_config.json, model.safetensors   what from_pretrained loads
    optimizer.safetensors                                    the moments and step count of every parameter
    state.json                                               TrainingState
    metrics.jsonl                                            the whole run so far, one line every few updates

The order of the data, the learning rate and the state of dropout are functions of (seed, update), so they need no place
here. A rolling state inside a link is a checkpoint, too.
"""

import logging
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import torch
from safetensors.torch import load_file, save_file
from torch import Tensor
from torch.distributed.tensor import DTensor, distribute_tensor
from transformers import PreTrainedModel

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError
from codeparrot.pretraining.metrics import Metrics, write_metrics
from codeparrot.pretraining.state import TrainingState, read_state, write_state

log = logging.getLogger(__name__)


def _whole(tensor: Tensor) -> Tensor:
    """A tensor on the CPU, gathered from all processes where it is sharded."""
    if isinstance(tensor, DTensor):
        tensor = tensor.full_tensor()
    return tensor.detach().cpu().contiguous()


def _like(value: Tensor, parameter: Tensor) -> Tensor:
    """A state's value where its parameter is: on its device, sharded as it is."""
    if isinstance(parameter, DTensor) and value.dim():
        return distribute_tensor(value.to(parameter.device), parameter.device_mesh, parameter.placements)
    return value.to(parameter.device)


def save_checkpoint(
    folder: Path,
    model: PreTrainedModel,
    optimizers: Sequence[torch.optim.Optimizer],
    state: TrainingState,
    metrics: Sequence[Metrics],
    write: bool,
) -> None:
    """Write a checkpoint, whole or not at all. Every process calls this, since it gathers shards; those with `write` write."""
    states = {key: value for optimizer in optimizers for key, value in optimizer.state.items()}
    weights: dict[str, Tensor] = {}
    moments: dict[str, Tensor] = {}
    for name, parameter in model.named_parameters():
        whole = {name: _whole(parameter)} | {f"{name}/{key}": _whole(value) for key, value in states[parameter].items()}
        if write:
            weights[name] = whole.pop(name)
            moments |= whole
    if not write:
        return
    with written_beside(folder) as beside:
        model.save_pretrained(beside, state_dict=weights)
        save_file(moments, beside / "optimizer.safetensors")
        write_state(beside, state)
        write_metrics(beside / "metrics.jsonl", metrics)


def load_optimizers(folder: Path, model: PreTrainedModel, optimizers: Sequence[torch.optim.Optimizer]) -> None:
    """Restore the optimizers' state from `folder`, sharded as the parameters are."""
    file = folder / "optimizer.safetensors"
    try:
        moments = load_file(file)
    except Exception as error:
        raise PipelineError(f"{file}: cannot be read ({error}); delete {folder} and run again") from error
    of_parameter: dict[str, dict[str, Tensor]] = {}
    for key, value in moments.items():
        name, kind = key.rsplit("/", 1)
        of_parameter.setdefault(name, {})[kind] = value
    owner = {id(each): optimizer for optimizer in optimizers for group in optimizer.param_groups for each in group["params"]}
    for name, parameter in model.named_parameters():
        if name not in of_parameter:
            raise PipelineError(f"{file}: no state for {name}; delete {folder} and run again")
        owner[id(parameter)].state[parameter] = {kind: _like(value, parameter) for kind, value in of_parameter[name].items()}


@dataclass(frozen=True)
class RollingState:
    """The state inside a link: `folder` holds the newest whole checkpoint of its updates.

    It is outside the outputs that the workflow declares, so an interrupted job finds it again.
    """

    folder: Path
    fingerprint: str

    def newest(self) -> Path | None:
        """The newest state whose fingerprint matches; None when there is none."""
        for state in sorted(self.folder.glob("update-*"), reverse=True):
            if not (state / "state.json").is_file():
                continue  # a process was killed while it removed this one
            if read_state(state).fingerprint == self.fingerprint:
                return state
            log.info("%s: made from other settings, inputs or code; not used", state)
        return None

    def after(self, step: int) -> Path:
        """Where the state after `step` updates goes."""
        return self.folder / f"update-{step:07d}"

    def keep_only(self, kept: Path | None) -> None:
        """Remove every other state, what a killed process left half written, and at last the folder."""
        for other in self.folder.glob("*"):
            if other != kept:
                shutil.rmtree(other)
        if kept is None and self.folder.exists():
            self.folder.rmdir()
