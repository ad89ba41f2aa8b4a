"""Sampling with vLLM: paged attention and continuous batching.

vLLM pins a torch and a transformers of its own, so it lies in an environment of its own (`make vllm`). The likeliest tokens are
those that `generation` writes; a sample is a function of its seed and name here too, but another text.
"""

import os
from collections.abc import Iterator, Sequence
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import torch

from codeparrot.errors import PipelineError
from codeparrot.evaluation.generation import Ended, Request, Written, fitted, spelled
from codeparrot.evaluation.gpus import take_one_gpu
from codeparrot.tokenizer.loading import load_tokenizer

# vLLM reads every *.safetensors of a folder as weights, and a checkpoint has its optimizer's state beside them.
WEIGHTS = ("config.json", "generation_config.json", "model.safetensors")
# Bytes of keys and values; vLLM takes nine tenths of a GPU, which a job has for itself, but also of a machine's memory.
CACHE_ON_CPU = 2**30


def _engine(checkpoint: Path, tokenizer_file: Path) -> Any:
    # In this process requests are scheduled alike in every run, and no engine outlives a job that is killed.
    os.environ["VLLM_ENABLE_V1_MULTIPROCESSING"] = "0"
    take_one_gpu()
    from vllm import EngineArgs, LLMEngine

    on_gpu = torch.cuda.is_available()
    with TemporaryDirectory() as folder:
        for file in (*(checkpoint / name for name in WEIGHTS), tokenizer_file):
            (Path(folder) / file.name).symlink_to(file.resolve())
        # vLLM 0.32 cannot read the prompt of a request with a seed in pieces on a CPU; no prompt is longer than the context.
        settings = EngineArgs(
            model=folder,
            dtype="bfloat16" if on_gpu else "float32",
            kv_cache_memory_bytes=None if on_gpu else CACHE_ON_CPU,
            trust_remote_code=False,
            enable_chunked_prefill=False,
        )
        return LLMEngine.from_engine_args(settings)


def _finished(engine: Any) -> Iterator[Any]:
    while engine.has_unfinished_requests():
        yield from (found for found in engine.step() if found.finished)


def generate(checkpoint: Path, tokenizer_file: Path, requests: Sequence[Request]) -> Iterator[tuple[int, Written]]:
    """What the model writes for each request, with the request's number, in the order in which they are finished.

    Prompts are cut as by `generation.generate`. Raises PipelineError where vLLM or the tokenizer is missing.
    """
    try:
        from vllm import SamplingParams
    except ImportError as error:
        raise PipelineError(
            f"evaluation: backend: 'vllm': {error}; run `make vllm`, which installs it, or use 'transformers'"
        ) from error
    tokenizer = load_tokenizer(tokenizer_file)
    engine = _engine(checkpoint, tokenizer_file)
    fits = list(fitted(requests, tokenizer, engine.model_config.max_model_len))
    for number, (request, (ids, new_tokens, _)) in enumerate(zip(requests, fits, strict=True)):
        parameters = SamplingParams(
            temperature=request.sampling.temperature,
            top_p=request.sampling.top_p,
            max_tokens=new_tokens,
            seed=request.seed % 2**63,
            stop=list(request.stops),
        )
        engine.add_request(str(number), {"prompt_token_ids": ids}, parameters)
    for found in _finished(engine):
        number, written = int(found.request_id), found.outputs[0]
        ended: Ended = "length"
        if written.finish_reason == "stop":
            ended = "end token" if written.stop_reason is None else "stop"
        # vLLM's own text lacks the stop, and what is no whole character at the end; its ids have the end token.
        ids = list(written.token_ids)[: -1 if ended == "end token" else None]
        yield number, spelled(tokenizer, ids, ended, fits[number][2])
