"""Write the dataset card of a corpus, its statistics, its funnel and where its files come from."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.cleaning.card import dataset_card, statistics, write_attribution
from codeparrot.command import run
from codeparrot.numbering import of_parts, of_shards
from codeparrot.reporting.corpus_page import write_corpus_page


def main(
    corpus: str,
    shards: int,
    cleaned_counts: str,
    split_counts: str,
    train: str,
    valid: str,
    card: Path,
    figures: Path,
    page: Path,
    attribution: Path,
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
        page: The HTML file of the funnel to write.
        attribution: The parquet file of every kept file's repository, path and licence to write.
    """
    counts = [*of_shards(cleaned_counts, shards), *of_parts(split_counts, shards)]
    sides = [[Path(file) for file in of_parts(pattern, shards)] for pattern in (train, valid)]
    found = statistics([Path(file) for file in counts], [*sides[0], *sides[1]])
    write_attribution(sides[0], sides[1], attribution)
    write_text(figures, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    write_text(card, dataset_card(corpus, found))
    write_corpus_page(corpus, found, page)


if __name__ == "__main__":
    run(main)
