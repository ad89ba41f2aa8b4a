"""A checkpoint: everything that the next link needs, as safetensors and JSON; loading it runs no pickled code.

    config.json, generation_config.json, model.safetensors   what from_pretrained loads
    optimizer.safetensors                                    AdamW's moments and step count of every parameter
    state.json                                               updates done
    metrics.jsonl                                            the whole run so far, one line every few updates

The order of the data and the state of dropout are functions of (seed, update), so they need no place here.
"""

from pathlib import Path

import orjson
import torch
from safetensors.torch import load_file, save_file
from transformers import PreTrainedModel

from codeparrot.atomic import written_beside
from codeparrot.errors import PipelineError


def _named_parameters(model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> dict[str, torch.nn.Parameter]:
    trained = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    return {name: parameter for name, parameter in model.named_parameters() if id(parameter) in trained}


def save_checkpoint(
    folder: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer, step: int, metrics: list[dict[str, float]]
) -> None:
    """Write the checkpoint after `step` updates, whole or not at all."""
    moments = {
        f"{name}/{key}": value.detach().cpu().contiguous()
        for name, parameter in _named_parameters(model, optimizer).items()
        for key, value in optimizer.state[parameter].items()
    }
    with written_beside(folder) as beside:
        model.save_pretrained(beside)
        save_file(moments, beside / "optimizer.safetensors")
        (beside / "state.json").write_bytes(orjson.dumps({"step": step}) + b"\n")
        (beside / "metrics.jsonl").write_bytes(b"".join(orjson.dumps(line) + b"\n" for line in metrics))


def load_optimizer(folder: Path, model: PreTrainedModel, optimizer: torch.optim.Optimizer) -> tuple[int, list[dict[str, float]]]:
    """Restore the optimizer's state from `folder`; return the updates done and the metrics so far.

    A folder without a state, which is what initialise_model makes, is a run of no updates.
    """
    if not (folder / "state.json").is_file():
        return 0, []
    try:
        moments = load_file(folder / "optimizer.safetensors")
    except Exception as error:
        raise PipelineError(f"{folder}/optimizer.safetensors: cannot be read ({error}); delete {folder} and run again") from error
    for name, parameter in _named_parameters(model, optimizer).items():
        state = {key.rsplit("/", 1)[1]: value for key, value in moments.items() if key.rsplit("/", 1)[0] == name}
        if not state:
            raise PipelineError(f"{folder}/optimizer.safetensors: no state for {name}; delete {folder} and run again")
        optimizer.state[parameter] = {key: value.to(parameter.device) if value.dim() else value for key, value in state.items()}
    step = orjson.loads((folder / "state.json").read_bytes())["step"]
    return step, read_metrics(folder)


def read_metrics(folder: Path) -> list[dict[str, float]]:
    """The metrics of the run up to the checkpoint in `folder`; none for initial weights."""
    file = folder / "metrics.jsonl"
    return [orjson.loads(line) for line in file.read_bytes().splitlines()] if file.is_file() else []
