"""What a change can reach is built again, and nothing else."""

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, snakemake
from tests.workflow.edits import edited, planned, replaced

CORPUS_RULES = {"export_shard", "clean_shard", "find_duplicates", "join_duplicates", "split_shard", "describe_corpus"}


TOKEN_RULES = {"sample_documents", "train_tokenizer", "pack_shard", "index_tokens", "measure_yardsticks"}


AFTER_TRAINING = {
    "validate_checkpoint",
    "sample_benchmark",
    "check_benchmark",
    "score_benchmark",
    "complete_prompts",
    "report_model",
    "release_model",
}


EVALUATED = {"score_benchmark", "report_model", "release_model"}


MODEL_RULES = {"initialise_model", "pretrain"} | AFTER_TRAINING


def test_a_learning_rate_lists_the_chain_and_what_follows_from_it(built: Path) -> None:
    with edited(built / "config/models/tiny.yaml", replaced("1.0e-3", "2.0e-3")):
        assert planned(built) == {"pretrain"} | AFTER_TRAINING


def test_a_further_link_trains_only_from_the_last_checkpoint_that_it_shares(built: Path) -> None:
    with edited(built / "config/models/tiny.yaml", replaced("checkpoint_every: 3", "checkpoint_every: 4")):
        assert planned(built) == {"pretrain"} | AFTER_TRAINING


def test_what_is_analysed_of_a_tokenizer_lists_the_analysis_alone(built: Path) -> None:
    target = "results/tokenizers/tiny/analysis.html"
    done = snakemake(built, target)
    assert done.returncode == 0, done.stdout + done.stderr
    assert planned(built, target) == set()
    with edited(built / "config/tokenizers/tiny.yaml", lambda text: text + "analysis: {words: [being]}\n"):
        assert planned(built, target) == {"analyse_tokenizer"} and planned(built) == set()
    with edited(built / "codeparrot/tokenizer/measures.py", replaced("RESAMPLES = 1000", "RESAMPLES = 999")):
        assert planned(built, target) == {"analyse_tokenizer"} and planned(built) == set()


def test_a_filter_threshold_lists_cleaning_and_all_after_it(built: Path) -> None:
    with edited(built / "config/corpora/tiny.yaml", replaced("shards: 2", "shards: 2\nfilters: {max_line_length: 500}")):
        assert planned(built) == (CORPUS_RULES | TOKEN_RULES | MODEL_RULES) - {"export_shard"}


def test_an_expression_in_the_cleaning_code_lists_cleaning_and_all_after_it(built: Path) -> None:
    with edited(built / "codeparrot/cleaning/filters.py", replaced("HEAD_LINES = 5", "HEAD_LINES = 6")):
        assert planned(built) == (CORPUS_RULES | TOKEN_RULES | MODEL_RULES) - {"export_shard"}


def test_an_expression_in_the_evaluation_code_lists_evaluation_and_what_shows_it(built: Path) -> None:
    with edited(built / "codeparrot/evaluation/perplexity.py", replaced("CHUNK = 1024", "CHUNK = 1023")):
        assert planned(built) == {"validate_checkpoint", "report_model", "release_model"}
    with edited(built / "codeparrot/evaluation/generation.py", replaced("TAIL = 16", "TAIL = 15")):
        assert planned(built) == EVALUATED | {"sample_benchmark", "check_benchmark", "complete_prompts"}
    with edited(built / "codeparrot/evaluation/inside/judge.py", replaced("START_SECONDS = 20.0", "START_SECONDS = 21.0")):
        assert planned(built) == EVALUATED | {"check_benchmark", "complete_prompts", "measure_bleu"}
    with edited(built / "codeparrot/evaluation/scores.py", replaced("if samples - correct < k", "if samples - correct <= k - 1")):
        assert planned(built) == EVALUATED


def test_a_temperature_lists_the_samples_and_a_sandbox_setting_their_verdicts(built: Path) -> None:
    with edited(built / "config/models/tiny.yaml", replaced("[0.2, 0.8]", "[0.2, 0.6]")):
        assert planned(built) == EVALUATED | {"sample_benchmark", "check_benchmark"}
    with edited(built / "config/models/tiny.yaml", replaced("sequences: 20", "sequences: 20\n  limits: {seconds: 4}")):
        assert planned(built) == EVALUATED | {"check_benchmark", "complete_prompts"}


def test_a_prompt_lists_the_completions_and_what_shows_them(built: Path) -> None:
    with edited(built / "config/config.yaml", replaced("def area_of_rectangle", "def area")):
        assert planned(built) == {"complete_prompts", "report_model", "release_model"}


def test_a_model_shown_beside_another_is_evaluated_and_nothing_else_changes(built: Path) -> None:
    shutil.copy(built / "config/models/tiny.yaml", built / "config/models/another.yaml")
    with edited(built / "config/models/tiny.yaml", replaced("sequences: 20", "sequences: 20\n  compare: [another]")):
        assert planned(built) == {"initialise_model", "pretrain", "validate_checkpoint", "report_model", "release_model"}
    (built / "config/models/another.yaml").unlink()


def test_the_reports_template_lists_the_report_and_the_folder(built: Path) -> None:
    with edited(built / "codeparrot/reporting/report.html.j2", replaced("<h2>Corpus", "<h2>The corpus")):
        assert planned(built) == {"report_model", "release_model"}


def test_another_model_changes_nothing(built: Path) -> None:
    shutil.copy(built / "config/models/tiny.yaml", built / "config/models/another.yaml")
    assert planned(built) == set()
    (built / "config/models/another.yaml").unlink()


@pytest.mark.parametrize(
    ("file", "old", "new"),
    [
        ("config/models/tiny.yaml", "# a comment", "# another comment"),
        ("codeparrot/cleaning/filters.py", "HEAD_LINES = 5", "HEAD_LINES = 5  # a comment"),
        ("codeparrot/pretraining/loop.py", '"""The training loop', '"""A training loop'),
        ("codeparrot/evaluation/perplexity.py", "return math.exp(loss)", "return math.exp(\n            loss\n        )"),
        ("scripts/pretrain.py", '"""Train one link', '"""Train a link'),
    ],
)
def test_a_comment_a_docstring_or_a_layout_lists_nothing(built: Path, file: str, old: str, new: str) -> None:
    with edited(built / file, replaced(old, new)):
        assert planned(built) == set()


def test_new_time_stamps_on_every_tracked_file_list_nothing(built: Path) -> None:
    listed = subprocess.run(["git", "ls-files"], cwd=REPOSITORY, capture_output=True, text=True, check=True)
    for name in listed.stdout.splitlines():
        (built / name).touch()
    assert planned(built) == set()
