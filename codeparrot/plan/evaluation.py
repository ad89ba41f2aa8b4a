"""The plan of a model's evaluation: which benchmarks are sampled how, and into which files."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from codeparrot import numbering
from codeparrot.digests import file_digest
from codeparrot.errors import PipelineError
from codeparrot.plan import artefacts
from codeparrot.plan.config import ROOT

VLLM_PYTHON = Path(".venv-vllm/bin/python")  # in the checkout


@dataclass(frozen=True)
class Evaluation:
    """How a model is evaluated: its name, its config file, and the part `evaluation` of that, defaults filled in."""

    model: str
    file: Path
    settings: dict[str, Any]

    def __getitem__(self, part: str) -> Any:
        """One part of the settings."""
        return self.settings[part]

    def _benchmark(self, benchmark: str) -> dict[str, Any]:
        found: dict[str, dict[str, Any]] = self.settings["benchmarks"]
        if benchmark not in found:
            place = f"{self.file}: evaluation: benchmarks"
            raise PipelineError(f"{place}: {benchmark!r} is not among them; expected one of {', '.join(found)}")
        return found[benchmark]

    def benchmark(self, benchmark: str) -> dict[str, Any]:
        """What is sampled of a benchmark."""
        return {key: value for key, value in self._benchmark(benchmark).items() if key != "parts"}

    def tasks_content(self, benchmark: str) -> str:
        """What a benchmark depends on besides its settings: the digest of its file, where it has one."""
        file = self._benchmark(benchmark).get("file")
        return file_digest(Path(file)) if file and Path(file).is_file() else ""

    def python(self) -> str:
        """The interpreter that samples benchmarks, as a shell finds it: vLLM has an environment of its own."""
        if self.settings["backend"] != "vllm":
            return "python"
        if not (ROOT / VLLM_PYTHON).exists():
            place = f"{self.file}: evaluation: backend"
            raise PipelineError(
                f"{place}: 'vllm': there is no {VLLM_PYTHON}; run `make vllm`, which makes it, or use 'transformers'"
            )
        return f'"$CODEPARROT/{VLLM_PYTHON}"'

    def verdicts(self, step: str, benchmark: str) -> list[str]:
        """The verdicts over all parts of a benchmark."""
        parts = self._benchmark(benchmark)["parts"]
        return numbering.of_parts(artefacts.VERDICTS, parts, model=self.model, step=step, benchmark=benchmark)

    def scores(self, step: str) -> dict[str, str]:
        """The scores of a checkpoint by benchmark."""
        return {
            name: artefacts.SCORES.format(model=self.model, step=step, benchmark=name) for name in self.settings["benchmarks"]
        }
