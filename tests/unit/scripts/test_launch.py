"""The launcher on one machine: processes as the accelerate config says, and the script's own exit code."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import REPOSITORY

LAYOUT = (
    "distributed_type: '{kind}'\nuse_cpu: {cpu}\nnum_machines: {machines}\nnum_processes: {processes}\nmixed_precision: 'no'\n"
)
LAYOUT += "compute_environment: LOCAL_MACHINE\nmachine_rank: 0\nmain_training_function: main\n"
# One write a process, so that lines are not mixed.
SCRIPT = """import os, sys
os.write(1, f"process {{os.environ.get('RANK', '0')}} of {{os.environ.get('WORLD_SIZE', '1')}}\\n".encode())
sys.exit({code})
"""


def launched(folder: Path, kind: str, machines: int, processes: int, code: int) -> subprocess.CompletedProcess[str]:
    text = LAYOUT.format(kind=kind, cpu="true" if kind == "NO" else "false", machines=machines, processes=processes)
    (folder / "layout.yaml").write_text(text)
    (folder / "script.py").write_text(SCRIPT.format(code=code))
    command = [sys.executable, str(REPOSITORY / "scripts/launch.py"), "layout.yaml", "script.py", "--an", "argument"]
    environment = {key: value for key, value in os.environ.items() if not key.startswith("SLURM_")}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


@pytest.mark.parametrize(("kind", "processes"), [("NO", 1), ("MULTI_GPU", 2)])
@pytest.mark.parametrize("code", [0, 1, 75])
def test_every_process_runs_and_the_exit_code_is_the_scripts(tmp_path: Path, kind: str, processes: int, code: int) -> None:
    done = launched(tmp_path, kind, 1, processes, code)
    assert done.returncode == code
    said = set(done.stdout.splitlines())
    # With an error the first process that ends takes the others with it.
    assert said <= {f"process {rank} of {processes}" for rank in range(processes)} and (len(said) == processes or code)


def test_several_machines_without_slurm_say_what_to_do(tmp_path: Path) -> None:
    done = launched(tmp_path, "MULTI_GPU", 2, 2, 0)
    assert done.returncode == 1 and "num_machines: 2: no Slurm job is around this process" in done.stderr
