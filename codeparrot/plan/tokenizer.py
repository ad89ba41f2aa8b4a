"""The plan of a tokenizer: its files, and the settings that each of its rules uses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeparrot.digests import file_digest
from codeparrot.plan import artefacts
from codeparrot.plan.corpus import Corpus
from codeparrot.tokens.infilling import SPECIAL_TOKENS

TEXTS = {"train": artefacts.TRAIN, "valid": artefacts.VALID}


@dataclass(frozen=True)
class Tokenizer:
    """A tokenizer: its name, what its config file says, defaults filled in, and its corpus; none where it is imported."""

    name: str
    settings: dict[str, Any]
    corpus: Corpus | None

    @property
    def file(self) -> str:
        """Its tokenizer.json."""
        return artefacts.TOKENIZER.format(tokenizer=self.name)

    @property
    def origin(self) -> str | None:
        """Where it is imported from; None where it is trained."""
        return self.settings.get("import")

    def imported_content(self) -> str:
        """What an imported tokenizer depends on besides its origin's name: the digest of that file, where it is one."""
        file = Path(str(self.origin))
        return file_digest(file) if file.is_file() else ""

    @property
    def trained_on(self) -> Corpus:
        """The corpus that it is trained on."""
        assert self.corpus, f"{self.name} is imported"
        return self.corpus

    def texts(self, split: str) -> list[str]:
        """The shards that its documents of one split are taken from."""
        return self.trained_on.parts(TEXTS[split])

    def texts_pattern(self, split: str) -> str:
        """The pattern of those shards."""
        return self.trained_on.pattern(TEXTS[split])

    def sample(self, split: str) -> dict[str, Any]:
        """How many documents are taken: to train it on, or to measure it."""
        found = {key: value for key, value in self.settings.items() if key in ("documents", "seed")}
        return found if split == "train" else found | {"documents": self.settings["analysis"]["documents"]}

    def training(self) -> dict[str, Any]:
        """How it is trained."""
        found = {key: value for key, value in self.settings.items() if key in ("vocabulary", "pre_tokenizer")}
        return found | ({"special_tokens": SPECIAL_TOKENS} if "infilling" in self.settings else {})

    def compared(self) -> list[str]:
        """The tokenizer.json files that it is compared with in its analysis."""
        return [artefacts.TOKENIZER.format(tokenizer=name) for name in self.settings["analysis"]["compare"]]

    def analysis(self) -> dict[str, Any]:
        """What is analysed of it."""
        return {key: value for key, value in self.settings["analysis"].items() if key not in ("compare", "documents")}

    def infilling(self) -> dict[str, Any]:
        """Which training documents are rearranged for fill-in-the-middle when they are packed."""
        found: dict[str, Any] = self.settings.get("infilling", {})
        return found
