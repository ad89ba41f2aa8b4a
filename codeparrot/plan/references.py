"""Whether the config files go together: names that they give each other, and numbers."""

from pathlib import Path
from typing import Any

from codeparrot.errors import PipelineError
from codeparrot.plan.artefacts import RESERVED
from codeparrot.plan.config import Settings
from codeparrot.plan.machines import read_layout


def _check_name(found: Settings, name: str, place: str, kind: str) -> None:
    if name not in found:
        raise PipelineError(f"{place}: {kind}: {name!r}: there is no such {kind}; expected one of {', '.join(found)}")


def check_references(found: dict[str, Settings], folder: Path) -> None:
    """Raise PipelineError for a name that points nowhere, and for numbers that do not go together."""
    trained = {name: tokenizer for name, tokenizer in found["tokenizer"].items() if "import" not in tokenizer}
    for name, tokenizer in trained.items():
        place = f"{folder}/tokenizers/{name}.yaml"
        _check_name(found["corpus"], tokenizer["corpus"], place, "corpus")
        others = {other: settings for other, settings in found["tokenizer"].items() if other != name}
        for other in tokenizer["analysis"]["compare"]:
            _check_name(others, other, f"{place}: analysis: compare", "tokenizer")
    for name, model in found["model"].items():
        place = f"{folder}/models/{name}.yaml"
        if name in RESERVED:
            raise PipelineError(
                f"{place}: a model cannot be called '{name}': results/{name} holds other artefacts; rename the file"
            )
        _check_name(found["corpus"], model["corpus"], place, "corpus")
        _check_name(trained, model["tokenizer"], place, "tokenizer")
        launches: Settings = {file.stem: {} for file in sorted((folder / "accelerate").glob("*.yaml"))}
        _check_name(launches, model["launch"], place, "launch")
        if model["data"] == "streamed" and "infilling" in found["tokenizer"][model["tokenizer"]]:
            raise PipelineError(
                f"{place}: data: 'streamed': tokenizer {model['tokenizer']} has infilling, which needs packed tokens"
            )
        others = {other: settings for other, settings in found["model"].items() if other != name}
        for other in model["evaluation"]["compare"]:
            _check_name(others, other, f"{place}: evaluation: compare", "model")
        _check_training(model, folder, place)


def _check_training(model: dict[str, Any], folder: Path, place: str) -> None:
    training, architecture = model["training"], model["architecture"]
    layout = read_layout(folder / f"accelerate/{model['launch']}.yaml")
    name_of_positions = "n_positions" if architecture["model_type"] == "gpt2" else "max_position_embeddings"
    positions = architecture.get(name_of_positions, 1024)
    if training["sequence_length"] > positions:
        raise PipelineError(
            f"{place}: training: sequence_length: {training['sequence_length']}: expected at most "
            f"{name_of_positions} = {positions}"
        )
    if training["global_batch"] % layout.processes:
        raise PipelineError(
            f"{place}: training: global_batch: {training['global_batch']}: expected a multiple of the {layout.processes} "
            f"processes of launch {model['launch']}"
        )
    if "checkpoint_every" not in training and not layout.gpus:
        raise PipelineError(
            f"{place}: training: the key 'checkpoint_every' is missing; only on GPUs it follows from the longest job"
        )
    if training["warmup_steps"] > training["steps"]:
        raise PipelineError(
            f"{place}: training: warmup_steps: {training['warmup_steps']}: expected at most steps = {training['steps']}"
        )
