"""The plan of a model: the chain of its checkpoints, what it is trained on, and the settings that each of its rules uses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeparrot.errors import PipelineError
from codeparrot.plan import artefacts
from codeparrot.plan.corpus import Corpus
from codeparrot.plan.estimate import Estimate, estimate, updates_a_job
from codeparrot.plan.evaluation import Evaluation
from codeparrot.plan.machines import Resources
from codeparrot.plan.tokenizer import Tokenizer


@dataclass(frozen=True)
class Model:
    """A model: its name, its config file and what that says, defaults filled in; what it is made from, runs on and is asked."""

    name: str
    file: Path
    settings: dict[str, Any]
    corpus: Corpus
    tokenizer: Tokenizer
    resources: Resources
    evaluation: Evaluation

    def steps(self) -> list[int]:
        """The updates at which its checkpoints are made; without `checkpoint_every` a link fills the longest job."""
        training, needs = self.settings["training"], self.resources
        every = training.get("checkpoint_every") or updates_a_job(needs.speed, needs.update_tokens, needs.machines)
        return artefacts.checkpoint_steps(training["steps"], every)

    def link_start(self, step: str) -> str:
        """The folder that the link to checkpoint `step` starts from."""
        steps = self.steps()
        if int(step) not in steps:
            names = ", ".join(map(artefacts.step_name, steps))
            raise PipelineError(f"results/models/{self.name}/step-{step}: no checkpoint of this model; its steps are {names}")
        return artefacts.checkpoint_before(self.name, int(step), steps)

    def link_minutes(self, step: str) -> int:
        """The time limit of the link to checkpoint `step`."""
        steps = [0, *self.steps()]
        return self.resources.training_minutes(int(step) - max(before for before in steps if before < int(step)))

    def checkpoints(self, pattern: str) -> list[str]:
        """The files of `pattern` for all of its checkpoints, in order."""
        return [pattern.format(model=self.name, step=artefacts.step_name(step)) for step in self.steps()]

    def last_checkpoint(self, pattern: str) -> str:
        """The file of `pattern` for its last checkpoint."""
        return self.checkpoints(pattern)[-1]

    def tokens(self, split: str) -> str:
        """The index of a split of its corpus, in its tokenizer's tokens."""
        return artefacts.TOKENS_INDEX.format(corpus=self.corpus.name, tokenizer=self.tokenizer.name, split=split)

    def of_corpus(self, pattern: str) -> str:
        """The file of `pattern` for its corpus."""
        return pattern.format(corpus=self.corpus.name)

    @property
    def is_streamed(self) -> bool:
        """Whether it is trained on texts that are tokenised while they are read, instead of packed tokens."""
        return bool(self.settings["data"] == "streamed")

    def training_files(self) -> list[str]:
        """The files that it is trained on; texts elsewhere are none of them."""
        if not self.is_streamed:
            return [self.tokens("train")]
        texts = [] if "texts" in self.settings else self.corpus.parts(artefacts.TRAIN)
        return [self.tokenizer.file, *texts]

    def training_data(self) -> dict[str, Any]:
        """What it is trained on, for pretrain."""
        if not self.is_streamed:
            return {"index": self.tokens("train")}
        parts = self.corpus.pattern(artefacts.TRAIN).format(part=f"*-of-{self.corpus.shard_count:05d}")
        return {"tokenizer": self.tokenizer.file, "texts": self.settings.get("texts", [parts])}

    def training(self) -> dict[str, Any]:
        """How it is trained; where its chain is cut changes no weight and is left out."""
        return {key: value for key, value in self.settings["training"].items() if key != "checkpoint_every"}

    @property
    def length(self) -> int:
        """Tokens in a sequence."""
        return int(self.settings["training"]["sequence_length"])

    def scores(self) -> dict[str, str]:
        """The scores of its last checkpoint by benchmark."""
        return self.evaluation.scores(artefacts.step_name(self.steps()[-1]))

    def estimate(self, speed: float) -> Estimate:
        """What its training takes at so many tokens a second."""
        needs = self.resources
        return estimate(needs.size.parameters, self.steps(), needs.update_tokens, speed, needs.layout.gpus, needs.machines)

    def provenance(self) -> dict[str, Any]:
        """The settings of every stage."""
        tokenizer = {key: value for key, value in self.tokenizer.settings.items() if key != "analysis"}
        return {"model": self.settings, "tokenizer": tokenizer, "corpus": self.corpus.settings}
