"""Sampling HumanEval beside the reference's way, on codeparrot-small's shape: samples a second, and peak memory.

    snakemake results/tokenizers/codeparrot/tokenizer.json
    python benchmarks/generate.py

The reference does what CodeParrot's human_eval.py does: transformers' generate with one prompt at a time, ten of its samples a
batch, until all ten hold a stop, which is looked for in the decoded texts at every step. Untrained weights draw tokens nearly
evenly and know no stops. So a stop is a pair of letters that one token in a hundred holds: texts are a hundred tokens long on
average, as those of trained models are by order of magnitude. The second pair of lines has no stops: every text has 256 tokens.
"""

import multiprocessing
import resource
import time
from pathlib import Path
from typing import Any

import torch
import yaml
from jsonargparse import auto_cli
from transformers import PreTrainedModel, PreTrainedTokenizerFast, StoppingCriteria, StoppingCriteriaList

from codeparrot.evaluation.generation import Request, Sampling, generate
from codeparrot.evaluation.perplexity import spellings
from codeparrot.model.allocation import keep_freed_memory
from codeparrot.model.architecture import architecture
from codeparrot.model.weights import initialised_model
from codeparrot.problems import BENCHMARKS
from codeparrot.tokenizer.loading import load_tokenizer

TOKENIZER = Path("results/tokenizers/codeparrot/tokenizer.json")
REFERENCE_BATCH = 10


class _AllHaveStopped(StoppingCriteria):  # type: ignore[misc]
    def __init__(self, tokenizer: PreTrainedTokenizerFast, stops: tuple[str, ...], start: int) -> None:
        self.tokenizer, self.stops, self.start = tokenizer, stops, start

    def __call__(self, ids: torch.Tensor, scores: torch.Tensor, **_: Any) -> torch.Tensor:
        texts = self.tokenizer.batch_decode(ids[:, self.start :])
        done = all(any(stop in text for stop in self.stops) for text in texts)
        return torch.full((len(ids),), done)


def reference(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    samples: int,
    stops: tuple[str, ...],
    sampling: Sampling,
) -> int:
    """The reference's loop; how many samples it made."""
    made = 0
    torch.manual_seed(1)
    for prompt in prompts:
        ids = torch.tensor([[tokenizer.eos_token_id, *tokenizer(prompt)["input_ids"]]])
        for _ in range(samples // REFERENCE_BATCH):
            criteria = StoppingCriteriaList([_AllHaveStopped(tokenizer, stops, ids.shape[1])] if stops else [])
            found = model.generate(
                ids,
                attention_mask=torch.ones_like(ids),
                do_sample=True,
                temperature=sampling.temperature,
                top_p=sampling.top_p,
                top_k=0,
                max_new_tokens=sampling.max_new_tokens,
                num_return_sequences=REFERENCE_BATCH,
                pad_token_id=tokenizer.eos_token_id,
                stopping_criteria=criteria,
            )
            made += len(tokenizer.batch_decode(found))
    return made


def ours(
    model: PreTrainedModel,
    tokenizer: PreTrainedTokenizerFast,
    prompts: list[str],
    samples: int,
    stops: tuple[str, ...],
    sampling: Sampling,
    batch: int,
) -> int:
    """Our way; how many samples it made."""
    requests = [Request(prompt, (prompt, str(number)), stops, sampling) for prompt in prompts for number in range(samples)]
    return sum(1 for _ in generate(model, tokenizer, requests, batch))


def one_token_in_a_hundred() -> tuple[str, ...]:
    """The pair of letters that is in nearest to a hundredth of all tokens."""
    spelled = [token.decode("utf-8", "replace") for token in spellings(TOKENIZER)]
    letters = "abcdefghijklmnopqrstuvwxyz"
    pairs = [one + two for one in letters for two in letters]
    return (min(pairs, key=lambda pair: abs(sum(pair in token for token in spelled) / len(spelled) - 0.01)),)


def measure(way: str, stops: tuple[str, ...], problems: int, samples: int, batch: int, threads: int, results: Any) -> None:
    """Put seconds, samples and peak memory in MiB of one way into `results`."""
    torch.set_num_threads(threads)
    keep_freed_memory()
    settings = yaml.safe_load(Path("config/models/codeparrot-small.yaml").read_text())
    tokenizer = load_tokenizer(TOKENIZER)
    model = initialised_model(architecture(settings["architecture"], len(tokenizer), 0), 1).eval()
    prompts = [problem.prompt for problem in BENCHMARKS["humaneval"](None)[:problems]]
    sampling = Sampling(temperature=0.8)
    start = time.monotonic()
    with torch.inference_mode():
        if way == "ours":
            made = ours(model, tokenizer, prompts, samples, stops, sampling, batch)
        else:
            made = reference(model, tokenizer, prompts, samples, stops, sampling)
    results.put((time.monotonic() - start, made, resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10))


def main(problems: int = 4, samples: int = 40, batch: int = 64, threads: int = 2) -> None:
    """Compare the two ways.

    Args:
        problems: The first so many of HumanEval.
        samples: Of each; a multiple of ten.
        batch: Rows of our batches.
        threads: CPU threads.
    """
    context = multiprocessing.get_context("spawn")
    for name, stops in (("stops", one_token_in_a_hundred()), ("no stops", ())):
        seconds = {}
        for way in ("reference", "ours"):
            results = context.Queue()
            process = context.Process(target=measure, args=(way, stops, problems, samples, batch, threads, results))
            process.start()
            seconds[way], made, peak = results.get()
            process.join()
            print(
                f"{name}, {way:10} {made / seconds[way]:7.3f} samples a second   {made} samples   peak {peak:,.0f} MiB",
                flush=True,
            )
        print(f"{name}: {seconds['reference'] / seconds['ours']:.1f} times as fast")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
