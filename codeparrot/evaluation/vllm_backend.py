"""Sampling with vLLM where it is installed: paged attention and continuous batching on GPUs.

vLLM brings its own pinned torch, so it is not of this pipeline's environment. Its numbers are its own: a sample is a function of
its seed and name there too, but another text than ours.
"""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Literal

from codeparrot.chance import draw
from codeparrot.errors import PipelineError
from codeparrot.evaluation.generation import Request, Written, fitted
from codeparrot.tokenizer.loading import load_tokenizer


def generate(checkpoint: Path, tokenizer_file: Path, requests: Sequence[Request]) -> Iterator[tuple[int, Written]]:
    """What the model writes for each request, with the request's number; as `generation.generate`, prompts cut alike."""
    try:
        from vllm import LLM, SamplingParams
    except ImportError as error:
        raise PipelineError(
            f"evaluation: backend: 'vllm': {error}; install vLLM in the environment that the rule runs in, or use 'transformers'"
        ) from error
    engine = LLM(model=str(checkpoint), tokenizer=str(tokenizer_file.parent), trust_remote_code=False)
    fits = fitted(requests, load_tokenizer(tokenizer_file), engine.llm_engine.model_config.max_model_len)
    prompts, parameters, cuts = [], [], []
    for request, (ids, new_tokens, cut) in zip(requests, fits, strict=True):
        cuts.append(cut)
        prompts.append({"prompt_token_ids": ids})
        parameters.append(
            SamplingParams(
                temperature=request.sampling.temperature,
                top_p=request.sampling.top_p,
                max_tokens=new_tokens,
                seed=draw(request.sampling.seed, *request.identity) % 2**63,
                stop=list(request.stops),
                include_stop_str_in_output=True,
            )
        )
    for number, (found, cut) in enumerate(zip(engine.generate(prompts, parameters), cuts, strict=True)):
        text = found.outputs[0]
        ended: Literal["end token", "stop", "length"] = "length"
        if text.finish_reason == "stop":
            ended = "end token" if text.stop_reason is None else "stop"
        yield number, Written(text.text, len(text.token_ids) - (ended == "end token"), ended, cut)
