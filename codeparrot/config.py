"""The config files: one YAML file a corpus, tokenizer and model, checked by JSON schema and against each other."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError, best_match

from codeparrot.artefacts import RESERVED
from codeparrot.errors import PipelineError

KINDS = {"corpus": "corpora", "tokenizer": "tokenizers", "model": "models"}
Settings = dict[str, dict[str, Any]]


class _UniqueKeys(yaml.SafeLoader):  # type: ignore[misc]
    """Refuses a key that is given twice, which YAML would let the last one win."""

    def construct_mapping(self, node: Any, deep: bool = False) -> dict[Any, Any]:
        seen = set()
        for node_of_key, _ in node.value:
            key = self.construct_object(node_of_key, deep=True)
            if key in seen:
                raise yaml.constructor.ConstructorError(None, None, f"the key '{key}' is given twice", node_of_key.start_mark)
            seen.add(key)
        mapping: dict[Any, Any] = super().construct_mapping(node, deep)
        return mapping


def read_yaml(file: Path) -> Any:
    """The content of a YAML file; PipelineError names file and line of a syntax error."""
    try:
        return yaml.load(file.read_text(encoding="utf-8"), _UniqueKeys)
    except (yaml.YAMLError, UnicodeDecodeError) as error:
        raise PipelineError(f"{file}: not YAML: {str(error).replace(chr(10), ' ')}") from error


def _allowed(error: ValidationError) -> str:
    expected = error.validator_value
    match error.validator:
        case "additionalProperties":
            known = error.schema.get("properties", {})
            unknown = sorted(set(error.instance) - set(known))
            return f"unknown key '{unknown[0]}' = {error.instance[unknown[0]]!r}; allowed: {', '.join(sorted(known))}"
        case "required":
            missing = [key for key in expected if key not in error.instance]
            return f"the key '{missing[0]}' is missing; it is required"
        case "enum":
            return f"{error.instance!r}: expected one of {', '.join(map(str, expected))}"
        case "type":
            return f"{error.instance!r}: expected {expected}"
        case "minimum" | "maximum" | "exclusiveMinimum" | "exclusiveMaximum":
            words = {
                "minimum": "at least",
                "maximum": "at most",
                "exclusiveMinimum": "more than",
                "exclusiveMaximum": "less than",
            }
            return f"{error.instance!r}: expected {words[str(error.validator)]} {expected}"
        case _:
            return f"{error.message}"


def check(settings: Any, schema: Path, file: Path) -> None:
    """Raise PipelineError naming file, key, value and what is allowed where `settings` breaks the schema."""
    error = best_match(Draft202012Validator(read_yaml(schema)).iter_errors(settings))
    if error:
        key = "".join(f"{part}: " for part in error.absolute_path)
        raise PipelineError(f"{file}: {key}{_allowed(error)}")


def load(folder: Path) -> dict[str, Settings]:
    """All config files under `folder`, checked: {"corpus": {name: settings}, "tokenizer": …, "model": …}."""
    found: dict[str, Settings] = {}
    for kind, place in KINDS.items():
        files = sorted((folder / place).glob("*.yaml"))
        found[kind] = {file.stem: read_yaml(file) for file in files}
        for file in files:
            check(found[kind][file.stem], folder / "schemas" / f"{kind}.schema.yaml", file)
    check_references(found, folder)
    return found


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
        for other in tokenizer.get("analysis", {}).get("compare", ["gpt2"]):
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
        if model.get("data") == "streamed" and "infilling" in found["tokenizer"][model["tokenizer"]]:
            raise PipelineError(
                f"{place}: data: 'streamed': tokenizer {model['tokenizer']} has infilling, which needs packed tokens"
            )
        others = {other: settings for other, settings in found["model"].items() if other != name}
        for other in model.get("evaluation", {}).get("compare", ()):
            _check_name(others, other, f"{place}: evaluation: compare", "model")
        training, processes = model["training"], layout(folder, model["launch"]).processes
        architecture = model["architecture"]
        name_of_positions = "n_positions" if architecture["model_type"] == "gpt2" else "max_position_embeddings"
        positions = architecture.get(name_of_positions, 1024)
        if training["sequence_length"] > positions:
            raise PipelineError(
                f"{place}: training: sequence_length: {training['sequence_length']}: expected at most "
                f"{name_of_positions} = {positions}"
            )
        if training["global_batch"] % processes:
            raise PipelineError(
                f"{place}: training: global_batch: {training['global_batch']}: expected a multiple of the {processes} "
                f"processes of launch {model['launch']}"
            )
        if "checkpoint_every" not in training and not layout(folder, model["launch"]).gpus:
            raise PipelineError(
                f"{place}: training: the key 'checkpoint_every' is missing; only on GPUs it follows from the longest job"
            )
        if training["warmup_steps"] > training["steps"]:
            raise PipelineError(
                f"{place}: training: warmup_steps: {training['warmup_steps']}: expected at most steps = {training['steps']}"
            )


@dataclass(frozen=True)
class Layout:
    """How many machines and processes an accelerate config has, and how many GPUs: one a process, none on the CPU."""

    machines: int
    processes: int
    gpus: int


@cache
def layout(folder: Path, launch: str) -> Layout:
    """The layout of the accelerate config `launch`; PipelineError where its processes do not fill its machines evenly."""
    file = folder / "accelerate" / f"{launch}.yaml"
    settings = read_yaml(file)
    machines, processes = int(settings["num_machines"]), int(settings["num_processes"])
    if processes % machines:
        raise PipelineError(f"{file}: num_processes: {processes}: expected a multiple of num_machines = {machines}")
    return Layout(machines, processes, 0 if settings["use_cpu"] else processes)
