"""Training a tokenizer beside the tokenizers library's trainer on one corpus: seconds, peak memory, and compression.

    python benchmarks/corpus.py
    python benchmarks/train_tokenizer.py

Each way runs in a process of its own and reads the corpus from one file. Compression is on every fiftieth document, which
neither way has seen.
"""

import multiprocessing
import resource
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
from jsonargparse import auto_cli
from tokenizers import Tokenizer, models, pre_tokenizers, trainers

from codeparrot.corpus.shards import read_records
from codeparrot.tokenizer.training import END_OF_TEXT, TokenizerSettings, read_documents, train_tokenizer

SCHEMA = pa.schema([("content", pa.string())])
HELD_OUT = 50


def ours(documents: Iterator[str], entries: int) -> Tokenizer:
    """Learn merges with rustbpe and build the tokenizer."""
    return train_tokenizer(documents, TokenizerSettings(entries))


def library(documents: Iterator[str], entries: int) -> Tokenizer:
    """Train as the chapter does, which calls the library's trainer."""
    tokenizer = Tokenizer(models.BPE())
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=entries, special_tokens=[END_OF_TEXT], initial_alphabet=alphabet, show_progress=False
    )
    tokenizer.train_from_iterator(documents, trainer)
    return tokenizer


def measure(way: Any, documents: Path, entries: int, output: Path, results: Any) -> None:
    """Train one way, save the tokenizer, and put its seconds and peak MiB into `results`."""
    start = time.monotonic()
    tokenizer = way(read_documents(documents), entries)
    seconds = time.monotonic() - start
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**10
    tokenizer.save(str(output))
    results.put((seconds, peak))


def main(corpus: Path = Path("results/benchmark-corpus"), entries: int = 32768, repeats: int = 3) -> None:
    """Compare the two ways.

    Args:
        corpus: Folder of raw shards.
        entries: Entries of the vocabulary.
        repeats: How often each way runs, in turns; the fastest counts.
    """
    context = multiprocessing.get_context("spawn")
    held_out: list[str] = []
    size = 0
    with tempfile.TemporaryDirectory() as place:
        documents = Path(place, "documents.parquet")
        with pq.ParquetWriter(documents, SCHEMA, compression="zstd") as writer:
            for shard in sorted(corpus.glob("*.json.gz")):
                texts = [record.content for record in read_records(shard)]
                held_out += texts[::HELD_OUT]
                kept = [text for number, text in enumerate(texts) if number % HELD_OUT]
                size += sum(len(text.encode()) for text in kept)
                writer.write_table(pa.Table.from_pydict({"content": kept}, SCHEMA))
        runs: dict[str, list[tuple[float, float]]] = {"library": [], "ours": []}
        for _ in range(repeats):
            for way in (library, ours):
                results = context.Queue()
                output = Path(place, f"{way.__name__}.json")
                process = context.Process(target=measure, args=(way, documents, entries, output, results))
                process.start()
                runs[way.__name__].append(results.get())
                process.join()
        lengths, entries_of = {}, {}
        for name in runs:
            tokenizer = Tokenizer.from_file(f"{place}/{name}.json")
            lengths[name] = sum(len(each.ids) for each in tokenizer.encode_batch_fast(held_out, add_special_tokens=False))
            entries_of[name] = set(tokenizer.get_vocab())
    print(f"{size / 1e6:.1f} MB of text, {entries:,} entries")
    for name, found in runs.items():
        seconds, peak = min(each[0] for each in found), max(each[1] for each in found)
        print(f"{name:8} {seconds:6.1f} s   peak {peak:,.0f} MiB   {lengths[name]:,} tokens held out")
    ratio = min(each[0] for each in runs["library"]) / min(each[0] for each in runs["ours"])
    more = 100 * (lengths["ours"] / lengths["library"] - 1)
    common = len(entries_of["ours"] & entries_of["library"])
    print(f"{ratio:.2f} times as fast, {more:+.4f}% tokens, {common:,} entries in both")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
