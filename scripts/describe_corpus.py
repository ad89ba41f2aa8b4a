"""Write the dataset card of a corpus and its statistics."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.cleaning.card import dataset_card, statistics
from codeparrot.command import run


def main(corpus: str, counts: list[Path], train: list[Path], valid: list[Path], card: Path, figures: Path) -> None:
    """Describe a corpus.

    Args:
        corpus: Its name.
        counts: The count files of all shards.
        train: All training shards.
        valid: All validation shards.
        card: The README.md to write.
        figures: The JSON file of statistics to write.
    """
    found = statistics(counts, train, valid)
    write_text(figures, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    write_text(card, dataset_card(corpus, found))


if __name__ == "__main__":
    run(main)
