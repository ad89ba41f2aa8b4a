"""Encoding with one vocabulary: MB a second and core of each encoder on real code, and whether all ids are equal.

    python benchmarks/corpus.py
    snakemake results/tokenizers/codeparrot/tokenizer.json
    python benchmarks/encode.py

Ways: the tokenizers library in batches (the chapter's) and one text at a time, and tiktoken with the same merges (ours).
"""

import os
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
from jsonargparse import auto_cli
from numpy.typing import NDArray

from codeparrot.corpus.shards import read_records


def main(
    corpus: Path = Path("results/benchmark-corpus"),
    tokenizer: Path = Path("results/tokenizers/codeparrot/tokenizer.json"),
    megabytes: int = 120,
    repeats: int = 2,
) -> None:
    """Compare the encoders on one core.

    Args:
        corpus: Folder of raw shards.
        tokenizer: The tokenizer.json.
        megabytes: Text to encode.
        repeats: How often each runs, in turns; the fastest counts.
    """
    os.environ["RAYON_NUM_THREADS"] = "1"
    from tokenizers import Tokenizer

    from codeparrot.tokenizer.encoding import Encoder

    texts: list[str] = []
    size = 0
    for shard in sorted(corpus.glob("*.json.gz")):
        for record in read_records(shard):
            if size < megabytes * 1e6:
                texts.append(record.content)
                size += len(record.content.encode())
    library = Tokenizer.from_file(str(tokenizer))
    library.encode_special_tokens = True
    encoder = Encoder(tokenizer, 1)
    batches = [texts[start : start + 256] for start in range(0, len(texts), 256)]

    def in_batches() -> list[list[int]]:
        return [each.ids for batch in batches for each in library.encode_batch_fast(batch, add_special_tokens=False)]

    def alone() -> list[list[int]]:
        return [library.encode(text, add_special_tokens=False).ids for text in texts]

    def ours() -> list[NDArray[np.uint32]]:
        return [ids for batch in encoder.encode(batches) for ids in batch]

    ways: dict[str, Callable[[], Sequence[Sequence[int] | NDArray[np.uint32]]]] = {
        "tokenizers, batches": in_batches,
        "tokenizers, alone": alone,
        "ours": ours,
    }
    fastest = dict.fromkeys(ways, float("inf"))
    found: dict[str, Sequence[Sequence[int] | NDArray[np.uint32]]] = {}
    for _ in range(repeats):
        for name, way in ways.items():
            start = time.process_time()
            found[name] = way()
            fastest[name] = min(fastest[name], time.process_time() - start)
    for name, seconds in fastest.items():
        print(f"{name:20} {size / 1e6 / seconds:6.1f} MB a second and core")
    equal = all(np.array_equal(one, other) for ids in found.values() for one, other in zip(ids, found["ours"], strict=True))
    tokens = sum(map(len, found["ours"]))
    print(f"{size / 1e6:.1f} MB, {len(texts):,} files, {tokens:,} tokens, ids {'equal' if equal else 'NOT EQUAL'}")


if __name__ == "__main__":
    auto_cli(main, as_positional=False)
