"""Samples of a benchmark's problems, a part of the problems a job; what a killed job had written is kept."""

import hashlib
import json
import logging
import os
from collections.abc import Iterator, Sequence
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any, Literal

import orjson

from codeparrot.atomic import write_text
from codeparrot.digests import file_digest
from codeparrot.evaluation import vllm_backend
from codeparrot.evaluation.generation import Request, Sampling, Written, generate, load_generator
from codeparrot.problems import BenchmarkSettings, problems_of
from codeparrot.problems.problem import cut
from codeparrot.progress import progress

Backend = Literal["transformers", "vllm"]
log = logging.getLogger(__name__)


def _generated(
    checkpoint: Path, tokenizer_file: Path, requests: Sequence[Request], batch: int, backend: Backend
) -> Iterator[tuple[int, Written]]:
    if backend == "vllm":
        return vllm_backend.generate(checkpoint, tokenizer_file, requests)
    model, tokenizer = load_generator(checkpoint, tokenizer_file)
    return generate(model, tokenizer, requests, batch)


def _fingerprint(checkpoint: Path, tokenizer_file: Path, requests: Sequence[Request], backend: Backend) -> str:
    digest = hashlib.sha256(json.dumps([backend, *map(asdict, requests)], sort_keys=True).encode())
    for file in (checkpoint / "model.safetensors", tokenizer_file):
        digest.update(file_digest(file).encode())
    return digest.hexdigest()


def _kept(rolling: Path, fingerprint: str) -> dict[int, dict[str, Any]]:
    """The rows, by number, that a job before this one had written, if it had the same task."""
    if not rolling.is_file():
        return {}
    first, *lines = rolling.read_bytes().split(b"\n")
    if first.decode("utf-8", "replace") != fingerprint:
        log.info("%s: of another checkpoint or other settings; begun anew", rolling)
        return {}
    # The last line has no end where the job was killed while it wrote.
    rows = [orjson.loads(line) for line in lines[:-1]]
    log.info("%d samples are kept from before", len(rows))
    return {row.pop("number"): row for row in rows}


def sample_part(
    checkpoint: Path,
    tokenizer_file: Path,
    benchmark: str,
    settings: BenchmarkSettings,
    part: int,
    parts: int,
    batch: int,
    backend: Backend,
    output: Path,
) -> None:
    """Write the samples of a part as JSON lines, by task, temperature and number.

    Each has task_id, temperature, sample, completion (cut at the first stop), written (all that the model wrote), tokens, ended
    and prompt_cut. Neither parts nor `batch` change a sample; another backend does.
    """
    draws = Sampling(top_p=settings.top_p, max_new_tokens=settings.max_new_tokens, seed=settings.seed)
    wanted = [
        (problem, temperature, number)
        for problem in problems_of(benchmark, settings, part, parts)
        for temperature in settings.temperatures
        for number in range(settings.samples)
    ]
    requests = [
        Request(
            problem.prompt, (problem.task_id, repr(float(heat)), str(number)), problem.stops, replace(draws, temperature=heat)
        )
        for problem, heat, number in wanted
    ]
    rolling = output.parent / f".{output.name}.rolling"
    rolling.parent.mkdir(parents=True, exist_ok=True)
    fingerprint = _fingerprint(checkpoint, tokenizer_file, requests, backend)
    rows = _kept(rolling, fingerprint)
    kept = "".join(orjson.dumps({"number": number, **row}).decode() + "\n" for number, row in rows.items())
    write_text(rolling, f"{fingerprint}\n{kept}")
    left = [number for number in range(len(wanted)) if number not in rows]
    with rolling.open("ab") as stream:
        done = _generated(checkpoint, tokenizer_file, [requests[number] for number in left], batch, backend)
        for place, written in progress(done, "samples", len(left)):
            number = left[place]
            problem, temperature, sample = wanted[number]
            rows[number] = {
                "task_id": problem.task_id,
                "temperature": temperature,
                "sample": sample,
                "completion": cut(written.text, problem.stops),
                "written": written.text,
                "tokens": written.tokens,
                "ended": written.ended,
                "prompt_cut": written.prompt_cut,
            }
            stream.write(orjson.dumps({"number": number, **rows[number]}) + b"\n")
            stream.flush()
        os.fsync(stream.fileno())
    write_text(output, "".join(orjson.dumps(rows[number]).decode() + "\n" for number in range(len(wanted))))
    rolling.unlink()
