"""A real Slurm on this machine: two nodes with 16 pretend A100s each, on loopback."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

CONFIG = Path("/etc/slurm")
MARK = "# Made by the tests of CodeParrot Pipeline; it goes when they end.\n"
NODES = ("gpu1", "gpu2")
PROGRAMS = ("slurmctld", "slurmd", "munged", "sbatch", "squeue", "scontrol")


def why_not_available() -> str | None:
    """None where a Slurm can be started, else the reason."""
    missing = [name for name in PROGRAMS if not shutil.which(name, path=f"{os.environ['PATH']}:/usr/sbin")]
    if missing:
        return f"Slurm is not installed: no {', '.join(missing)}"
    if os.geteuid() != 0:
        return "starting Slurm needs root"
    config = CONFIG / "slurm.conf"
    if config.exists() and not config.read_text().startswith(MARK):
        return f"{config}: this machine belongs to a Slurm cluster"
    return None


def _free_ports(count: int) -> list[int]:
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [each.getsockname()[1] for each in sockets]
    for each in sockets:
        each.close()
    return ports


def _configuration(folder: Path) -> str:
    controller, *nodes = _free_ports(1 + len(NODES))
    host = socket.gethostname().split(".")[0]
    common = f"NodeHostname={host} NodeAddr=127.0.0.1 CPUs=64 RealMemory=2000000 Gres=gpu:a100:16"
    lines = [f"NodeName={name} Port={port} {common}" for name, port in zip(NODES, nodes, strict=True)]
    return MARK + "\n".join(
        [
            "ClusterName=test",
            f"SlurmctldHost={host}(127.0.0.1)",
            f"SlurmctldPort={controller}",
            "SlurmUser=root",
            "AuthType=auth/munge",
            "ProctrackType=proctrack/linuxproc",
            "TaskPlugin=task/none",
            "SelectType=select/cons_tres",
            "SelectTypeParameters=CR_Core_Memory",
            "ReturnToService=2",
            "MpiDefault=none",
            "AccountingStorageType=accounting_storage/none",
            "JobAcctGatherType=jobacct_gather/none",
            "SlurmdParameters=config_overrides",
            "SchedulerParameters=sched_interval=1,bf_interval=2",
            "GresTypes=gpu",
            "EnforcePartLimits=ALL",
            "KillWait=20",
            "MinJobAge=600",
            f"StateSaveLocation={folder}/state",
            f"SlurmdSpoolDir={folder}/spool-%n",
            f"SlurmctldPidFile={folder}/slurmctld.pid",
            f"SlurmdPidFile={folder}/slurmd-%n.pid",
            f"SlurmctldLogFile={folder}/slurmctld.log",
            f"SlurmdLogFile={folder}/slurmd-%n.log",
            *lines,
            # A job's time limit is looked at every half minute; OverTimeLimit would blur it.
            f"PartitionName=a100 Nodes={','.join(NODES)} Default=YES MaxTime=2-0 State=UP",
            "",
        ]
    )


def _wait_until_up(processes: list["subprocess.Popen[bytes]"]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        ended = [process.args for process in processes if process.poll() is not None]
        if ended:
            raise RuntimeError(f"Slurm did not start: {ended}")
        states = subprocess.run(["sinfo", "-h", "-N", "-o", "%T"], capture_output=True, text=True, check=False).stdout.split()
        if states == ["idle"] * len(NODES):
            return
        time.sleep(0.2)
    raise RuntimeError("Slurm did not start within 20 seconds")


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Slurm for the length of a block; its state and logs go to `folder`."""
    for index in range(16):
        (folder / f"a100-{index}").touch()
    (folder / "state").mkdir()
    CONFIG.mkdir(exist_ok=True)
    (CONFIG / "slurm.conf").write_text(_configuration(folder))
    (CONFIG / "gres.conf").write_text(f"NodeName={','.join(NODES)} Name=gpu Type=a100 File={folder}/a100-[0-15]\n")
    munge = folder / "munge"
    munge.mkdir()
    key = munge / "key"
    key.write_bytes(os.urandom(128))
    for place in (munge, key):
        shutil.chown(place, "munge", "munge")
    key.chmod(0o400)
    folder.chmod(0o755)
    # Slurm's programs look for the socket in its usual place.
    Path("/run/munge").mkdir(exist_ok=True)
    shutil.chown("/run/munge", "munge", "munge")
    places = [f"--{name}-file={munge}/{name}" for name in ("key", "pid", "seed", "log")]
    as_munge = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
    commands = [[*as_munge, "/usr/sbin/munged", "--foreground", "--force", *places], ["/usr/sbin/slurmctld", "-D"]]
    commands += [["/usr/sbin/slurmd", "-D", "-N", name] for name in NODES]
    processes = []
    try:
        for command in commands:
            processes.append(subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL))
            time.sleep(0.3)
        _wait_until_up(processes)
        yield
    finally:
        subprocess.run(["scancel", "--full", "-u", "root"], check=False, capture_output=True)
        for process in reversed(processes):
            process.terminate()
        for process in processes:
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in ("slurm.conf", "gres.conf"):
            (CONFIG / name).unlink()
