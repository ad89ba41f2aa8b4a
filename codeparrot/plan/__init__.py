"""What follows from the config: which files a corpus, tokenizer or model has, and the settings that each rule uses.

The Snakefile reads it as `plan`: plan.corpora[NAME], plan.tokenizers[NAME] and plan.models[NAME] are the modules corpus,
tokenizer and model of this package; artefacts says where everything lies, staleness what a result depends on besides
inputs and settings, estimate what a training will take.
"""

import json
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeparrot.errors import PipelineError
from codeparrot.plan import artefacts
from codeparrot.plan.config import ROOT, Settings, check, load, merged, read_yaml
from codeparrot.plan.corpus import Corpus
from codeparrot.plan.estimate import Machines, size
from codeparrot.plan.evaluation import Evaluation
from codeparrot.plan.machines import Resources, read_layout
from codeparrot.plan.model import Model
from codeparrot.plan.references import check_references
from codeparrot.plan.tokenizer import Tokenizer


def use_checkout() -> None:
    """Let child processes use scripts and library of this checkout, and the interpreter that this process runs on."""
    os.environ["CODEPARROT"] = os.environ["PYTHONPATH"] = str(ROOT)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def as_json(settings: Any) -> str:
    """Settings as one argument of a script; keys sorted, so that their order in a config file means nothing."""
    return json.dumps(settings, sort_keys=True)


def each_attempt(amount: int) -> Callable[[Any, int], int]:
    """A resource that grows with each retry of a job."""
    return lambda wildcards, attempt: attempt * amount


@dataclass(frozen=True)
class Plan:
    """The checked config: corpora, tokenizers and models by name, the settings that hold for all, the machines, the prompts."""

    corpora: dict[str, Corpus]
    tokenizers: dict[str, Tokenizer]
    models: dict[str, Model]
    settings: dict[str, Any]
    machines: Machines
    prompts: Settings

    def trained_tokenizers(self) -> list[str]:
        """The names of the tokenizers that are trained."""
        return [name for name, tokenizer in self.tokenizers.items() if tokenizer.origin is None]

    def imported_tokenizers(self) -> list[str]:
        """The names of the tokenizers that come from elsewhere."""
        return [name for name, tokenizer in self.tokenizers.items() if tokenizer.origin is not None]

    def compared(self, model: str) -> dict[str, dict[str, Any]]:
        """The models that a model's curves are shown beside: for each its validation results and its last checkpoint."""
        others = [self.models[name] for name in self.models[model].evaluation["compare"]]
        return {
            other.name: {
                "validation": other.checkpoints(artefacts.VALIDATION),
                "checkpoint": other.last_checkpoint(artefacts.CHECKPOINT),
            }
            for other in others
        }

    def compared_files(self, model: str) -> list[str]:
        """The validation results and last checkpoints of the models that a model's curves are shown beside."""
        return [file for other in self.compared(model).values() for file in (*other["validation"], other["checkpoint"])]


def _model(file: Path, settings: dict[str, Any], corpus: Corpus, tokenizer: Tokenizer, machines: Machines) -> Model:
    training = settings["training"]
    resources = Resources(
        machines=machines,
        layout=read_layout(file.parent.parent / f"accelerate/{settings['launch']}.yaml"),
        size=size(settings["architecture"], tokenizer.settings["vocabulary"]),
        update_tokens=training["global_batch"] * training["sequence_length"],
        length=training["sequence_length"],
    )
    return Model(file.stem, file, settings, corpus, tokenizer, resources, Evaluation(file.stem, file, settings["evaluation"]))


def config_folder() -> Path:
    """The folder of config files: that of the working directory, or the workflow's own where it has none."""
    return Path("config") if Path("config/config.yaml").is_file() else ROOT / "config"


def read_plan(folder: Path, given: Mapping[str, Any]) -> Plan:
    """The plan of the config files in `folder`, `given` standing before config.yaml; PipelineError names what is wrong."""
    settings = merged(read_yaml(folder / "config.yaml"), given)
    check(settings, "config", folder / "config.yaml")
    found = load(folder)
    check_references(found, folder)
    if settings["default_model"] not in found["model"]:
        raise PipelineError(
            f"{folder}/config.yaml: default_model: {settings['default_model']!r}: expected one of {', '.join(found['model'])}"
        )
    machines = Machines(settings["gpu"], settings["job_hours"], settings["mfu"], settings["gpu_hour_price"])
    prompts = {name: {"prompt": prompt} if isinstance(prompt, str) else prompt for name, prompt in settings["prompts"].items()}
    corpora = {name: Corpus(name, folder / f"corpora/{name}.yaml", each) for name, each in found["corpus"].items()}
    tokenizers = {name: Tokenizer(name, each, corpora.get(each.get("corpus", ""))) for name, each in found["tokenizer"].items()}
    models = {
        name: _model(folder / f"models/{name}.yaml", each, corpora[each["corpus"]], tokenizers[each["tokenizer"]], machines)
        for name, each in found["model"].items()
    }
    return Plan(corpora, tokenizers, models, settings, machines, prompts)
