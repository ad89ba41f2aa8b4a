"""pass@k and its interval, from the verdicts over samples."""

import math
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from codeparrot.atomic import write_text

KS = (1, 10, 100)
Z = 1.96
SHOWN = 20


def pass_at_k(samples: int, correct: int, k: int) -> float:
    """The unbiased estimate 1 - C(n-c, k) / C(n, k) of Chen et al. 2021, equation 1; n = samples, c = correct."""
    if samples - correct < k:
        return 1.0
    return float(1.0 - np.prod(1.0 - k / np.arange(samples - correct + 1, samples + 1)))


def interval(mean: float, problems: int) -> tuple[float, float]:
    """The 95% interval of a mean over problems (Wilson's score interval, 1927), which has a width also where none or all pass.

    Values in [0, 1] vary at most as those that are 0 or 1, so where samples of a problem differ it is wider than it need be.
    """
    squared = Z**2 / problems
    middle = (mean + squared / 2) / (1 + squared)
    half = Z * math.sqrt(max(mean * (1 - mean), 0.0) / problems + squared / (4 * problems)) / (1 + squared)
    return max(0.0, middle - half), min(1.0, middle + half)


def estimates(correct: Sequence[tuple[int, int]]) -> dict[str, dict[str, float]]:
    """Of (samples, correct) of each problem pass@1, 10 and 100, as far as each has so many samples: value, low, high."""
    fewest = min(samples for samples, _ in correct)
    found = {}
    for k in KS:
        if k <= fewest:
            value = math.fsum(pass_at_k(samples, passed, k) for samples, passed in correct) / len(correct)
            low, high = interval(value, len(correct))
            found[f"pass@{k}"] = {"value": value, "low": low, "high": high}
    return found


def score(rows: Iterable[dict[str, Any]]) -> dict[str, Any]:
    """What the verdicts over all samples of a benchmark come to.

    status: "run" or why not. temperatures: pass@k at each. best: for each k the highest of these and where it was. tasks: how
    many samples of each passed, by temperature. reasons: how often each. examples: the first samples with their verdicts.
    """
    verdicts: dict[float, dict[str, list[bool]]] = defaultdict(lambda: defaultdict(list))
    reasons: Counter[str] = Counter()
    ended: Counter[str] = Counter()
    examples: list[dict[str, Any]] = []
    cut: set[str] = set()
    tokens, status = 0, "run"
    for row in rows:
        if row["passed"] is None:
            status = row["reason"]
        verdicts[row["temperature"]][row["task_id"]].append(bool(row["passed"]))
        reasons[row["reason"]] += 1
        ended[row["ended"]] += 1
        tokens += row["tokens"]
        if row["prompt_cut"]:
            cut.add(row["task_id"])
        if len(examples) < SHOWN and row["sample"] == 0:
            examples.append(row)
    tasks = next(iter(verdicts.values()))
    found = {heat: estimates([(len(each), sum(each)) for each in of_heat.values()]) for heat, of_heat in verdicts.items()}
    best: dict[str, dict[str, float]] = {}
    for heat, at_k in found.items():
        for k, estimate in at_k.items():
            if k not in best or estimate["value"] > best[k]["value"]:
                best[k] = {**estimate, "temperature": heat}
    run = status == "run"
    return {
        "status": status,
        "problems": len(tasks),
        "samples": max(map(len, tasks.values())),
        "tokens": tokens,
        "temperatures": {str(heat): at_k for heat, at_k in found.items()} if run else {},
        "best": best if run else {},
        "tasks": {task: {str(heat): sum(of_heat[task]) for heat, of_heat in verdicts.items()} for task in tasks} if run else {},
        "reasons": dict(reasons.most_common()),
        "ended": dict(ended.most_common()),
        "prompts_cut": sorted(cut),
        "examples": examples,
    }


def score_parts(verdicts: Sequence[Path], output: Path) -> None:
    """Write what the verdicts over all parts come to, as JSON."""
    rows = (orjson.loads(line) for file in verdicts for line in file.read_bytes().splitlines())
    write_text(output, orjson.dumps(score(rows), option=orjson.OPT_INDENT_2).decode() + "\n")
