"""Validation loss: every token once, in any batch and any number of processes; by position, by kind of text, by byte."""

import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import orjson
import pytest

from codeparrot.evaluation.kinds import Documents
from codeparrot.evaluation.perplexity import bits_a_byte, perplexity, spellings, validation_loss
from codeparrot.evaluation.yardsticks import unigram_loss
from codeparrot.tokenizer.text_kinds import KINDS
from codeparrot.tokenizer.training import TokenizerSettings, train_tokenizer
from codeparrot.tokens.packed import TokenSplit
from tests.conftest import REPOSITORY
from tests.programs import started_together
from tests.unit.pretraining.test_loop import run
from tests.unit.pretraining.tiny_training import VOCABULARY

run = run  # the fixture with a tiny model and its tokens
LETTERS: Sequence[bytes] = [b"", *(b"a" for _ in range(VOCABULARY - 1))]


def validate(run: Path, sequences: int = 0, batch: int = 8) -> dict[str, Any]:
    return validation_loss(run / "init", run / "train.json", 16, sequences, batch, 1, LETTERS, 0)


def write_split(folder: Path, ids: Sequence[int]) -> TokenSplit:
    (folder / "texts.bin").write_bytes(np.array(ids, "<u2").tobytes())
    shard = {
        "file": "texts.bin",
        "documents": 1,
        "tokens": len(ids),
        "bytes": 1,
        "dtype": "<u2",
        "sha256": "",
        "tokenizer_sha256": "",
    }
    (folder / "texts.json").write_bytes(orjson.dumps({"shards": [shard]}))
    return TokenSplit(folder / "texts.json", 8)


def test_validation_loss_does_not_depend_on_the_batch(run: Path) -> None:
    losses = [validate(run, 0, batch)["loss"] for batch in (1, 7, 40)]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-6)


IN_PROCESSES = """
import sys
from pathlib import Path
import orjson
from accelerate import PartialState
sys.path.insert(0, {repository!r})
from tests.unit.evaluation.test_perplexity import validate
found = validate(Path({run!r}), 0, 3)
if PartialState().is_main_process:
    Path({output!r}).write_bytes(orjson.dumps(found))
"""


def test_validation_loss_does_not_depend_on_the_number_of_processes(run: Path) -> None:
    output = run / "found.json"
    (run / "script.py").write_text(IN_PROCESSES.format(repository=str(REPOSITORY), run=str(run), output=str(output)))
    programs = started_together(2, [str(run / "script.py")], run / "said", REPOSITORY)
    assert [program.wait() for program in programs] == [0, 0], programs[0].said()
    alone, together = validate(run), orjson.loads(output.read_bytes())
    assert together["loss"] == pytest.approx(alone["loss"], abs=1e-6)
    assert together["tokens"] == alone["tokens"] == 40 * 15
    assert [row["loss"] for row in together["by_position"]] == pytest.approx(
        [row["loss"] for row in alone["by_position"]], abs=1e-6
    )


def test_a_number_of_sequences_is_spread_over_the_split(run: Path) -> None:
    result = validate(run, 10, 4)
    assert (result["sequences"], result["of_sequences"], result["tokens"]) == (10, 40, 150)
    assert result["perplexity"] == pytest.approx(math.exp(result["loss"]))


def test_positions_in_bins_that_double_make_up_the_whole_loss(run: Path) -> None:
    result = validate(run)
    rows = result["by_position"]
    assert [(row["first"], row["last"]) for row in rows] == [(1, 1), (2, 3), (4, 7), (8, 15)]
    total = sum(row["loss"] * (row["last"] - row["first"] + 1) for row in rows)
    assert total / 15 == pytest.approx(result["loss"])


def test_bits_a_byte_count_the_bytes_of_what_was_predicted(run: Path) -> None:
    ids = TokenSplit(run / "train.json", 16).batch(range(40))[:, 1:]
    result = validate(run)
    assert result["bits_a_byte"] == pytest.approx(result["loss"] * ids.size / math.log(2) / (ids != 0).sum())
    assert bits_a_byte(math.log(2) * 80, 10) == pytest.approx(8) and bits_a_byte(1, 0) is None


def test_special_tokens_spell_nothing_and_all_others_their_bytes(sources: list[str], tmp_path: Path) -> None:
    tokenizer = train_tokenizer(iter(sources), TokenizerSettings(400))
    tokenizer.save(str(tmp_path / "tokenizer.json"))
    spelled = spellings(tmp_path / "tokenizer.json")
    text = "def é(self):\n    return '€'\n"
    assert b"".join(spelled[token] for token in tokenizer.encode(text).ids).decode() == text
    assert spelled[0] == b"" and len(spelled) == 400


def test_tokens_are_of_the_kind_that_their_whole_document_says(tmp_path: Path) -> None:
    texts = ["x = 'a' # b\n" * 3, "def f(:\n", 'y = 2\n"""\nlong\nstring"""\n']
    spelled = [b"", *(bytes([byte]) for byte in range(1, 128))]
    documents = Documents(write_split(tmp_path, [number for text in texts for number in [*text.encode(), 0]]), spelled, 0)
    whole = "".join(f"{text}\0" for text in texts)
    found = np.concatenate([documents.kinds(number) for number in range(len(whole) // 8)])
    code, strings, comments, literals = (found[:, KINDS.index(kind)] for kind in ("code", "docstrings", "comments", "literals"))

    def marked(mask: Any) -> str:
        return "".join(character for character, is_marked in zip(whole, mask, strict=False) if is_marked)

    assert marked(comments) == "# b" * 3
    assert marked(literals).startswith("'a'" * 3)
    assert "y = " in marked(code) and "def" not in marked(found.any(axis=1))
    assert '"""\nlong' in marked(strings)


def test_a_loss_too_large_for_exp_has_infinite_perplexity() -> None:
    assert perplexity(1000.0) == math.inf


def test_the_unigram_loss_is_the_entropy_of_matching_frequencies() -> None:
    ids = np.repeat(np.arange(4), 1000)
    assert unigram_loss(np.full(4, 10**9), ids) == pytest.approx(math.log(4))


def test_a_token_never_seen_in_training_has_a_finite_loss() -> None:
    assert math.isfinite(unigram_loss(np.array([5, 0]), np.array([1])))
