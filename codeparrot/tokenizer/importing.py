"""Tokenizers from elsewhere, to be compared with ours or to be trained with: GPT-2's own, a file, or one of the Hub."""

from pathlib import Path

from huggingface_hub import hf_hub_download
from tokenizers import Tokenizer

from codeparrot.byte_level import gpt2
from codeparrot.errors import PipelineError
from codeparrot.tokenizer.training import END_OF_TEXT, byte_level


def import_tokenizer(origin: str) -> Tokenizer:
    """The tokenizer that `origin` names: `gpt2`, a path to a tokenizer.json, or hub:OWNER/NAME@REVISION.

    Raises PipelineError where it is not there or is no tokenizer.json.
    """
    if origin == "gpt2":
        return byte_level(gpt2.vocabulary(), gpt2.merges(), [END_OF_TEXT])
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
