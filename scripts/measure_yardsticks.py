"""Measure what a model must beat on the validation split: a uniform guess and the unigram distribution."""

from pathlib import Path

import orjson
from tokenizers import Tokenizer

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.evaluation.yardsticks import yardsticks


def main(train: Path, valid: Path, tokenizer: Path, sequence_length: int, sequences: int, output: Path) -> None:
    """Measure the yardsticks.

    Args:
        train: Index of the training split.
        valid: Index of the validation split.
        tokenizer: The tokenizer.json.
        sequence_length: Tokens in a sequence.
        sequences: How many sequences, evenly spread; 0 for all.
        output: The JSON file to write.
    """
    vocabulary = Tokenizer.from_file(str(tokenizer)).get_vocab_size()
    result = yardsticks(train, valid, vocabulary, sequence_length, sequences)
    write_text(output, orjson.dumps(result, option=orjson.OPT_INDENT_2).decode() + "\n")


if __name__ == "__main__":
    run(main)
