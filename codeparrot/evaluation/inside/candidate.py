"""Runs a program that may do anything, then calls its functions when asked to. Nothing in this process is believed.

Standard input: the program as a literal, then a line for each call; standard output: a line for each thing that happens.
"""

# Imported by every sample: posix instead of os, no json.
import io
import posix
import resource
import sys

from codeparrot.evaluation.inside.values import decode, encode


def main() -> None:
    """Arguments: bytes of memory, seconds of CPU, processes, bytes of a file, and the user to become or 0."""
    memory, seconds, processes, file_size, user = map(int, sys.argv[1:])
    if user:
        posix.setgroups([])
        posix.setresgid(user, user, user)
        posix.setresuid(user, user, user)
    for kind, most in (
        (resource.RLIMIT_AS, memory),
        (resource.RLIMIT_CPU, seconds),
        (resource.RLIMIT_NPROC, processes),
        (resource.RLIMIT_FSIZE, file_size),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))
    calls, answers = io.BufferedReader(io.FileIO(posix.dup(0))), io.FileIO(posix.dup(1), "w")
    null = posix.open("/dev/null", posix.O_RDWR)
    for descriptor in range(3):
        posix.dup2(null, descriptor)

    def say(*words: object) -> None:
        answers.write(repr(words).encode("utf-8", "backslashreplace") + b"\n")

    program = eval(calls.readline())
    say("started")
    names: dict[str, object] = {"__name__": "program"}
    try:
        exec(compile(program, "program", "exec"), names)
    except BaseException as error:
        say("raised", type(error).__name__)
        return
    say("ready")
    for line in calls:
        name, arguments, keywords = decode(eval(line))
        try:
            answer = encode(eval(name, names)(*arguments, **keywords))
        except BaseException as error:
            say("raised", type(error).__name__)
        else:
            say("value", answer)


if __name__ == "__main__":
    main()
