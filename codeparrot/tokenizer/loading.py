"""The tokenizer as transformers has it."""

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from codeparrot.tokenizer.training import END_OF_TEXT


def load_tokenizer(tokenizer_file: Path) -> PreTrainedTokenizerFast:
    """tokenizer.json as a transformers tokenizer whose special tokens are all the end token."""
    return PreTrainedTokenizerFast(
        tokenizer_file=str(tokenizer_file),
        bos_token=END_OF_TEXT,
        eos_token=END_OF_TEXT,
        unk_token=END_OF_TEXT,
        clean_up_tokenization_spaces=False,
    )
