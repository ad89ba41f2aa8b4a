"""Write the dataset card of a corpus and its statistics."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.cleaning.card import dataset_card, statistics
from codeparrot.command import run
from codeparrot.numbering import of_parts, of_shards


def main(
    corpus: str, shards: int, cleaned_counts: str, split_counts: str, train: str, valid: str, card: Path, figures: Path
) -> None:
    """Describe a corpus.

    Args:
        corpus: Its name.
        shards: How many shards it has.
        cleaned_counts: Pattern of the counts of the cleaned shards, with {shard}.
        split_counts: Pattern of the counts of the divided shards, with {part}.
        train: Pattern of the training shards, with {part}.
        valid: Pattern of the validation shards, with {part}.
        card: The README.md to write.
        figures: The JSON file of statistics to write.
    """
    counts = [*of_shards(cleaned_counts, shards), *of_parts(split_counts, shards)]
    parts = [*of_parts(train, shards), *of_parts(valid, shards)]
    found = statistics([Path(file) for file in counts], [Path(file) for file in parts])
    write_text(figures, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    write_text(card, dataset_card(corpus, found))


if __name__ == "__main__":
    run(main)
