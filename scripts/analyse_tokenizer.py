"""Analyse a tokenizer beside others, and write the report."""

from pathlib import Path

import orjson

from codeparrot.atomic import write_text
from codeparrot.command import run
from codeparrot.reporting.tokenizer_page import write_page
from codeparrot.tokenizer.analysis import AnalysisSettings, analyse
from codeparrot.tokenizer.compared import Compared
from codeparrot.tokenizer.training import TokenizerSettings


def main(
    tokenizer: Path,
    others: list[Path],
    merges: Path,
    train: Path,
    valid: Path,
    analysis: Path,
    page: Path,
    training: TokenizerSettings = TokenizerSettings(),
    settings: AnalysisSettings = AnalysisSettings(),
    threads: int = 2,
) -> None:
    """Analyse a tokenizer.

    Args:
        tokenizer: Its tokenizer.json.
        others: Those of the tokenizers that it is compared with.
        merges: Its merges.txt.
        train: The sample of documents that it was trained on (parquet).
        valid: The held-out sample (parquet).
        analysis: The JSON file to write.
        page: The HTML file to write.
        training: How it was trained.
        settings: What is analysed.
        threads: CPU threads.
    """
    compared = [Compared(file.parent.name, file, threads) for file in (tokenizer, *others)]
    found = analyse(compared, merges, training.pre_tokenizer, train, valid, settings, threads)
    write_text(analysis, orjson.dumps(found, option=orjson.OPT_INDENT_2).decode() + "\n")
    write_page(found, compared, page)


if __name__ == "__main__":
    run(main)
