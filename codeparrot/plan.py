"""What follows from the config: which files a corpus, tokenizer or model has, and the settings that each rule uses."""

import json
import os
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeparrot import artefacts, numbering
from codeparrot.config import Layout, Settings, check, layout, load
from codeparrot.errors import PipelineError
from codeparrot.estimate import Estimate, Machines, estimate, expected_speed, host_mib, link_minutes, shape, updates_a_job
from codeparrot.infilling import SPECIAL_TOKENS
from codeparrot.staleness import file_digest

VLLM_PYTHON = Path(".venv-vllm/bin/python")
TEXTS = {"train": artefacts.TRAIN, "valid": artefacts.VALID}


def use_checkout(root: Path) -> None:
    """Let child processes use the library of this checkout, and the interpreter that this process runs on."""
    os.environ["PYTHONPATH"] = str(root)
    os.environ["PATH"] = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"


def as_json(settings: Any) -> str:
    """Settings as one argument of a script; keys sorted, so that their order in a config file means nothing."""
    return json.dumps(settings, sort_keys=True)


def read_plan(folder: Path, settings: dict[str, Any]) -> "Plan":
    """The plan of the config files in `folder` under `settings`, those of config.yaml; PipelineError names what is wrong."""
    check(settings, folder / "schemas/config.schema.yaml", folder / "config.yaml")
    found = load(folder)
    if settings["default_model"] not in found["model"]:
        raise PipelineError(
            f"{folder}/config.yaml: default_model: {settings['default_model']!r}: expected one of {', '.join(found['model'])}"
        )
    machines = Machines(settings["gpu"], settings["job_hours"], settings["mfu"], settings["gpu_hour_price"])
    prompts = {name: {"prompt": prompt} if isinstance(prompt, str) else prompt for name, prompt in settings["prompts"].items()}
    return Plan(folder, found["corpus"], found["tokenizer"], found["model"], machines, prompts)


@dataclass(frozen=True)
class Plan:
    """The checked config: settings of every corpus, tokenizer and model by name, their folder, the machines, the prompts."""

    folder: Path
    corpora: Settings
    tokenizers: Settings
    models: Settings
    machines: Machines
    prompts: Settings

    def shards(self, pattern: str, corpus: str) -> list[str]:
        """The files of `pattern` for all shards of a corpus."""
        return numbering.of_shards(pattern, self.corpora[corpus]["shards"], corpus=corpus)

    def parts(self, pattern: str, corpus: str, **names: str) -> list[str]:
        """The files of `pattern` for all parts of a corpus's splits."""
        return numbering.of_parts(pattern, self.corpora[corpus]["shards"], corpus=corpus, **names)

    def pattern(self, pattern: str, corpus: str, **names: str) -> str:
        """A pattern of which only the shard or part is left open, for a script that reads them all."""
        return pattern.format(corpus=corpus, shard="{shard}", part="{part}", **names)

    def recipe(self, corpus: str) -> dict[str, Any]:
        """What is done with the files of a corpus."""
        steps = ("filters", "secrets", "benchmarks", "near_duplicates")
        return {key: value for key, value in self.corpora[corpus].items() if key in steps}

    def benchmark_files(self, corpus: str) -> str:
        """What cleaning depends on besides settings: the digests of benchmarks that are files."""
        files = map(Path, self.corpora[corpus].get("benchmarks", ()))
        return " ".join(file_digest(file) for file in files if file.is_file())

    def jaccard(self, corpus: str) -> float | None:
        """The similarity from which a corpus's files are near duplicates; None where these are not sought."""
        near = self.corpora[corpus].get("near_duplicates", {})
        return None if near is None else float(near.get("jaccard", 0.85))

    def partitions(self, corpus: str) -> int:
        """Into how many jobs the search for a corpus's duplicates is divided; this changes no result."""
        return int(self.corpora[corpus].get("duplicate_partitions", 1))

    def duplicates(self, corpus: str) -> list[str]:
        """The duplicates found in each partition of a corpus."""
        return numbering.of_partitions(artefacts.PARTITION_DUPLICATES, self.partitions(corpus), corpus=corpus)

    def source(self, corpus: str) -> dict[str, Any]:
        """Where a corpus's records come from, and what they depend on besides settings: the locked versions and the Python."""
        lock = Path(self.corpora[corpus]["source"].get("lock", "requirements.lock"))
        if not lock.is_file():
            raise PipelineError(f"{self.folder}/corpora/{corpus}.yaml: source: lock: {str(lock)!r}: expected an existing file")
        return {
            "kind": self.corpora[corpus]["source"]["kind"],
            "settings": {key: value for key, value in self.corpora[corpus]["source"].items() if key != "kind"},
            "shards": self.corpora[corpus]["shards"],
            "version": f"python {sys.version.split()[0]}, lock {file_digest(lock)[:16]}",
        }

    def trained_tokenizers(self) -> list[str]:
        """The tokenizers that are trained."""
        return [name for name, settings in self.tokenizers.items() if "import" not in settings]

    def imported_tokenizers(self) -> list[str]:
        """The tokenizers that come from elsewhere."""
        return [name for name, settings in self.tokenizers.items() if "import" in settings]

    def imported_content(self, tokenizer: str) -> str:
        """What an imported tokenizer depends on besides its name: the digest of its file, where it is one."""
        file = Path(self.tokenizers[tokenizer]["import"])
        return file_digest(file) if file.is_file() else ""

    def sampled_texts(self, tokenizer: str, split: str) -> list[str]:
        """The shards that a tokenizer's documents of one split are taken from."""
        return self.parts(TEXTS[split], self.tokenizers[tokenizer]["corpus"])

    def sampled_pattern(self, tokenizer: str, split: str) -> str:
        """Their pattern."""
        return self.pattern(TEXTS[split], self.tokenizers[tokenizer]["corpus"])

    def sample(self, tokenizer: str, split: str) -> dict[str, Any]:
        """How many documents are taken: to train a tokenizer on, or to measure it."""
        settings = self.tokenizers[tokenizer]
        found = {key: value for key, value in settings.items() if key in ("documents", "seed")}
        return found if split == "train" else found | {"documents": settings.get("analysis", {}).get("documents", 500)}

    def compared_tokenizers(self, tokenizer: str) -> list[str]:
        """The tokenizer.json files that a tokenizer is compared with in its analysis."""
        names = self.tokenizers[tokenizer].get("analysis", {}).get("compare", ["gpt2"])
        return [artefacts.TOKENIZER.format(tokenizer=name) for name in names]

    def analysis(self, tokenizer: str) -> dict[str, Any]:
        """What is analysed of a tokenizer."""
        settings = self.tokenizers[tokenizer].get("analysis", {})
        return {key: value for key, value in settings.items() if key not in ("compare", "documents")}

    def tokenizer_settings(self, tokenizer: str) -> dict[str, Any]:
        """How a tokenizer is trained."""
        settings = self.tokenizers[tokenizer]
        special = SPECIAL_TOKENS if "infilling" in settings else ()
        pre_tokenizer = settings.get("pre_tokenizer", "gpt2")
        return {"vocabulary": settings["vocabulary"], "special_tokens": special, "pre_tokenizer": pre_tokenizer}

    def infilling(self, tokenizer: str) -> dict[str, Any]:
        """Which training documents are rearranged for fill-in-the-middle."""
        found: dict[str, Any] = self.tokenizers[tokenizer].get("infilling", {})
        return found

    def tokenizer_file(self, model: str) -> str:
        """The tokenizer.json of a model."""
        return artefacts.TOKENIZER.format(tokenizer=self.models[model]["tokenizer"])

    def tokens(self, model: str, split: str) -> str:
        """The index of a split of a model's corpus, in its tokenizer's tokens."""
        settings = self.models[model]
        return artefacts.TOKENS_INDEX.format(corpus=settings["corpus"], tokenizer=settings["tokenizer"], split=split)

    def of_corpus(self, pattern: str, model: str) -> str:
        """The file of `pattern` for a model's corpus."""
        return pattern.format(corpus=self.models[model]["corpus"])

    def steps(self, model: str) -> list[int]:
        """The updates at which a model's checkpoints are made; without `checkpoint_every` a link fills the longest job."""
        training = self.models[model]["training"]
        every = training.get("checkpoint_every")
        return artefacts.checkpoint_steps(
            training["steps"], every or updates_a_job(self.speed(model), self.update_tokens(model), self.machines)
        )

    def link_start(self, model: str, step: str) -> str:
        """The folder that the link to checkpoint `step` starts from."""
        steps = self.steps(model)
        if int(step) not in steps:
            names = ", ".join(map(artefacts.step_name, steps))
            raise PipelineError(f"results/models/{model}/step-{step}: no checkpoint of this model; its steps are {names}")
        return artefacts.checkpoint_before(model, int(step), steps)

    def is_streamed(self, model: str) -> bool:
        """Whether a model is trained on texts that are tokenised while they are read, instead of packed tokens."""
        return bool(self.models[model]["data"] == "streamed")

    def training_files(self, model: str) -> list[str]:
        """The files that a model is trained on; texts elsewhere are none of them."""
        if not self.is_streamed(model):
            return [self.tokens(model, "train")]
        settings = self.models[model]
        texts = [] if "texts" in settings else self.parts(artefacts.TRAIN, settings["corpus"])
        return [self.tokenizer_file(model), *texts]

    def training_data(self, model: str) -> dict[str, Any]:
        """What a model is trained on, for pretrain."""
        files = self.training_files(model)
        if not self.is_streamed(model):
            return {"index": files[0]}
        parts = self.pattern(artefacts.TRAIN, self.models[model]["corpus"])
        shards = self.corpora[self.models[model]["corpus"]]["shards"]
        return {"tokenizer": files[0], "texts": self.models[model].get("texts", [parts.format(part=f"*-of-{shards:05d}")])}

    def training(self, model: str) -> dict[str, Any]:
        """How a model is trained; where its chain is cut changes no weight and is left out."""
        return {key: value for key, value in self.models[model]["training"].items() if key != "checkpoint_every"}

    def length(self, model: str) -> int:
        """Tokens in a sequence."""
        return int(self.models[model]["training"]["sequence_length"])

    def evaluation(self, model: str, part: str) -> Any:
        """One part of a model's evaluation settings."""
        return self.models[model]["evaluation"][part]

    def _benchmark(self, model: str, benchmark: str) -> dict[str, Any]:
        found: Settings = self.evaluation(model, "benchmarks")
        if benchmark not in found:
            place = f"{self.folder}/models/{model}.yaml: evaluation: benchmarks"
            raise PipelineError(f"{place}: {benchmark!r} is not among them; expected one of {', '.join(found)}")
        return found[benchmark]

    def benchmark(self, model: str, benchmark: str) -> dict[str, Any]:
        """What is sampled of a benchmark."""
        return {key: value for key, value in self._benchmark(model, benchmark).items() if key != "parts"}

    def benchmark_content(self, model: str, benchmark: str) -> str:
        """What a benchmark depends on besides its settings: the digest of its file, where it has one."""
        file = self.benchmark(model, benchmark).get("file")
        return file_digest(Path(file)) if file and Path(file).is_file() else ""

    def sampling_python(self, model: str) -> str:
        """The interpreter that samples a model's benchmarks: vLLM has an environment of its own."""
        if self.evaluation(model, "backend") != "vllm":
            return "python"
        if not VLLM_PYTHON.exists():
            place = f"{self.folder}/models/{model}.yaml: evaluation: backend"
            raise PipelineError(
                f"{place}: 'vllm': there is no {VLLM_PYTHON}; run `make vllm`, which makes it, or use 'transformers'"
            )
        return str(VLLM_PYTHON)

    def verdicts(self, model: str, step: str, benchmark: str) -> list[str]:
        """The verdicts over all parts of a benchmark."""
        parts = int(self._benchmark(model, benchmark).get("parts", 1))
        return numbering.of_parts(artefacts.VERDICTS, parts, model=model, step=step, benchmark=benchmark)

    def scores(self, model: str) -> dict[str, str]:
        """The scores of a model's last checkpoint by benchmark."""
        step = artefacts.step_name(self.steps(model)[-1])
        benchmarks = self.evaluation(model, "benchmarks")
        return {name: artefacts.SCORES.format(model=model, step=step, benchmark=name) for name in benchmarks}

    def compared(self, model: str) -> dict[str, dict[str, Any]]:
        """The models that a model's curves are shown beside: for each its validation results and its last checkpoint."""
        return {
            other: {
                "validation": self.of_checkpoints(artefacts.VALIDATION, other),
                "checkpoint": self.of_last_checkpoint(artefacts.CHECKPOINT, other),
            }
            for other in self.evaluation(model, "compare")
        }

    def compared_files(self, model: str) -> list[str]:
        """The files and folders of these."""
        return [file for other in self.compared(model).values() for file in (*other["validation"], other["checkpoint"])]

    def of_checkpoints(self, pattern: str, model: str) -> list[str]:
        """The files of `pattern` for all checkpoints of a model, in order."""
        return [pattern.format(model=model, step=artefacts.step_name(step)) for step in self.steps(model)]

    def of_last_checkpoint(self, pattern: str, model: str) -> str:
        """The file of `pattern` for a model's last checkpoint."""
        return self.of_checkpoints(pattern, model)[-1]

    def layout(self, model: str) -> Layout:
        """Machines, processes and GPUs that a model is trained on."""
        return layout(self.folder, self.models[model]["launch"])

    def gpus(self, model: str) -> int:
        """How many GPUs of one machine a training takes; 0 for the CPU."""
        found = self.layout(model)
        return found.gpus // found.machines

    def one_gpu(self, model: str) -> int:
        """How many GPUs a job takes that evaluates a model: one, where it is trained on some."""
        return min(1, self.gpus(model))

    def gres(self, gpus: int) -> str:
        """So many GPUs as a generic resource of a machine, which is how schedulers count them; empty for none."""
        return f"gpu:{self.machines.gpu}:{gpus}" if gpus else ""

    def update_tokens(self, model: str) -> int:
        """Tokens of one update."""
        training = self.models[model]["training"]
        return int(training["global_batch"] * training["sequence_length"])

    def shape(self, model: str) -> tuple[int, int, int]:
        """About how many parameters a model has; its layers and its width."""
        settings = self.models[model]
        return shape(settings["architecture"], self.tokenizers[settings["tokenizer"]]["vocabulary"])

    def speed(self, model: str) -> float:
        """Tokens a second that are expected of a model's training on GPUs."""
        return expected_speed(*self.shape(model), self.length(model), self.layout(model).gpus, self.machines)

    def estimate(self, model: str, speed: float) -> Estimate:
        """What a model's training takes at so many tokens a second."""
        parameters = self.shape(model)[0]
        gpus = self.layout(model).gpus
        return estimate(parameters, self.steps(model), self.update_tokens(model), speed, gpus, self.machines)

    def training_minutes(self, model: str, step: str) -> int:
        """The time limit of the link to checkpoint `step`."""
        if not self.gpus(model):
            return round(60 * self.machines.job_hours)
        steps = [0, *self.steps(model)]
        updates = int(step) - max(before for before in steps if before < int(step))
        return link_minutes(updates, self.update_tokens(model), self.speed(model), self.machines)

    def training_memory(self, model: str) -> int:
        """MiB of main memory on each machine of a training."""
        found = self.layout(model)
        return host_mib(self.shape(model)[0], found.processes // found.machines) if found.gpus else 3000

    def launch(self, model: str) -> str:
        """The accelerate config that a model is trained with."""
        return f"{self.folder}/accelerate/{self.models[model]['launch']}.yaml"

    def memory(self, model: str, on_cpu: int, on_gpus: int) -> int:
        """MiB of main memory for a job of a model, by where it is trained."""
        return on_gpus if self.gpus(model) else on_cpu

    def settings_of(self, model: str) -> dict[str, Any]:
        """The settings of every stage of a model, for its provenance."""
        settings = self.models[model]
        tokenizer = {key: value for key, value in self.tokenizers[settings["tokenizer"]].items() if key != "analysis"}
        return {"model": settings, "tokenizer": tokenizer, "corpus": self.corpora[settings["corpus"]]}
