"""A real Slurm on this machine, with accounting: two nodes with 16 pretend A100s each, on loopback."""

import os
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.programs import ENOUGH

CONFIG = Path("/etc/slurm")
MARK = "# Made by the tests of CodeParrot Pipeline; it goes when they end.\n"
NODES = ("gpu1", "gpu2")
PROGRAMS = ("munged", "mariadbd", "slurmdbd", "slurmctld", "slurmd")


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


def _configuration(folder: Path, accounting: int) -> str:
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
            "AccountingStorageType=accounting_storage/slurmdbd",
            "AccountingStorageHost=127.0.0.1",
            f"AccountingStoragePort={accounting}",
            "AccountingStorageEnforce=associations",
            "AccountingStoreFlags=job_comment",
            "JobAcctGatherType=jobacct_gather/linux",
            "JobAcctGatherFrequency=task=5",
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


def _accounting(folder: Path, port: int, database: int) -> str:
    host = socket.gethostname().split(".")[0]
    return MARK + "\n".join(
        [
            "AuthType=auth/munge",
            f"DbdHost={host}",
            "DbdAddr=127.0.0.1",
            f"DbdPort={port}",
            "SlurmUser=root",
            "StorageType=accounting_storage/mysql",
            "StorageHost=127.0.0.1",
            f"StoragePort={database}",
            "StorageUser=slurm",
            f"LogFile={folder}/slurmdbd.log",
            f"PidFile={folder}/slurmdbd.pid",
            "",
        ]
    )


def _wait_for(command: list[str], expected: str, processes: list["subprocess.Popen[bytes]"]) -> None:
    """Run a command until it prints what is expected; RuntimeError when a daemon has ended or it hangs."""
    deadline = time.monotonic() + ENOUGH
    while time.monotonic() < deadline:
        ended = [process.args for process in processes if process.poll() is not None]
        if ended:
            raise RuntimeError(f"Slurm did not start: {ended}")
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode == 0 and " ".join(done.stdout.split()) == expected:
            return
        time.sleep(0.2)
    raise RuntimeError(f"{command}: did not say {expected} within {ENOUGH} seconds: {done.stdout}{done.stderr}")


def _write_configuration(folder: Path) -> int:
    """Write Slurm's files and return the port of the database."""
    accounting, database = _free_ports(2)
    for index in range(16):
        (folder / f"a100-{index}").touch()
    CONFIG.mkdir(exist_ok=True)
    files = {
        "slurm.conf": _configuration(folder, accounting),
        "slurmdbd.conf": _accounting(folder, accounting, database),
        "gres.conf": f"{MARK}NodeName={','.join(NODES)} Name=gpu Type=a100 File={folder}/a100-[0-15]\n",
    }
    for name, text in files.items():
        (CONFIG / name).touch(mode=0o600)
        (CONFIG / name).write_text(text)
        (CONFIG / name).chmod(0o600 if name == "slurmdbd.conf" else 0o644)
    return database


def _folder_of(user: str, folder: Path) -> Path:
    folder.mkdir(exist_ok=True)
    shutil.chown(folder, user, user)
    return folder


@contextmanager
def running(folder: Path) -> Iterator[None]:
    """Slurm for the length of a block; its state and logs go to `folder`."""
    folder.chmod(0o755)
    (folder / "state").mkdir()
    port = _write_configuration(folder)
    munge, data = _folder_of("munge", folder / "munge"), _folder_of("mysql", folder / "database")
    key = munge / "key"
    key.write_bytes(os.urandom(128))
    shutil.chown(key, "munge", "munge")
    key.chmod(0o400)
    # Slurm's programs look for the socket in its usual place.
    _folder_of("munge", Path("/run/munge"))
    quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    install = [
        "mariadb-install-db",
        "--no-defaults",
        f"--datadir={data}",
        "--user=mysql",
        "--skip-test-db",
        "--skip-name-resolve",
    ]
    subprocess.run([*install, "--auth-root-authentication-method=normal"], check=True, **quiet)
    (data / "users.sql").write_text("CREATE USER slurm@'127.0.0.1';\nGRANT ALL ON slurm_acct_db.* TO slurm@'127.0.0.1';\n")
    shutil.chown(data / "users.sql", "mysql", "mysql")
    places = [f"--{name}-file={munge}/{name}" for name in ("key", "pid", "seed", "log")]
    as_munge = ["setpriv", "--reuid=munge", "--regid=munge", "--clear-groups"]
    database = ["/usr/sbin/mariadbd", "--no-defaults", f"--datadir={data}", "--user=mysql", "--bind-address=127.0.0.1"]
    database += [f"--port={port}", f"--socket={data}/socket", f"--pid-file={data}/pid", f"--init-file={data}/users.sql"]
    database += ["--skip-name-resolve", "--innodb-flush-log-at-trx-commit=0"]
    processes: list[subprocess.Popen[bytes]] = []

    def start(*command: str) -> None:
        processes.append(subprocess.Popen(command, **quiet))

    try:
        start(*as_munge, "/usr/sbin/munged", "--foreground", "--force", *places)
        start(*database)
        _wait_for(["mariadb-admin", "--no-defaults", f"--socket={data}/socket", "ping"], "mysqld is alive", processes)
        start("/usr/sbin/slurmdbd", "-D")
        _wait_for(["sacctmgr", "-n", "list", "account", "format=account"], "root", processes)
        for command in (("cluster", "test"), ("account", "users", "cluster=test"), ("user", "root", "account=users")):
            subprocess.run(["sacctmgr", "-i", "-Q", "add", *command], check=True, **quiet)
        start("/usr/sbin/slurmctld", "-D")
        for name in NODES:
            start("/usr/sbin/slurmd", "-D", "-N", name)
        _wait_for(["sinfo", "-h", "-N", "-o", "%T"], " ".join(["idle"] * len(NODES)), processes)
        yield
    finally:
        subprocess.run(["scancel", "--full", "-u", "root"], check=False, capture_output=True)
        for process in reversed(processes):
            process.terminate()
            try:
                process.wait(10)
            except subprocess.TimeoutExpired:
                process.kill()
        for name in ("slurm.conf", "slurmdbd.conf", "gres.conf"):
            (CONFIG / name).unlink()
