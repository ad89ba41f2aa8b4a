"""Cleaning beside the chapter's way on one corpus: seconds, peak memory of any process, and how cost grows with the corpus.

    pip install --target results/benchmark-packages datasketch==2.0.0 scipy==1.17.1
    python benchmarks/corpus.py
    PYTHONPATH=results/benchmark-packages python benchmarks/clean.py

`reference` is the reference's own set: its filters, exact and near duplicates. `whole` is our recipe, secrets and contamination
included, beside the plain version with the same patterns and tasks, a file at a time. datasketch is no package of the pipeline.
"""

import multiprocessing
import re
import resource
import tempfile
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import Any

from jsonargparse import auto_cli

from codeparrot.cleaning.clusters import join_duplicates
from codeparrot.cleaning.duplicates import find_duplicates
from codeparrot.cleaning.filters import Filters
from codeparrot.cleaning.secrets import PLACEHOLDERS, SHAPES
from codeparrot.cleaning.shard import Recipe, clean_records
from codeparrot.cleaning.splits import SplitSettings, split_shard
from codeparrot.corpus.shards import read_records
from codeparrot.problems.tasks import Task, read_tasks

REFERENCE = Recipe(Filters(config_or_test="substrings", assignments="characters", min_bytes=0), secrets=(), decontaminate=())
WHOLE = Recipe()


def _peak() -> float:
    """MiB of the largest of this process and its ended children."""
    return max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 2**10


def _clean(raw: Path, recipe: Recipe, folder: Path) -> float:
    clean_records(read_records(raw, [], 1.0), recipe, folder / f"{raw.stem}.parquet", folder / f"{raw.stem}.jsonl")
    return _peak()


def _split(folder: Path, file: Path, shard: int, shards: int) -> float:
    parts = [folder / f"{side}-{shard}.parquet" for side in ("train", "valid")]
    split_shard(file, folder / "clusters.parquet", shard, shards, SplitSettings(), *parts)
    return _peak()


def ours(shards: list[Path], recipe: Recipe, folder: Path, workers: int) -> dict[str, float]:
    """Clean, search, join and split, each job in one of some processes. Seconds of each step, and the peak of the largest."""
    seconds, start = {}, time.monotonic()

    def lap(step: str) -> None:
        seconds[step] = time.monotonic() - start - sum(seconds.values())

    with ProcessPoolExecutor(workers, multiprocessing.get_context("spawn")) as pool:
        peaks = list(pool.map(_clean, shards, [recipe] * len(shards), [folder] * len(shards)))
        lap("clean_shard")
        cleaned = [folder / f"{raw.stem}.parquet" for raw in shards]
        pairs = [folder / f"pairs-{number}" for number in range(workers)]
        jobs = [pool.submit(find_duplicates, cleaned, number, workers, 0.85, pair) for number, pair in enumerate(pairs)]
        for job in jobs:
            job.result()
        lap("find_duplicates")
        join_duplicates(pairs, folder / "clusters.parquet")
        lap("join_duplicates")
        count = len(cleaned)
        peaks += pool.map(_split, [folder] * count, cleaned, range(count), [count] * count)
        lap("split_shard")
    return seconds | {"peak": max(*peaks, _peak())}


def _skeleton(code: str) -> str:
    return re.sub(r"\s+", "", re.sub(r"#[^\n]*", "", code))


def _further(tasks: list[Task]) -> Callable[[str], str | None]:
    """Secrets and contamination in the chapter's way: each pattern and each task tried on each file."""
    needles = [needle for task in tasks for needle in (_skeleton(task.solution), _skeleton(task.prompt)) if len(needle) >= 40]

    def further(text: str) -> str | None:
        for shape in SHAPES:
            text = shape.pattern.sub(
                lambda match, shape=shape: PLACEHOLDERS[shape.kind] if shape.is_secret(match) else match.group(), text
            )
        skeleton = _skeleton(text)
        return None if any(needle in skeleton for needle in needles) else text

    return further


def plain(shards: list[Path], folder: Path, workers: int, is_whole: bool) -> dict[str, float]:
    """The chapter's way."""
    import plain_cleaning  # needs datasketch

    from codeparrot.tokenizer.importing import import_tokenizer

    tokenizer = folder / "tokenizer.json"
    import_tokenizer("gpt2").save(str(tokenizer))
    further = _further(read_tasks(["humaneval"])) if is_whole else None
    return plain_cleaning.clean(shards, tokenizer, folder, workers, further) | {"peak": _peak()}


def _measured(results: Any, way: Callable[..., dict[str, float]], *arguments: Any) -> None:
    with tempfile.TemporaryDirectory() as place:
        start = time.monotonic()
        found = way(arguments[0], *(Path(place) if each is None else each for each in arguments[1:]))
        results.put((time.monotonic() - start, found))


def measure(way: Callable[..., dict[str, float]], *arguments: Any) -> tuple[float, dict[str, float]]:
    """Run one way in a process of its own: seconds, and what it found. A None among the arguments is a new folder."""
    context = multiprocessing.get_context("spawn")
    results = context.Queue()
    process = context.Process(target=_measured, args=(results, way, *arguments))
    process.start()
    found: tuple[float, dict[str, float]] = results.get()
    process.join()
    return found


def _print(name: str, seconds: float, found: dict[str, float]) -> None:
    steps = ", ".join(f"{step} {value:.1f}" for step, value in found.items() if step not in ("peak", "files"))
    print(f"{name:20} {seconds:7.1f} s   peak {found['peak']:,.0f} MiB   ({steps})", flush=True)


def main(corpus: Path = Path("results/benchmark-corpus"), workers: int = 2, beside: bool = True) -> None:
    """Compare the two ways.

    Args:
        corpus: Folder of raw shards.
        workers: Processes.
        beside: Whether the plain version runs, too.
    """
    shards = sorted(corpus.glob("*.json.gz"))
    sizes = Counter({shard: sum(len(record.content.encode()) for record in read_records(shard)) for shard in shards})
    print(f"{sizes.total() / 1e6:.1f} MB of text in {len(shards)} shards, {workers} processes")
    for name, recipe in (("reference", REFERENCE), ("whole", WHOLE)):
        mine = measure(ours, shards, recipe, None, workers)
        _print(f"{name}, ours", *mine)
        if beside:
            theirs = measure(plain, shards, None, workers, name == "whole")
            _print(f"{name}, plain", *theirs)
            print(f"{name}: {theirs[0] / mine[0]:.1f} times as fast")
    for part in (8, 4, 2, 1):
        some = shards[: len(shards) // part]
        seconds, found = measure(ours, some, WHOLE, None, workers)
        megabytes = sum(sizes[shard] for shard in some) / 1e6
        _print(f"{megabytes:.0f} MB", seconds, found)
        print(f"{'':20} {megabytes / seconds:7.1f} MB/s")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
