"""The literal command on a real Slurm: two nodes with 16 pretend A100s each, this project's own profile, tiny sizes."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from codeparrot.digests import file_digest
from codeparrot.pretraining.metrics import read_metrics
from tests import tiny
from tests.conftest import snakemake, snakemake_command
from tests.programs import ENOUGH, Program
from tests.services import cluster

pytestmark = pytest.mark.skipif(bool(cluster.why_not_available()), reason=cluster.why_not_available() or "")

# A pretend GPU computes nothing: processes find no CUDA and talk over the CPUs' network.
MODEL = """corpus: tiny
tokenizer: tiny
architecture:
  {{model_type: gpt2, n_positions: 64, n_embd: 64, n_layer: 2, n_head: 2, resid_pdrop: 0.0, embd_pdrop: 0.0, attn_pdrop: 0.0}}
launch: {launch}
training:
  sequence_length: 64
  global_batch: 4
  device_batch: 2
  steps: {steps}
  checkpoint_every: {every}
  learning_rate: 1.0e-3
  warmup_steps: 2
  precision: fp32
  log_every: {log_every}
evaluation:
  sequences: 20
  benchmarks:
    humaneval: {{problems: 2, samples: 1, max_new_tokens: 4}}
  completions: {{samples: 1, sampling: {{max_new_tokens: 4}}}}
"""
LAYOUT = (
    "compute_environment: LOCAL_MACHINE\ndistributed_type: {kind}\nuse_cpu: {cpu}\nnum_machines: {machines}\n"
    "num_processes: {processes}\nmachine_rank: 0\nmain_training_function: main\nmixed_precision: 'no'\nsame_network: true\n"
)
# Polling every second instead of every ten.
QUICK = ("--slurm-init-seconds-before-status-checks", "1", "--seconds-between-status-checks", "1", "--latency-wait", "10")
# So many updates that a training is found, and disturbed, in the middle.
LONG = 250
DISTURBED = ("cancelled", "warned", "interrupted", "orphaned")


def arguments(*more: str) -> tuple[str, ...]:
    return ("--profile", "slurm-a100", *QUICK, *more)


def write_model(checkout: Path, name: str, launch: str, steps: int, every: int | None = None, log_every: int = 1) -> None:
    """A model of so many updates, in one link or with a checkpoint `every` so many."""
    text = MODEL.format(launch=launch, steps=steps, every=every or steps, log_every=log_every)
    (checkout / f"config/models/{name}.yaml").write_text(text)


@pytest.fixture(scope="session")
def checkout(built_once: Path) -> Iterator[Path]:
    """A copy of the built checkout with a tiny codeparrot-xl on two nodes, and a running Slurm."""
    with tempfile.TemporaryDirectory(dir="/tmp", ignore_cleanup_errors=True) as place:
        slurm, copy = Path(place, "slurm"), Path(place, "checkout")
        slurm.mkdir()
        Path(place).chmod(0o755)
        shutil.copytree(built_once, copy, symlinks=True)
        for name, machines in (("gpu-2x1", 2), ("gpu-1x2", 1)):
            layout = LAYOUT.format(kind="MULTI_GPU", cpu="false", machines=machines, processes=2)
            (copy / f"config/accelerate/{name}.yaml").write_text(layout)
        for name in ("sharded", "full", "broken"):
            (copy / f"config/corpora/{name}.yaml").write_text(tiny.CORPUS)
        write_model(copy, "codeparrot-xl", "gpu-2x1", steps=6, every=3)
        write_model(copy, "single", "cpu", steps=6)
        for name in ("straight", *DISTURBED):
            write_model(copy, name, "gpu-1x2", steps=LONG, log_every=10)
        # What needs no cluster to be shown is built without one: each job through Slurm takes some ten seconds more.
        write_model(copy, "refused", "gpu-2x1", steps=6)
        done = snakemake(copy, "results/models/single/step-000006", f"results/models/straight/step-{LONG:06d}")
        assert done.returncode == 0, done.stdout
        # All have the same initial weights.
        for name in ("codeparrot-xl", *DISTURBED, "refused"):
            shutil.copytree(copy / "results/models/straight/init", copy / f"results/models/{name}/init")
        with cluster.running(slurm):
            yield copy


@pytest.fixture(scope="session", autouse=True)
def building(checkout: Path) -> Program:
    """The literal command, which builds beside the other tests: each of its jobs waits for the one before."""
    return started(checkout, "built", *arguments("results/codeparrot-xl/"))


def started(checkout: Path, name: str, *given: str) -> Program:
    """Snakemake as a program of its own; what it says goes to a file of that name."""
    command, environment = snakemake_command(*given)
    return Program(["snakemake", *command[1:]], checkout / f"{name}.said", checkout, environment)


def jobs(rule: str, model: str) -> list[dict[str, str]]:
    """Slurm's record of the jobs of a rule for a model, the oldest first."""
    shown = subprocess.run(["scontrol", "show", "job", "-o"], check=True, capture_output=True, text=True).stdout
    found = [dict(part.split("=", 1) for part in line.split() if "=" in part) for line in shown.splitlines()]
    return [job for job in found if job.get("Comment", "").startswith(f"rule_{rule}") and model in job["Comment"]]


def wait_for(check: Callable[[], bool]) -> None:
    deadline = time.monotonic() + ENOUGH
    while not check():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


@pytest.fixture(scope="session")
def built(checkout: Path, building: Program) -> Path:
    """The checkout after the literal command; tests that need it are the last ones of this file."""
    assert building.wait() == 0, building.said()
    return checkout


def test_rules_of_one_shard_are_job_arrays(checkout: Path) -> None:
    done = snakemake(checkout, *arguments(*(f"results/corpora/sharded/raw/file-{number:012d}.json.gz" for number in range(2))))
    assert done.returncode == 0, done.stdout + done.stderr
    assert {job.get("ArrayTaskId") for job in jobs("export_shard", "sharded")} == {"1", "2"}


def is_training(checkout: Path, model: str) -> bool:
    file = checkout / f"results/logs/pretrain/{model}/step-{LONG:06d}/metrics.jsonl"
    return file.is_file() and file.stat().st_size > 0


@pytest.fixture(scope="session")
def straight(checkout: Path) -> Path:
    """The end of a training of many updates that nobody disturbed."""
    return checkout / f"results/models/straight/step-{LONG:06d}"


def test_scancel_in_the_middle_and_the_same_command_again_give_the_same_bytes(checkout: Path, straight: Path) -> None:
    target = f"results/models/cancelled/step-{LONG:06d}"
    process = started(checkout, "cancelled", *arguments("--retries", "0", target))
    wait_for(lambda: is_training(checkout, "cancelled"))
    (job,) = jobs("pretrain", "cancelled")
    subprocess.run(["scancel", job["JobId"]], check=True)
    assert process.wait() != 0 and not (checkout / target).exists()
    assert list((checkout / target).parent.glob(".*.rolling/update-*")), "its state was not saved"
    done = snakemake(checkout, *arguments(target))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "going on from" in (checkout / f"results/logs/pretrain/cancelled/step-{LONG:06d}.log").read_text()
    assert file_digest(checkout / target / "model.safetensors") == file_digest(straight / "model.safetensors")


def test_slurms_warning_makes_a_link_save_its_state_and_go_on_in_a_retry(checkout: Path, straight: Path) -> None:
    """The signal that Slurm sends before the time limit, sent by hand."""
    target = f"results/models/warned/step-{LONG:06d}"
    process = started(checkout, "warned", *arguments(target))
    wait_for(lambda: is_training(checkout, "warned"))
    (job,) = jobs("pretrain", "warned")
    subprocess.run(["scancel", "--signal=USR1", job["JobId"]], check=True)
    assert process.wait() == 0 and len(jobs("pretrain", "warned")) == 2
    assert "going on from" in (checkout / f"results/logs/pretrain/warned/step-{LONG:06d}/rank-00.log").read_text()
    assert file_digest(checkout / target / "model.safetensors") == file_digest(straight / "model.safetensors")


@pytest.mark.skipif("PROVE" not in os.environ, reason="a slow proof: make prove")
def test_a_link_that_meets_its_time_limit_goes_on_in_a_retry(checkout: Path) -> None:
    updates = 1500
    write_model(checkout, "limited", "gpu-1x2", steps=updates, log_every=10)
    target = f"results/models/limited/step-{updates:06d}"
    # Slurm warns 300 seconds before the limit of one minute: at once, that is when it looks at its jobs, twice a minute.
    # So each job trains for some seconds only, and it takes more of them than the profile's three retries.
    done = snakemake(checkout, *arguments("--retries", "12", "--config", "gpu=a100", "job_hours=0.016", "--", target))
    assert done.returncode == 0, done.stdout + done.stderr
    log = (checkout / f"results/logs/pretrain/limited/step-{updates:06d}/rank-00.log").read_text()
    assert "going on from" in log and len(jobs("pretrain", "limited")) > 1
    steps = [line["step"] for line in read_metrics(checkout / target)]
    assert steps == list(range(10, updates + 1, 10)), "an update is missing or was done twice"


def test_a_failing_jobs_error_and_the_path_of_its_log_reach_the_terminal(checkout: Path) -> None:
    raw = checkout / "results/corpora/broken/raw/file-000000000000.json.gz"
    raw.parent.mkdir(parents=True)
    raw.write_text("plain text")
    done = snakemake(checkout, *arguments("--retries", "0", "results/corpora/broken/cleaned/000000000000.parquet"))
    said = done.stdout + done.stderr
    assert done.returncode != 0 and "error: results/corpora/broken/raw/file-000000000000.json.gz: not gzip" in said
    assert "results/logs/clean_shard/broken/000000000000.log" in said and "results/logs/slurm" in said


def test_ctrl_c_cancels_what_was_submitted(checkout: Path) -> None:
    process = started(checkout, "interrupted", *arguments(f"results/models/interrupted/step-{LONG:06d}"))
    wait_for(lambda: is_training(checkout, "interrupted"))
    process.send_signal(signal.SIGINT)
    assert process.wait() != 0
    wait_for(lambda: jobs("pretrain", "interrupted")[-1]["JobState"] not in ("RUNNING", "COMPLETING", "PENDING"))
    assert jobs("pretrain", "interrupted")[-1]["JobState"] in ("CANCELLED", "FAILED")


def test_a_killed_snakemake_loses_and_repeats_nothing(checkout: Path, straight: Path) -> None:
    """The training that it leaves behind is held until its successor has found it."""
    target, log = f"results/models/orphaned/step-{LONG:06d}", f"results/logs/pretrain/orphaned/step-{LONG:06d}/rank-00.log"
    process = started(checkout, "orphaned", *arguments(target))
    wait_for(lambda: is_training(checkout, "orphaned"))
    owner = json.loads((checkout / f"results/models/orphaned/.step-{LONG:06d}.lock").read_bytes())["process"]
    os.kill(owner, signal.SIGSTOP)
    process.kill()
    initial = (checkout / "results/models/orphaned/init/model.safetensors").stat().st_mtime_ns
    assert snakemake(checkout, "--unlock").returncode == 0
    successor = started(checkout, "successor", *arguments(target))
    wait_for(lambda: f"process {owner} on" in (checkout / log).read_text())
    os.kill(owner, signal.SIGCONT)
    assert successor.wait() == 0, successor.said()
    assert (checkout / "results/models/orphaned/init/model.safetensors").stat().st_mtime_ns == initial
    assert len(re.findall(rf"update {LONG} of {LONG}: ", (checkout / log).read_text())) == 1, "an update was done twice"
    assert file_digest(checkout / target / "model.safetensors") == file_digest(straight / "model.safetensors")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (("--default-resources", "slurm_partition=nowhere"), "invalid partition specified: nowhere"),
        (("--default-resources", "slurm_partition=a100", "slurm_account=nobody"), "account nobody appears to be invalid"),
        (("--config", "gpu=h100"), "Requested node configuration is not available|Invalid generic resource"),
        (("--set-resources", "pretrain:nodes=9"), "Node count specification invalid|more processors|not available"),
    ],
)
def test_a_request_that_can_never_start_says_what_to_change(checkout: Path, change: tuple[str, ...], message: str) -> None:
    done = snakemake(checkout, *arguments("--retries", "0", *change, "--", "results/models/refused/step-000006"))
    said = done.stdout + done.stderr
    assert done.returncode != 0 and re.search(message, said), said
    assert (checkout / "results/models/refused/init/model.safetensors").is_file(), "what was built is lost"


@pytest.fixture
def disk(checkout: Path) -> Iterator[Path]:
    """The folder of a corpus on a disk of its own, which can be filled."""
    folder = checkout / "results/corpora/full"
    folder.mkdir(parents=True)
    mount = ["mount", "-t", "tmpfs", "-o", "size=64m", "none", folder]
    mounted = subprocess.run(mount, capture_output=True, text=True, check=False)
    if mounted.returncode:
        pytest.skip(f"no disk can be mounted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def test_a_full_disk_is_named_nothing_is_lost_and_the_same_command_goes_on_with_space(checkout: Path, disk: Path) -> None:
    first, second = (f"results/corpora/full/raw/file-{number:012d}.json.gz" for number in range(2))
    assert snakemake(checkout, first).returncode == 0
    built = file_digest(checkout / first)
    filling = disk / "filling"
    filling.write_bytes(bytes(shutil.disk_usage(disk).free - 2**15))
    command = arguments("--retries", "0", second)
    done = snakemake(checkout, *command)
    said = done.stdout + done.stderr
    assert done.returncode != 0 and f"error: {second}: the disk is full (0 MiB free in results/corpora/full/raw)" in said, said
    assert not (checkout / second).exists() and file_digest(checkout / first) == built
    filling.unlink()
    done = snakemake(checkout, *command)
    assert done.returncode == 0 and "export_shard" in done.stdout + done.stderr, done.stdout + done.stderr
    assert file_digest(checkout / first) == built


def test_the_literal_command_builds_the_model_folder_with_the_gpus_nodes_and_partition_of_its_config(built: Path) -> None:
    code = "import sys; from transformers import AutoModelForCausalLM as M; M.from_pretrained(sys.argv[1])"
    subprocess.run([sys.executable, "-c", code, str(built / "results/codeparrot-xl")], check=True, capture_output=True)
    links = jobs("pretrain", "codeparrot-xl")
    assert len(links) == 2
    for job in links:
        assert (job["NumNodes"], job["TresPerNode"], job["Partition"]) == ("2", "gres:gpu:a100:1", "a100")
        assert job["JobState"] == "COMPLETED" and job["JobName"].startswith("codeparrot_")
    validations, samplings = (jobs(rule, "codeparrot-xl") for rule in ("validate_checkpoint", "sample_benchmark"))
    assert validations and samplings
    for job in (*validations, *samplings):
        assert job["TresPerNode"] == "gres:gpu:a100:1" and job["NumNodes"] == "1"


@pytest.mark.parametrize("rule", ["score_benchmark", "report_model"])
def test_what_takes_seconds_waits_in_no_queue(built: Path, rule: str) -> None:
    assert list((built / f"results/logs/{rule}").rglob("*.log")) and not jobs(rule, "codeparrot-xl")


def test_the_efficiency_report_says_what_jobs_used_of_what_they_asked_for(built: Path) -> None:
    reports = [file.read_text() for file in (built / "results/logs/slurm").glob("efficiency_report_*.csv")]
    assert any("pretrain" in report and "CPU Efficiency" in report for report in reports), reports


def test_after_the_build_nothing_is_to_be_done(built: Path) -> None:
    done = snakemake(built, *arguments("-n", "results/codeparrot-xl/"))
    assert "Nothing to be done" in done.stdout + done.stderr


def test_two_nodes_give_the_result_of_one(built: Path) -> None:
    one, two = (read_metrics(built / f"results/models/{name}/step-000006") for name in ("single", "codeparrot-xl"))
    assert [line["loss"] for line in two] == pytest.approx([line["loss"] for line in one], abs=1e-5)
    assert len(two) == 6
