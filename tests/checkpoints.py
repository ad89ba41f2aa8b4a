"""A checkpoint to sample from."""

from pathlib import Path

from codeparrot.model.architecture import architecture
from codeparrot.model.weights import initialised_model
from codeparrot.tokenizer.training import TokenizerSettings, train_tokenizer

VOCABULARY = 400


def write_untrained(folder: Path, sources: list[str], shape: dict[str, object]) -> None:
    """Write tokenizer.json, and the weights of a model of that shape that knows nothing."""
    train_tokenizer(iter(sources), TokenizerSettings(VOCABULARY)).save(str(folder / "tokenizer.json"))
    initialised_model(architecture(shape, VOCABULARY, 0), 1).save_pretrained(folder)
