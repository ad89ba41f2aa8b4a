"""Python programs whose libraries are imported already, since importing them is most of what a short program does.

A server imports them once and forks itself for each program, which then is a process like any other: it has a working
directory, an environment and standard streams of its own, and is killed, stopped and waited for.
"""

import os
import runpy
import signal
import socket
import sys
from collections.abc import Mapping, Sequence
from multiprocessing import get_context
from pathlib import Path

SERVER = get_context("forkserver")
SERVER.set_forkserver_preload(["tests.preloaded"])
# Seconds after which a program hangs; on a slow and busy machine it takes minutes.
ENOUGH = 600


def _become(command: Sequence[str], folder: str, environment: Mapping[str, str], output: str) -> None:
    os.chdir(folder)
    stream = os.open(output, os.O_WRONLY | os.O_CREAT | os.O_APPEND)
    os.dup2(stream, 1)
    os.dup2(stream, 2)
    os.environ.clear()
    os.environ.update(environment)
    sys.argv = list(command)
    if command[0] == "snakemake":
        from snakemake.cli import main

        main(sys.argv[1:])
    else:
        runpy.run_path(command[0], run_name="__main__")


class Program:
    """A running program: a script of this checkout, or snakemake. What it writes goes to the end of `output`."""

    def __init__(self, command: Sequence[str], output: Path, folder: Path, environment: Mapping[str, str] | None = None) -> None:
        self.output = output
        given = (list(command), str(folder), dict(os.environ if environment is None else environment), str(output))
        self.process = SERVER.Process(target=_become, args=given)
        self.process.start()
        assert self.process.pid
        self.pid = self.process.pid

    def said(self) -> str:
        """What it has written so far."""
        return self.output.read_text(errors="replace") if self.output.exists() else ""

    def poll(self) -> int | None:
        """Its exit code; None while it runs."""
        return self.process.exitcode

    def wait(self) -> int:
        """Wait until it ends and return its exit code, which is negative after a signal."""
        self.process.join(ENOUGH)
        code = self.process.exitcode
        if code is None:
            self.process.kill()
            raise AssertionError(f"it hangs after {ENOUGH} seconds: {self.said()}")
        return code

    def send_signal(self, number: signal.Signals) -> None:
        """Send it a signal."""
        os.kill(self.pid, number)

    def kill(self) -> None:
        """End it at once."""
        self.process.kill()
        self.wait()


def started_together(processes: int, command: Sequence[str], output: Path, folder: Path) -> list[Program]:
    """The processes of one program as a launcher starts them, with the environment that torchrun gives each; rank 0 first."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = str(free.getsockname()[1])
    common = {**os.environ, "WORLD_SIZE": str(processes), "LOCAL_WORLD_SIZE": str(processes), "OMP_NUM_THREADS": "1"}
    common |= {"MASTER_ADDR": "127.0.0.1", "MASTER_PORT": port}
    return [
        Program(command, output, folder, {**common, "RANK": str(rank), "LOCAL_RANK": str(rank)} if processes > 1 else None)
        for rank in range(processes)
    ]
