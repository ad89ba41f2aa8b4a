"""Judges candidates: runs a benchmark's test with calls in place of the functions that it tests. One process, a child for each.

It shares no process, memory or file with a candidate: what it knows of one are the plain values that its calls return.
"""

import ast
import builtins
import contextlib
import os
import random
import resource
import select
import signal
import socket
import sys
import time
from collections.abc import Callable
from typing import Any

from codeparrot.evaluation.inside.values import decode, encode

MOST_BYTES = 2**20  # of one answer
START_SECONDS = 20.0  # for a candidate's interpreter to start on a busy machine


class _Ended(BaseException):
    """The candidate can answer no more: why. A test that catches exceptions does not catch this."""


class _Calls:
    """The calls to one candidate, until its time is up."""

    def __init__(self, answers: int, requests: int, seconds: float) -> None:
        self._answers, self._requests, self._seconds = answers, requests, seconds
        self._read = b""
        self._end = time.monotonic() + START_SECONDS

    def _line(self) -> bytes:
        while b"\n" not in self._read:
            left = self._end - time.monotonic()
            if left <= 0 or not select.select([self._answers], [], [], left)[0]:
                raise _Ended(f"time out after {self._seconds:g} s")
            some = os.read(self._answers, 2**16)
            if not some:
                raise _Ended("ended before its answer")
            self._read += some
            if len(self._read) > MOST_BYTES:
                raise _Ended("answers without end")
        line, self._read = self._read.split(b"\n", 1)
        return line

    def answer(self) -> tuple[Any, ...]:
        """What the candidate says next."""
        try:
            said = ast.literal_eval(self._line().decode())
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            raise _Ended("an answer that is none") from None
        if not isinstance(said, tuple) or not said:
            raise _Ended("an answer that is none")
        return said

    def start(self, program: str) -> None:
        """Let the program run; _Ended where it does not come to its end."""
        self._send(program)
        if self.answer() == ("started",):
            self._end = time.monotonic() + self._seconds
            said = self.answer()
            if said == ("ready",):
                return
            if said[0] == "raised":
                raise _Ended(f"raised {_name(said[-1])}")
        raise _Ended("an answer that is none")

    def _send(self, tree: Any) -> None:
        line, sent = repr(tree).encode("utf-8", "backslashreplace") + b"\n", 0
        try:
            while sent < len(line):
                if not select.select([], [self._requests], [], max(0.0, self._end - time.monotonic()))[1]:
                    raise _Ended(f"time out after {self._seconds:g} s")
                # A pipe that is ready takes 4,096 bytes without waiting.
                sent += os.write(self._requests, line[sent : sent + 4096])
        except BrokenPipeError:
            raise _Ended("ended before its answer") from None

    def call(self, name: str, arguments: tuple[Any, ...], keywords: dict[str, Any]) -> Any:
        """The value of name(*arguments, **keywords); what it raises is raised."""
        self._send(encode((name, arguments, keywords)))
        match self.answer():
            case ("value", tree):
                try:
                    return decode(tree)
                except (ValueError, TypeError, RecursionError):
                    raise _Ended("an answer that is none") from None
            case ("raised", name_of_error):
                kind = getattr(builtins, _name(name_of_error), None)
                if not isinstance(kind, type) or not issubclass(kind, Exception):
                    raise _Ended(f"raised {_name(name_of_error)}")
                try:
                    error = kind("raised by the candidate")
                except TypeError:
                    raise _Ended(f"raised {_name(name_of_error)}") from None
                error.add_note("candidate")
                raise error
        raise _Ended("an answer that is none")


def _name(said: object) -> str:
    """A name that a candidate gave: none but a short identifier."""
    return said[:60] if isinstance(said, str) and said.isascii() and said.isidentifier() else "an exception"


def _stand_in(calls: _Calls, name: str) -> Callable[..., Any]:
    def stand_in(*arguments: Any, **keywords: Any) -> Any:
        return calls.call(name, arguments, keywords)

    return stand_in


def judge(job: dict[str, Any], answers: int, requests: int) -> tuple[bool, str]:
    """Whether a program passes a test, and the reason.

    job: program; setup, run before the test; names of the functions that are asked of the program; test; seconds.
    """
    calls = _Calls(answers, requests, job["seconds"])
    random.seed(0)
    scope: dict[str, Any] = {"__name__": "test"}
    try:
        calls.start(job["program"])
        exec(compile(job["setup"], "setup", "exec"), scope)
        scope |= {name: _stand_in(calls, name) for name in job["names"]}
        exec(compile(job["test"], "test", "exec"), scope)
    except _Ended as end:
        return False, str(end)
    except BaseException as error:
        by_candidate = "candidate" in getattr(error, "__notes__", ())
        if isinstance(error, AssertionError) and not by_candidate:
            return False, "wrong answer"
        return False, f"raised {type(error).__name__}" if by_candidate else f"the test raised {type(error).__name__}"
    return True, "passed"


def _in_a_child(job: dict[str, Any], answers: int, requests: int) -> tuple[bool, str]:
    verdict, verdict_end = os.pipe()
    child = os.fork()
    if not child:
        most = int(job["seconds"]) + 2
        resource.setrlimit(resource.RLIMIT_CPU, (most, most))
        null = os.open("/dev/null", os.O_RDWR)
        for descriptor in range(3):
            os.dup2(null, descriptor)
        os.write(verdict_end, repr(judge(job, answers, requests)).encode())
        os._exit(0)
    os.close(verdict_end)
    ready = select.select([verdict], [], [], START_SECONDS + job["seconds"])[0]
    said = os.read(verdict, 2**12) if ready else b""
    os.close(verdict)
    with contextlib.suppress(ProcessLookupError):
        os.kill(child, signal.SIGKILL)
    os.waitpid(child, 0)
    return ast.literal_eval(said.decode()) if said else (False, "the test came to no end")


def main() -> None:
    """Arguments as those of a candidate. Standard input is a socket: jobs with their candidate's pipes come, verdicts go."""
    memory, _, processes, file_size, user = map(int, sys.argv[1:])
    if user:
        os.setgroups([])
        os.setresgid(user, user, user)
        os.setresuid(user, user, user)
    limits = {resource.RLIMIT_AS: memory, resource.RLIMIT_NPROC: processes, resource.RLIMIT_FSIZE: file_size}
    for kind, most in limits.items():
        resource.setrlimit(kind, (most, most))
    link = socket.socket(fileno=os.dup(0))
    while True:
        size, pipes, _, _ = socket.recv_fds(link, 8, 2)
        if not size:
            return
        with link.makefile("rb") as stream:
            job = ast.literal_eval(stream.read(int(size, 16)).decode())
        verdict = _in_a_child(job, *pipes)
        for pipe in pipes:
            os.close(pipe)
        said = repr(verdict).encode()
        link.sendall(b"%08x" % len(said) + said)


if __name__ == "__main__":
    main()
