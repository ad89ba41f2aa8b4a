"""The tokenizer as transformers has it."""

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from codeparrot.tokenizer.training import FOR_TRANSFORMERS


def load_tokenizer(tokenizer_file: Path) -> PreTrainedTokenizerFast:
    """tokenizer.json as a transformers tokenizer whose special tokens are all the end token."""
    return PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_file), **FOR_TRANSFORMERS)
