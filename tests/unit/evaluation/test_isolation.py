"""What a sandbox is made of where there is bubblewrap, where there are only namespaces, and where there is neither."""

import os
import shutil
import socket
import subprocess
import tempfile
from pathlib import Path

import pytest

from codeparrot.evaluation import isolation
from codeparrot.evaluation.isolation import Limits, why_not_isolated
from codeparrot.evaluation.sandbox import Trial, check_trials

LIMITS = Limits(seconds=2, memory_mib=512)


TEST = "assert square(3) == 9 and square(-2) == 4"


def test_without_a_sandbox_the_reason_is_said(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    why = {
        True: "bubblewrap (bwrap) is not installed, without which the processes of root cannot be limited",
        False: "neither bubblewrap (bwrap) nor unshare is installed",
    }
    assert why_not_isolated() == f"no sandbox: {why[os.geteuid() == 0]}"


def test_the_weaker_mode_limits_time_and_judges_alike(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SECRET", "word")
    programs = [
        "def square(x): return x * x",
        "while True: pass",
        "import os\ndef square(x): return 0 if 'SECRET' in os.environ else x * x",
    ]
    trials = [Trial(program, ("square",), TEST) for program in programs]
    verdicts = list(check_trials(trials, LIMITS, "process", 1))
    assert [verdict.passed for verdict in verdicts] == [True, False, True]


WITHOUT_BUBBLEWRAP = r"""
import os
import re
from codeparrot.evaluation import isolation
from codeparrot.evaluation.sandbox import Trial, check_trials
os.environ["PATH"], isolation.shutil.which = "/usr/bin:/bin:/usr/sbin:/sbin", {{"unshare": "unshare"}}.get
assert isolation.why_not_isolated() is None, isolation.why_not_isolated()
limits = isolation.Limits(seconds=5, memory_mib=512)
attempts = (
    "import os\ndef f(): return not any(map(os.path.exists, ('/home', '/root', '/etc', {folder!r})))",
    "import os\ndef f(): return 'HOME' not in os.environ and open('x', 'w').write('y') == 1",
    "import socket\ndef f():\n  try: socket.create_connection(('127.0.0.1', {port}), 1)\n  except OSError: return True",
    "def f(): return 'CapEff:\t0000000000000000' in open('/proc/self/status').read()",
    "def f():\n  try: open('/usr/x', 'w')\n  except OSError: return True",
    "import os, time\ndef f():\n  try:\n    while 1: os.fork() or time.sleep(9)\n  except OSError: return True",
)
trials = [Trial(program, ("f",), "assert f() is True") for program in attempts]
for program, verdict in zip(attempts, check_trials(trials, limits, "isolated", 1)):
    assert verdict.passed, (program, verdict)
"""


@pytest.mark.skipif(not Path("/usr/bin/python3").exists(), reason="no interpreter that every user can read")
@pytest.mark.skipif(not shutil.which("unshare") or not shutil.which("setpriv"), reason="util-linux is not installed")
def test_without_bubblewrap_an_ordinary_user_has_the_namespaces_themselves() -> None:
    with tempfile.TemporaryDirectory(dir="/tmp") as place, socket.create_server(("127.0.0.1", 0)) as server:
        evaluation = Path(isolation.__file__).parent
        package = Path(place, "codeparrot/evaluation")
        shutil.copytree(evaluation / "inside", package / "inside")
        for file in (evaluation / "isolation.py", evaluation / "sandbox.py"):
            shutil.copy(file, package)
        shutil.copy(evaluation.parent / "errors.py", package.parent)
        (Path(place) / "script.py").write_text(WITHOUT_BUBBLEWRAP.format(folder=place, port=server.getsockname()[1]))
        for folder in (Path(place), package.parent, package, package / "inside"):
            folder.chmod(0o755)
        user = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"] if os.geteuid() == 0 else []
        command = [*user, "/usr/bin/python3", "-B", "script.py"]
        done = subprocess.run(command, cwd=place, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
