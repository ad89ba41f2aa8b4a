"""A tiny model and its tokens, for the tests of training."""

from pathlib import Path

import numpy as np
import orjson

from codeparrot.model.architecture import architecture
from codeparrot.model.weights import initialised_model
from codeparrot.pretraining.optimisation import TrainingSettings
from codeparrot.pretraining.state import TrainingState, write_state

TINY = {"model_type": "gpt2", "n_positions": 16, "n_embd": 16, "n_layer": 1, "n_head": 2}
VOCABULARY = 300
SETTINGS = TrainingSettings(
    sequence_length=16, global_batch=4, device_batch=4, steps=4, learning_rate=1e-2, warmup_steps=2, precision="fp32", log_every=1
)


def write_tokens(folder: Path, sequences: int) -> None:
    """Write `train.json` and its tokens: so many sequences of 16 random ids, of one document."""
    ids = np.random.default_rng(1).integers(0, VOCABULARY, 16 * sequences).astype("<u2")
    (folder / "train-0.bin").write_bytes(ids.tobytes())
    shard = {
        "file": "train-0.bin",
        "documents": 1,
        "tokens": len(ids),
        "bytes": 1,
        "dtype": "<u2",
        "sha256": "",
        "tokenizer_sha256": "the tokenizer",
    }
    (folder / "train.json").write_bytes(orjson.dumps({"shards": [shard]}))


def initialise(folder: Path, shape: dict[str, object]) -> None:
    """Seeded initial weights, as initialise_model makes them."""
    initialised_model(architecture(shape, VOCABULARY, 0), 1).save_pretrained(folder)
    write_state(folder, TrainingState(0, "the tokenizer", {}))
