"""The plan of a corpus: its files, and the settings that each of its rules uses."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeparrot import numbering
from codeparrot.corpus.sources import version
from codeparrot.digests import file_digest
from codeparrot.errors import PipelineError
from codeparrot.plan import artefacts


@dataclass(frozen=True)
class Corpus:
    """A corpus: its name, its config file, and what that says, defaults filled in."""

    name: str
    file: Path
    settings: dict[str, Any]

    @property
    def shard_count(self) -> int:
        """How many raw shards it has, which is also how many parts each split has."""
        return int(self.settings["shards"])

    def shards(self, pattern: str) -> list[str]:
        """The files of `pattern` for all of its shards."""
        return numbering.of_shards(pattern, self.shard_count, corpus=self.name)

    def parts(self, pattern: str, **names: str) -> list[str]:
        """The files of `pattern` for all parts of its splits."""
        return numbering.of_parts(pattern, self.shard_count, corpus=self.name, **names)

    def pattern(self, pattern: str, **names: str) -> str:
        """`pattern` with only the shard or part left open, for a script that reads them all."""
        return pattern.format(corpus=self.name, shard="{shard}", part="{part}", **names)

    def source(self) -> dict[str, Any]:
        """Where its records come from, and what they depend on besides settings. PipelineError names what is not there."""
        kind = self.settings["source"]["kind"]
        settings = {key: value for key, value in self.settings["source"].items() if key != "kind"}
        try:
            known = version(kind, settings)
        except PipelineError as error:
            raise PipelineError(f"{self.file}: {error}") from None
        return {"kind": kind, "settings": settings, "shards": self.shard_count, "version": known}

    def recipe(self) -> dict[str, Any]:
        """What is done with its files."""
        steps = ("filters", "secrets", "decontaminate", "near_duplicates")
        return {key: value for key, value in self.settings.items() if key in steps}

    def tasks_content(self) -> str:
        """What cleaning depends on besides settings: the digests of the files of tasks that it must not hold."""
        files = map(Path, self.settings.get("decontaminate", ()))
        return " ".join(file_digest(file) for file in files if file.is_file())

    def near_duplicates(self) -> Any:
        """Which of its files count as near duplicates; None where these are not sought."""
        return self.settings.get("near_duplicates", {})

    def duplicates(self) -> list[str]:
        """The duplicates found in each partition of the search for them."""
        return numbering.of_partitions(artefacts.PARTITION_DUPLICATES, self.settings["duplicate_partitions"], corpus=self.name)

    def cleaned_of_part(self, part: str) -> str:
        """The cleaned shard that part `part` of the splits is taken from."""
        return artefacts.CLEANED.format(corpus=self.name, shard=numbering.shard_name(numbering.part_number(part)))
