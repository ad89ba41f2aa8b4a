"""The finished model folder: what AutoModelForCausalLM and AutoTokenizer load, with card, figures, report and provenance."""

import shutil
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import orjson
from transformers import AutoConfig

from codeparrot.atomic import written_beside
from codeparrot.digests import file_digest
from codeparrot.tokenizer.loading import load_tokenizer

MODEL_FILES = ("config.json", "generation_config.json", "model.safetensors")


def _score(found: dict[str, Any]) -> str:
    scores = ", ".join(f"{k} {100 * best['value']:.1f}% (T {best['temperature']})" for k, best in found["best"].items())
    return f"{scores}; {found['samples']} samples of {found['problems']} problems" if scores else str(found["status"])


def model_card(model: str, figures: dict[str, Any]) -> str:
    """README.md of the folder: a YAML header as on the Hub and the figures that matter."""
    last, yardsticks = figures["validation"][-1], figures["yardsticks"]
    scores = "\n".join(f"| {name} | {_score(found)} |" for name, found in figures["scores"].items())
    perplexity = "∞" if last["perplexity"] is None else f"{last['perplexity']:.1f}"
    return f"""---
language: [code]
library_name: transformers
pipeline_tag: text-generation
tags: [code, python]
---

# {model}

A code model of {figures["parameters"]:,} parameters, trained from scratch on {figures["tokens"]:,} tokens of Python.

| on {last["tokens"]:,} held-out tokens | loss | perplexity |
|---|---|---|
| uniform guess | {yardsticks["uniform"]:.3f} | |
| unigram distribution | {yardsticks["unigram"]:.3f} | |
| **{model}** | **{last["loss"]:.3f}** | **{perplexity}** |

| benchmark | best temperature of each k |
|---|---|
{scores}

```python
from transformers import AutoModelForCausalLM, AutoTokenizer

tokenizer = AutoTokenizer.from_pretrained("{model}")
model = AutoModelForCausalLM.from_pretrained("{model}")
```

`provenance.json` lists the SHA-256 of every artefact that it was made from.
"""


def provenance(artefacts: Sequence[Path], settings: dict[str, Any]) -> dict[str, Any]:
    """The settings of every stage and the SHA-256 of every file of the artefacts it was made from, by path."""
    files = [
        file
        for artefact in artefacts
        for file in (sorted(artefact.rglob("*")) if artefact.is_dir() else [artefact])
        if file.is_file() and file.name != ".snakemake_timestamp"
    ]
    return {"settings": settings, "sha256": {file.as_posix(): file_digest(file) for file in sorted(files)}}


def assemble(
    model: str,
    checkpoint: Path,
    tokenizer_file: Path,
    report: Path,
    figures: dict[str, Any],
    artefacts: Sequence[Path],
    settings: dict[str, Any],
    output: Path,
) -> None:
    """Write the folder, whole or not at all."""
    tokenizer = load_tokenizer(tokenizer_file)
    tokenizer.model_max_length = AutoConfig.from_pretrained(checkpoint).max_position_embeddings
    with written_beside(output) as beside:
        beside.mkdir()
        for name in MODEL_FILES:
            shutil.copyfile(checkpoint / name, beside / name)
        tokenizer.save_pretrained(beside)
        shutil.copyfile(report, beside / "report.html")
        (beside / "README.md").write_text(model_card(model, figures), encoding="utf-8")
        (beside / "metrics.json").write_bytes(orjson.dumps(figures, option=orjson.OPT_INDENT_2) + b"\n")
        record = provenance(artefacts, settings)
        (beside / "provenance.json").write_bytes(orjson.dumps(record, option=orjson.OPT_INDENT_2) + b"\n")
