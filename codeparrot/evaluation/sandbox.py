"""Verdicts over programs that may do anything: each in an isolated process of its own, judged from another one.

A candidate (inside/candidate.py) runs a program and calls its functions when asked to. A judge (inside/judge.py) runs the
benchmark's test, in which calls stand for those functions, and believes nothing but the plain values that they return.
"""

import ast
import os
import signal
import socket
import subprocess
import tempfile
import threading
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass

from codeparrot.errors import PipelineError
from codeparrot.evaluation.isolation import CANDIDATE, JUDGE, Isolation, Limits, command

# A process waits for its namespaces about as long as it computes.
PROGRAMS_A_WORKER = 2


@dataclass(frozen=True)
class Trial:
    """A program and its test.

    Args:
        program: Python that may do anything; it defines the functions.
        names: The functions that the test calls.
        test: Python of the benchmark, which raises an exception where a call has not the right result.
        setup: Python of the benchmark that runs before the test, for what the test uses besides.
    """

    program: str
    names: tuple[str, ...]
    test: str
    setup: str = ""


@dataclass(frozen=True)
class Verdict:
    """Whether a program passed its test, and if not why."""

    passed: bool
    reason: str


def _received(link: socket.socket, size: int) -> bytes:
    said = b""
    while len(said) < size:
        some = link.recv(size - len(said))
        if not some:
            raise PipelineError("the judge of the sandbox ended; run again, with fewer workers where memory is short")
        said += some
    return said


def _verdict(trial: Trial, judge: socket.socket, limits: Limits, isolation: Isolation, folder: str) -> Verdict:
    """Start a candidate, give its pipes to the judge, and wait for what that says."""
    to_candidate, requests = os.pipe()
    answers, from_candidate = os.pipe()
    process = subprocess.Popen(
        command(CANDIDATE, limits, isolation),
        stdin=to_candidate,
        stdout=from_candidate,
        stderr=subprocess.DEVNULL,
        cwd=folder,
        env=None if isolation == "isolated" else {},
        start_new_session=True,
    )
    try:
        job = repr({**vars(trial), "seconds": limits.seconds}).encode("utf-8", "backslashreplace")
        socket.send_fds(judge, [b"%08x" % len(job)], [answers, requests])
        judge.sendall(job)
        for descriptor in (to_candidate, from_candidate, requests, answers):
            os.close(descriptor)
        said = ast.literal_eval(_received(judge, int(_received(judge, 8), 16)).decode())
    finally:
        # In its group are its processes, where no namespace ends them.
        os.killpg(process.pid, signal.SIGKILL)
        code = process.wait()
    verdict = Verdict(*said)
    if verdict.reason == "ended before its answer" and code > 0:
        return Verdict(False, f"ended with code {code} before its answer")
    return verdict


def check_trials(trials: Sequence[Trial], limits: Limits, isolation: Isolation, workers: int) -> Iterator[Verdict]:
    """The verdict over each trial, in their order. Never raises for what a program does."""
    own = threading.local()
    with ExitStack() as stack:

        def start_judge() -> None:
            own.judge, end = socket.socketpair()
            stack.callback(own.judge.close)
            own.folder = stack.enter_context(tempfile.TemporaryDirectory())
            with end:
                process = subprocess.Popen(
                    command(JUDGE, limits, isolation), stdin=end.fileno(), cwd=own.folder, start_new_session=True
                )
            stack.callback(process.wait)
            stack.callback(process.kill)

        def verdict(trial: Trial) -> Verdict:
            return _verdict(trial, own.judge, limits, isolation, own.folder)

        pool = stack.enter_context(ThreadPoolExecutor(PROGRAMS_A_WORKER * workers, initializer=start_judge))
        yield from pool.map(verdict, trials)
