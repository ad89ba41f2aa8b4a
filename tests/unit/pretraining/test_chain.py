"""A link of the chain as its own process: several processes, killed and stopped runs, the lock, what is seen of a run."""

import os
import random
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import orjson
import pytest

from codeparrot.digests import file_digest
from codeparrot.errors import Interrupted, PipelineError
from codeparrot.pretraining import lock
from codeparrot.pretraining.metrics import read_metrics
from tests.conftest import REPOSITORY
from tests.programs import Program, started_together
from tests.unit.pretraining.tiny_training import SETTINGS, TINY, initialise, write_tokens

STEPS = 30
KILLS = int(os.environ.get("KILLS", "2"))


@pytest.fixture
def run(tmp_path: Path) -> Path:
    """A folder with initial weights `init`, tokens `train.json`, and a model that takes a while."""
    write_tokens(tmp_path, sequences=200)
    initialise(tmp_path / "init", {**TINY, "n_embd": 64, "n_layer": 2})
    return tmp_path


def command(run: Path, end: str, begin: str = "init", to_step: int = STEPS, **changes: object) -> list[str]:
    settings = {**SETTINGS.__dict__, "steps": STEPS, "learning_rate": 1e-3, **changes}
    return [
        str(REPOSITORY / "scripts/pretrain.py"),
        *("--begin", str(run / begin), "--end", str(run / end), "--data.index", str(run / "train.json")),
        *("--code", "code", "--to_step", str(to_step), "--training", orjson.dumps(settings).decode(), "--threads", "1"),
        *("--observation.logs", str(run / f"{end}-logs"), "--observation.save_minutes", "0"),
    ]


def started(run: Path, end: str, processes: int = 1, **options: object) -> list[Program]:
    """A training's processes, rank 0 first; what they say goes to one file."""
    (run / "said").unlink(missing_ok=True)
    return started_together(processes, command(run, end, **options), run / "said", run)  # type: ignore[arg-type]


def trained(run: Path, end: str, processes: int = 1, **options: object) -> Path:
    programs = started(run, end, processes, **options)
    assert [program.wait() for program in programs] == [0] * processes, programs[0].said()
    return run / end


def losses(folder: Path) -> dict[float, float]:
    lines = read_metrics(folder)
    found = {line["step"]: line["loss"] for line in lines}
    assert len(found) == len(lines), "a step is there twice"
    return found


def wait_for(what: Path, pattern: str, process: "Program | subprocess.Popen[str]") -> None:
    while not list(what.glob(pattern)):
        assert process.poll() is None, "it ended before it was stopped"
        time.sleep(0.02)


@pytest.mark.parametrize("sharding", ["none", "full"])
def test_two_processes_give_the_losses_of_one(run: Path, sharding: str) -> None:
    changes = {"global_batch": 6, "device_batch": 2, "clip": 0.1}
    undropped = {**TINY, "n_embd": 64, "n_layer": 2, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    initialise(run / "init", undropped)
    one = losses(trained(run, "one", to_step=10, **changes))
    two = losses(trained(run, "two", to_step=10, processes=2, sharding=sharding, **changes))
    assert two == pytest.approx(one, abs=1e-5) and len(one) == 10


@pytest.mark.parametrize("sharding", ["none", "full"])
def test_a_checkpoint_of_two_processes_goes_on_with_one(run: Path, sharding: str) -> None:
    undropped = {**TINY, "n_embd": 64, "resid_pdrop": 0.0, "embd_pdrop": 0.0, "attn_pdrop": 0.0}
    initialise(run / "init", undropped)
    straight = losses(trained(run, "straight", to_step=6, sharding=sharding))
    trained(run, "half", to_step=3, processes=2, sharding=sharding)
    assert losses(trained(run, "rest", begin="half", to_step=6, sharding=sharding)) == pytest.approx(straight, abs=1e-5)


def test_processes_that_do_not_divide_the_batch_are_refused_before_the_first_update(run: Path) -> None:
    programs = started(run, "end", processes=2, global_batch=5)
    assert [program.wait() for program in programs] == [1, 1]
    assert "training: global_batch: 5: 2 processes do not divide it" in programs[0].said()
    assert not (run / "end").exists() and not (run / ".end.lock").exists()


@pytest.mark.parametrize("attempt", range(KILLS))
def test_a_run_killed_at_random_updates_ends_in_the_bytes_of_one_that_was_not(run: Path, attempt: int) -> None:
    straight = trained(run, "straight")
    chance = random.Random(attempt)
    for _ in range(3):
        (program,) = started(run, "killed")
        wait_for(run, ".killed.rolling/update-*", program)
        time.sleep(chance.uniform(0, 0.3))
        program.kill()
    killed = trained(run, "killed")
    assert losses(killed) == losses(straight) and len(losses(killed)) == STEPS
    for name in ("model.safetensors", "optimizer.safetensors"):
        assert file_digest(killed / name) == file_digest(straight / name)
    assert not list(run.glob(".*")), "a rolling state, a lock or a half-written folder is left"


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGUSR1])
def test_a_stopped_run_saves_its_state_says_so_and_goes_on_to_the_same_bytes(run: Path, number: signal.Signals) -> None:
    changes = {"log_every": 7}
    straight = trained(run, "straight", **changes)
    (program,) = started(run, "stopped", **changes)
    wait_for(run, ".stopped.rolling/update-*", program)
    program.send_signal(number)
    code, said = program.wait(), program.said()
    assert code == 75 and f"stopped by {number.name} after update" in said and "run the same command again" in said
    assert file_digest(trained(run, "stopped", **changes) / "model.safetensors") == file_digest(straight / "model.safetensors")
    assert losses(run / "stopped") == losses(straight)


def test_two_stopped_processes_save_one_state_and_go_on(run: Path) -> None:
    straight = trained(run, "straight", processes=2)
    launcher = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    launched = [*launcher, *command(run, "stopped")]
    process = subprocess.Popen(launched, stderr=subprocess.PIPE, text=True, start_new_session=True)
    wait_for(run, ".stopped.rolling/update-*", process)
    os.killpg(process.pid, signal.SIGTERM)
    assert "stopped by SIGTERM" in process.communicate()[1]
    assert losses(trained(run, "stopped", processes=2)) == losses(straight)


def test_a_rolling_state_of_other_settings_is_not_used(run: Path) -> None:
    (program,) = started(run, "end")
    wait_for(run, ".end.rolling/update-*", program)
    program.kill()
    other = trained(run, "end", learning_rate=5e-4)
    assert file_digest(other / "model.safetensors") == file_digest(
        trained(run, "straight", learning_rate=5e-4) / "model.safetensors"
    )


def test_a_successor_of_a_living_orphan_waits_for_it_names_it_and_trains_nothing_again(run: Path) -> None:
    (orphan,) = started(run, "end")
    wait_for(run, ".end.rolling/update-*", orphan)
    orphan.send_signal(signal.SIGSTOP)
    (successor,) = started(run, "end")
    while "waiting" not in successor.said():
        assert successor.poll() is None, successor.said()
        time.sleep(0.02)
    assert f"process {orphan.pid} on {socket.gethostname()} trains this link; waiting until it ends" in successor.said()
    orphan.send_signal(signal.SIGCONT)
    assert orphan.wait() == 0 and len(losses(run / "end")) == STEPS
    before = (run / "end/model.safetensors").stat()
    assert successor.wait() == 0 and f"going on from {run / 'end'}" in successor.said()
    assert (run / "end/model.safetensors").stat() == before


def test_a_waiting_successor_can_be_stopped(tmp_path: Path) -> None:
    with (
        lock.held(tmp_path / "lock"),
        pytest.raises(Interrupted, match="stopped by SIGTERM while another process trained this link"),
        lock.held(tmp_path / "lock", ["SIGTERM"]),
    ):
        raise AssertionError("it took the lock of a living process")


def test_a_lock_is_taken_over_when_its_owner_on_another_host_has_no_heartbeat(tmp_path: Path) -> None:
    file = tmp_path / "lock"
    file.write_bytes(orjson.dumps({"host": "elsewhere", "process": 1, "started": "1", "token": "x"}))
    with lock.held(file, patience=0.2) as check:
        check()
        file.write_bytes(orjson.dumps({"host": "elsewhere", "process": 1, "started": "1", "token": "y"}))
        with pytest.raises(PipelineError, match="another process took this link over"):
            check()
    assert file.exists(), "the other's lock stays"


def test_a_process_number_that_is_used_again_is_not_the_owner(tmp_path: Path) -> None:
    mine = {"host": socket.gethostname(), "process": os.getpid(), "started": "12", "token": "x"}
    (tmp_path / "lock").write_bytes(orjson.dumps(mine))
    with lock.held(tmp_path / "lock") as check:
        check()
    assert not list(tmp_path.iterdir())


def test_what_is_seen_of_a_run(run: Path) -> None:
    line = read_metrics(trained(run, "end", processes=2, to_step=2))[-1]
    assert line["tokens"] == 2 * 4 * 16 and line["tokens_per_second"] > 0 and line["memory_mib"] > 0
    logs = run / "end-logs"
    assert "update 2 of 2: loss" in (logs / "rank-00.log").read_text() and (logs / "rank-01.log").is_file()
    assert read_metrics(logs) == read_metrics(run / "end")
    assert list((logs / "events").rglob("events.out.tfevents.*"))
