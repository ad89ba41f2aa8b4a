"""The finished folder's provenance and card."""

from pathlib import Path

from codeparrot.digests import file_digest
from codeparrot.release.model_folder import model_card, provenance

FIGURES = {
    "parameters": 1234,
    "tokens": 5678,
    "validation": [{"loss": 2.0, "perplexity": None, "tokens": 90}],
    "yardsticks": {"uniform": 4.0, "unigram": 3.0},
    "scores": {
        "humaneval": {"best": {"pass@1": {"value": 0.25, "temperature": 0.2}}, "samples": 2, "problems": 4, "status": "run"},
        "mbpp": {"best": {}, "status": "not run: no sandbox"},
    },
}


def test_every_file_of_every_artefact_has_its_digest_but_snakemakes_own(tmp_path: Path) -> None:
    folder, file = tmp_path / "step-000001", tmp_path / "tokenizer.json"
    folder.mkdir()
    (folder / "model.safetensors").write_bytes(b"weights")
    (folder / ".snakemake_timestamp").touch()
    file.write_text("{}")
    found = provenance([folder, file], {"model": {"seed": 1}})
    assert found["settings"] == {"model": {"seed": 1}}
    assert found["sha256"] == {each.as_posix(): file_digest(each) for each in (folder / "model.safetensors", file)}


def test_the_card_shows_scores_a_reason_where_nothing_was_run_and_an_infinite_perplexity() -> None:
    card = model_card("tiny", FIGURES)
    assert "| humaneval | pass@1 25.0% (T 0.2); 2 samples of 4 problems |" in card
    assert "| mbpp | not run: no sandbox |" in card and "| **2.000** | **∞** |" in card
