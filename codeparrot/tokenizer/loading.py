"""The tokenizer as transformers has it."""

from pathlib import Path

from transformers import PreTrainedTokenizerFast

from codeparrot.errors import PipelineError
from codeparrot.tokenizer.training import FOR_TRANSFORMERS


def load_tokenizer(tokenizer_file: Path) -> PreTrainedTokenizerFast:
    """tokenizer.json as a transformers tokenizer whose special tokens are all the end token.

    Raises PipelineError where there is no such file.
    """
    if not tokenizer_file.is_file():
        raise PipelineError(f"{tokenizer_file}: there is no such file; expected a model's tokenizer.json")
    return PreTrainedTokenizerFast(tokenizer_file=str(tokenizer_file), **FOR_TRANSFORMERS)
