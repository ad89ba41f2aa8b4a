"""The workflow on a tiny corpus and model, in a copy of this checkout: it builds, it stays built, and only what a change
can reach is built again."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import snakemake
from tests.workflow.edits import edited, planned, replaced


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


EXPLAIN = """
import runpy, sys
from contextlib import redirect_stdout
from io import StringIO
from pathlib import Path
for script in sorted(Path("scripts").glob("*.py")):
    sys.argv, said = [str(script), "--help"], StringIO()
    try:
        with redirect_stdout(said):
            runpy.run_path(str(script), run_name="__main__")
    except SystemExit as ended:
        lines = [line for line in said.getvalue().splitlines() if line.startswith("  -")]
        assert not ended.code and "usage:" in said.getvalue() and len(lines) > 1, (script, ended.code, said.getvalue())
    else:
        raise AssertionError(f"{script} does not explain itself")
"""


def test_every_script_explains_itself(built: Path) -> None:
    done = subprocess.run([sys.executable, "-c", EXPLAIN], cwd=built, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
