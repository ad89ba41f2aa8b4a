"""The workflow on a tiny corpus and model, in a copy of this checkout: it builds, it stays built, and only what a change
can reach is built again."""

import gzip
import json
import re
import shutil
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY, TINY_CORPUS, TINY_TOKENIZER, copy_of_checkout, snakemake

MODEL = """corpus: tiny
tokenizer: tiny
architecture: {model_type: gpt2, n_positions: 32, n_embd: 16, n_layer: 1, n_head: 2}
launch: cpu
training:
  sequence_length: 32
  global_batch: 4
  device_batch: 2
  steps: 5
  checkpoint_every: 3
  learning_rate: 1.0e-3  # a comment
  warmup_steps: 2
  precision: fp32
  log_every: 1
evaluation:
  sequences: 20
  benchmarks:
    humaneval: {problems: 3, samples: 2, temperatures: [0.2, 0.8], max_new_tokens: 4, parts: 2}
  completions: {samples: 1, sampling: {max_new_tokens: 4}}
"""

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


@pytest.fixture(scope="session")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A copy of the checkout with a tiny model, built."""
    folder = tmp_path_factory.mktemp("checkout")
    copy_of_checkout(folder)
    (folder / "config/corpora/tiny.yaml").write_text(TINY_CORPUS)
    (folder / "config/tokenizers/tiny.yaml").write_text(TINY_TOKENIZER)
    (folder / "config/models/tiny.yaml").write_text(MODEL)
    done = snakemake(folder, "results/tiny/")
    assert done.returncode == 0, done.stdout + done.stderr
    return folder


def packed(content: bytes) -> bytes:
    """Gzip without a time stamp, so that each process that runs tests finds the same ones."""
    return gzip.compress(content, mtime=0)


def planned(folder: Path, target: str = "results/tiny/") -> set[str]:
    """The rules that a dry run of the tiny model, or another target, would run."""
    done = snakemake(folder, "-n", target)
    assert done.returncode == 0, done.stdout + done.stderr
    output = done.stdout + done.stderr
    if "Nothing to be done" in output:
        return set()
    table = output[output.index("Job stats:") :]
    return set(re.findall(r"^(\w+) +\d+$", table, re.MULTILINE)) - {"total"}


@contextmanager
def edited(file: Path, change: Callable[[str], str]) -> Iterator[None]:
    """Change a file for the length of a block."""
    before = file.read_text()
    after = change(before)
    assert after != before, f"the edit of {file} changes nothing"
    file.write_text(after)
    try:
        yield
    finally:
        file.write_text(before)


def replaced(old: str, new: str) -> Callable[[str], str]:
    return lambda text: text.replace(old, new)


def test_a_finished_build_has_nothing_to_be_done(built: Path) -> None:
    assert planned(built) == set()


def test_the_folder_loads_and_completes(built: Path) -> None:
    code = (
        "import sys; from transformers import AutoModelForCausalLM, AutoTokenizer\n"
        "t = AutoTokenizer.from_pretrained(sys.argv[1]); m = AutoModelForCausalLM.from_pretrained(sys.argv[1])\n"
        "assert len(t) == m.config.vocab_size == 1000 and t.eos_token_id == m.config.eos_token_id == 0\n"
        "i = t('def add(a, b):', return_tensors='pt'); o = m.generate(**i, max_new_tokens=5, pad_token_id=0)\n"
        "assert t.decode(o[0]).startswith('def add(a, b):')\n"
    )
    folder = str(built / "results/tiny")
    done = subprocess.run([sys.executable, "-c", code, folder], capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


def test_every_artefact_of_the_folder_has_its_digest_in_the_provenance(built: Path) -> None:
    record = json.loads((built / "results/tiny/provenance.json").read_text())
    assert "results/models/tiny/step-000005/model.safetensors" in record["sha256"]
    assert record["settings"]["model"]["training"]["steps"] == 5


def test_the_raw_shards_are_the_same_bytes_when_made_again(built: Path, tmp_path: Path) -> None:
    shard = built / "results/corpora/tiny/raw/file-000000000000.json.gz"
    before = shard.read_bytes()
    source = {"kind": "installed-packages", "settings": {"min_bytes": 20000, "max_bytes": 24000}, "shards": 2, "version": ""}
    command = [sys.executable, "scripts/export_shard.py", "--source", json.dumps(source), "--shard", "000000000000"]
    subprocess.run([*command, "--output", str(tmp_path / "again")], cwd=built, check=True, capture_output=True)
    assert (tmp_path / "again").read_bytes() == before


def test_no_jobs_command_line_grows_with_the_number_of_shards(built: Path) -> None:
    with edited(built / "config/corpora/tiny.yaml", replaced("shards: 2", "shards: 300")):
        done = snakemake(built, "-n", "--printshellcmds", "results/tiny/")
    commands = re.findall(r"^Shell command: ?\n?(.+?)\n\n", done.stdout + done.stderr, re.MULTILINE | re.DOTALL)
    assert len(commands) > 1200 and max(map(len, commands)) < 4000


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
        ("codeparrot/pretraining/loop.py", '"""One link of the chain', '"""A link of the chain'),
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


@pytest.fixture
def unclean(built: Path) -> Iterator[Path]:
    """The raw shard of a corpus `unclean`, to be written by a test."""
    (built / "config/corpora/unclean.yaml").write_text("source: {kind: installed-packages}\nshards: 1\n")
    shard = built / "results/corpora/unclean/raw/file-000000000000.json.gz"
    shard.parent.mkdir(parents=True)
    yield shard
    (built / "config/corpora/unclean.yaml").unlink()
    shutil.rmtree(built / "results/corpora/unclean")


ROW = {"repo_name": "a/b", "path": "c.py", "copies": "1", "size": "2000", "content": "x = 1\n" * 400, "license": "mit"}


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"plain text", "not gzip, or damaged, after line 0"),
        (packed(json.dumps(ROW).encode())[:-20], "the gzip data end in the middle"),
        (packed(b"{}\nnot JSON\n"), "line 1: no column 'repo_name'"),
        (packed(json.dumps(ROW).encode() + b"\nnot JSON\n"), "line 2: not JSON"),
        (packed(json.dumps({**ROW, "content": None}).encode()), "line 1: column 'content' is NoneType, expected text"),
        (packed(json.dumps({**ROW, "content": "short"}).encode()), "the corpus is empty: no file of its 1 shards passed"),
    ],
)
def test_a_bad_shard_ends_snakemake_with_one_message_and_no_output(built: Path, unclean: Path, data: bytes, message: str) -> None:
    unclean.write_bytes(data)
    done = snakemake(built, "results/corpora/unclean/README.md")
    said = done.stdout + done.stderr
    (error,) = {line.strip() for line in said.splitlines() if line.strip().startswith("error: ")}
    assert done.returncode != 0 and message in error and "Traceback" not in said
    assert error.startswith("error: results/corpora/unclean/")
    left = {file.name for file in (built / "results/corpora/unclean").rglob("*") if file.is_file()}
    made = {f"000000000000.{kind}" for kind in ("parquet", "json", "jsonl")}
    assert left <= {unclean.name} | made and not {name for name in left if name[0] == "."}
    assert ("000000000000.parquet" in left) == ("the corpus is empty" in message)


def test_a_mistake_in_a_config_file_ends_snakemake_with_one_message_before_any_job(built: Path) -> None:
    with edited(built / "config/models/tiny.yaml", replaced("launch: cpu", "launch: gpu-99")):
        done = snakemake(built, "-n", "results/tiny/")
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "Traceback" not in said
    assert "config/models/tiny.yaml: launch: 'gpu-99': there is no such launch; expected one of cpu, gpu-16" in said


def test_the_whole_plan_of_the_largest_model_is_printed(built: Path) -> None:
    done = snakemake(built, "-n", "results/codeparrot-xl/")
    assert done.returncode == 0 and re.search(r"^pretrain +16$", done.stdout + done.stderr, re.MULTILINE)


@pytest.mark.parametrize("profile", ["slurm-a100", "profiles/slurm-h100", "profiles/local-gpu"])
def test_every_profile_plans_the_largest_model(built: Path, profile: str) -> None:
    done = snakemake(built, "--profile", profile, "-n", "results/codeparrot-xl/")
    assert done.returncode == 0 and re.search(r"^pretrain +16$", done.stdout + done.stderr, re.MULTILINE), done.stderr


@pytest.mark.parametrize("option", ["--lint", "--summary", "--rulegraph", "--list-rules"])
def test_snakemakes_own_views_work(built: Path, option: str) -> None:
    arguments = [option] if option in ("--lint", "--list-rules") else ["results/tiny/", option]
    assert snakemake(built, *arguments).returncode == 0


def test_every_script_explains_itself(built: Path) -> None:
    for script in sorted((built / "scripts").glob("*.py")):
        done = subprocess.run([sys.executable, str(script), "--help"], cwd=built, capture_output=True, text=True, check=False)
        assert done.returncode == 0 and "usage:" in done.stdout and len(re.findall("^  -", done.stdout, re.MULTILINE)) > 1, script
