"""The sandbox: right solutions pass, wrong ones fail, and what a hostile program tries comes to nothing."""

import os
import re
import shutil
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from codeparrot.evaluation import isolation
from codeparrot.evaluation.inside.values import decode, encode
from codeparrot.evaluation.isolation import Limits
from codeparrot.evaluation.sandbox import Trial, Verdict, check_trials

needs_bubblewrap = pytest.mark.skipif(not shutil.which("bwrap"), reason="bubblewrap is not installed")
LIMITS = Limits(seconds=2, memory_mib=512)
TEST = "assert square(3) == 9 and square(-2) == 4"


def check(program: str, test: str = TEST, limits: Limits = LIMITS) -> Verdict:
    (verdict,) = check_trials([Trial(program, ("square",), test)], limits, "isolated", 1)
    return verdict


@needs_bubblewrap
@pytest.mark.parametrize(
    ("program", "reason"),
    [
        ("def square(x): return x * x", "passed"),
        ("import math\ndef square(x):\n    print('noise')\n    return int(math.pow(x, 2))", "passed"),
        ("def square(x): return x * 3", "wrong answer"),
        ("def square(x: return x", "raised SyntaxError"),
        ("def other(x): return x * x", "raised NameError"),
        ("def square(x): return [][x]", "raised IndexError"),
        ("def square(x): assert 0", "raised AssertionError"),
        ("class Own(Exception): pass\ndef square(x): raise Own", "raised Own"),
        ("x = '\ud800'", "raised UnicodeEncodeError"),
    ],
)
def test_a_verdict_says_why(program: str, reason: str) -> None:
    assert check(program) == Verdict(reason == "passed", reason)


def test_values_cross_as_what_they_are() -> None:
    values = [
        None,
        True,
        3,
        -(10**6000),
        1.5,
        float("inf"),
        2j,
        "é\n\ud800",
        b"\0",
        [1, [2]],
        (1,),
        {1},
        frozenset({2}),
        {"a": (1, [2])},
    ]
    assert [decode(eval(repr(encode(value)))) for value in values] == values
    assert list(decode(encode(iter([1, 2])))) == [1, 2] and list(decode(encode(range(3)))) == [0, 1, 2]


@needs_bubblewrap
def test_a_test_may_expect_an_exception_and_change_what_it_gave() -> None:
    program = "def square(x):\n    if x is None: raise ValueError('no')\n    return [x]"
    test = "try: square(None)\nexcept ValueError: pass\nelse: assert 0\nsquare(1).append(2); assert square(1) == [1]"
    assert check(program, test).passed


TAKES_THE_ANSWER = """
class Everything:
    def __eq__(self, other): return True
    def __ne__(self, other): return False
    def __rsub__(self, other): return 0
    def __abs__(self): return 0
    def __lt__(self, other): return True
"""
# Whatever is reached by one of these would be told by the right answer, so that a verdict "passed" is a way out.
REACHES = {
    "reads a secret of the user": "open({secret!r}).read()",
    "reads the password file": "open('/etc/passwd').read()",
    "lists the home": "1 // len(set(__import__('os').listdir({home!r})) - set(__import__('sys').prefix.split('/')))",
    "reads this repository": "open({repository!r}).read()",
    "reads the environment of its parent": "open('/proc/%d/environ' % __import__('os').getppid()).read().index('SECRET')",
    "has the environment": "__import__('os').environ['SECRET']",
    "follows a symbolic link out": "(__import__('os').symlink({secret!r}, '/tmp/link'), open('/tmp/link').read())",
    "goes through the root of a process": "open('/proc/1/root' + {secret!r}).read()",
    "writes into the system": "open('/usr/x', 'w')",
    "writes beside the interpreter": "open(__import__('sys').prefix + '/x', 'w')",
    "writes into the root": "open('/x', 'w')",
    "writes into the devices": "open('/dev/shm/x', 'w')",
    "reaches a server on the loopback": "__import__('socket').create_connection(('127.0.0.1', {port}), 1)",
    "reaches a server by its abstract name": "__import__('socket').socket(1).connect(chr(0) + {abstract!r})",
    "looks up a name": "__import__('socket').getaddrinfo('example.org', 80)",
    "kills a process outside": "__import__('os').kill({pid}, 0)",
    "traces a process": "1 // (__import__('ctypes').CDLL(None).ptrace(16, {pid}, 0, 0) == 0)",
    "mounts": "1 // (__import__('ctypes').CDLL(None).mount(b'none', b'/tmp', b'tmpfs', 0, 0) == 0)",
    "becomes root": "__import__('os').setuid(0) or 1 // (__import__('os').geteuid() == 0 and {is_root})",
    "raises its limits": "__import__('resource').setrlimit(__import__('resource').RLIMIT_NPROC, (10**6, 10**6))",
    "makes a device": "__import__('os').mknod('/tmp/disk', 0o60600, __import__('os').makedev(8, 0))",
    "writes a large file": "open('/tmp/x', 'wb').write(b'x' * 2**24)",
    "fills its folder": "[open('/tmp/x%d' % n, 'wb').write(b'x' * 2**20) for n in range(80)]",
    "takes much memory": "bytearray(2**40)",
    "starts many processes": "[__import__('os').posix_spawn('/usr/bin/sleep', ['sleep', '9'], {{}}) for _ in range(50)]",
    "starts many threads": "[__import__('_thread').start_new_thread(__import__('time').sleep, (9,)) for _ in range(50)]",
}


def to_every_descriptor(said: bytes) -> str:
    return f"import os\nfor n in range(3, 64):\n    try: os.write(n, {said!r})\n    except OSError: pass\n"


ENDS = {
    "leaves before the test": ("import sys; sys.exit(0)", "raised SystemExit"),
    "leaves without cleaning up": ("import os; os._exit(0)", "ended before its answer"),
    "leaves with the right code when asked": ("import os\ndef square(x): os._exit(0)", "ended before its answer"),
    "sleeps": ("import time; time.sleep(60)", "time out after 2 s"),
    "loops, catching everything": (
        "while True:\n    try:\n        while True: pass\n    except BaseException: pass",
        "(time out after 2 s|ended .*)",
    ),
    "ignores signals": (
        "import signal, time\nfor n in {*signal.Signals} - {9, 19}: signal.signal(n, signal.SIG_IGN)\ntime.sleep(60)",
        "time out after 2 s",
    ),
    "answers with what is equal to everything": (TAKES_THE_ANSWER + "def square(x): return Everything()", "raised TypeError"),
    "answers with an integer equal to everything": (
        TAKES_THE_ANSWER.replace("class Everything", "class Everything(int)") + "def square(x): return Everything(1)",
        "wrong answer",
    ),
    "changes the comparison of its process": (
        "import builtins, sys\nfor n in range(3): sys._getframe(n).f_globals.update(AssertionError=None, judge=None)\n"
        "builtins.AssertionError = KeyboardInterrupt\ndef square(x): return 0",
        "wrong answer",
    ),
    "says the verdict on its standard output": (
        "print('passed'); import os; os.write(1, b'passed'); raise ValueError",
        "raised ValueError",
    ),
    "says a verdict to every descriptor": (
        to_every_descriptor(b"(True, 'passed')\n") + "def square(x): return 9",
        "an answer that is none",
    ),
    "answers before it is asked": (
        to_every_descriptor(b"('ready',)\n('value', 9)\n('value', 9)\n"),
        "wrong answer",
    ),
    "answers without end": (
        "\n".join(["while True:", *("    " + line for line in to_every_descriptor(b"x" * 9999).splitlines())]),
        "(answers without end|time out after 2 s)",
    ),
    "prints without end": ("while True: print('x' * 9999)", "(time out after 2 s|ended .*)"),
    "answers with a deep nest": (
        "def square(x):\n    y = []\n    for _ in range(10**5): y = [y]\n    return y",
        "raised RecursionError",
    ),
    "sends a literal that its reader cannot bear": (
        to_every_descriptor(b"(" * 9999 + b"\n") + "def square(x): return 9",
        "an answer that is none",
    ),
    "has digits without end": ("def square(x): return 9 ** 9 ** 9", "(time out after 2 s|ended .*|raised MemoryError)"),
    "answers with many digits": ("def square(x): return 10 ** 99999", "wrong answer"),
    "recurses": ("def square(x): return square(x) + 1", "raised RecursionError"),
    "overflows the stack of C": (
        "import sys; sys.setrecursionlimit(10**9)\ndef square(x): return square(x)",
        "(ended .*|raised MemoryError|time out after 2 s)",
    ),
    "forks without end": ("import os\nwhile True: os.fork()", "(raised BlockingIOError|time out after 2 s|ended .*)"),
    "kills all it sees": ("import os, signal\nos.kill(-1, signal.SIGKILL)", "(ended .*|raised .*|time out after 2 s)"),
    "kills its parent": (
        "import os, signal\nos.kill(os.getppid(), signal.SIGKILL)\nwhile True: pass",
        "(ended .*|raised .*|time out after 2 s)",
    ),
    "crashes its interpreter": ("import ctypes; ctypes.string_at(0)", "ended .*"),
    "replaces itself": ("import os; os.execv('/usr/bin/yes', ['yes', \"('value', 9)\"])", "(ended .*|time out after 2 s)"),
    "names its exception at length": ("E = type('X' * 10**6, (Exception,), {})\nraise E", "raised X{60}"),
    "names its exception like markup": ("E = type('<script>', (Exception,), {})\nraise E", "raised an exception"),
}


@pytest.fixture
def outside(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[dict[str, object]]:
    monkeypatch.setenv("SECRET", "word")
    (tmp_path / "secret").write_text("word")
    abstract = f"codeparrot-test-{os.getpid()}"
    with (
        socket.create_server(("127.0.0.1", 0)) as server,
        socket.socket(socket.AF_UNIX) as local,
        subprocess.Popen(["sleep", "60"]) as sleeper,
    ):
        local.bind("\0" + abstract)
        local.listen()
        yield {
            "secret": str(tmp_path / "secret"),
            "home": str(Path.home()),
            "repository": str(Path(isolation.__file__)),
            "port": server.getsockname()[1],
            "abstract": abstract,
            "pid": sleeper.pid,
            "is_root": os.geteuid() == 0,
        }
        assert sleeper.poll() is None
        sleeper.kill()


@needs_bubblewrap
@pytest.mark.parametrize("name", REACHES)
def test_a_program_reaches_nothing_outside(name: str, outside: dict[str, object]) -> None:
    attempt = REACHES[name].format(**outside)
    program = f"def square(x):\n    try: {attempt}\n    except BaseException: return 'contained'\n    return x * x"
    assert check(program, "assert square(3) == 'contained'") == Verdict(True, "passed")


@needs_bubblewrap
@pytest.mark.parametrize("name", ENDS)
def test_a_program_that_cheats_or_does_not_end_fails_by_name(name: str) -> None:
    program, reason = ENDS[name]
    verdict = check(program)
    assert not verdict.passed
    assert re.fullmatch(reason, verdict.reason), verdict


@needs_bubblewrap
def test_the_attempts_would_succeed_without_the_sandbox(outside: dict[str, object]) -> None:
    names = ("reads a secret of the user", "has the environment", "reaches a server on the loopback", "kills a process outside")
    for name in names:
        eval(REACHES[name].format(**outside))


@needs_bubblewrap
def test_nothing_that_a_program_started_or_wrote_outlives_it() -> None:
    mark = f"{100_000 + os.getpid()}.25"
    program = f"""
import os, subprocess
def square(x):
    if not os.fork():
        os.setsid()
        if not os.fork():
            os.execv('/usr/bin/sleep', ['sleep', '{mark}'])
        os._exit(0)
    open('/tmp/left', 'w').write('x')
    return x * x
"""
    trials = [
        Trial(program, ("square",), TEST),
        Trial("import os\ndef square(x): return x * x if not os.path.exists('/tmp/left') else 0", ("square",), TEST),
    ]
    assert [verdict.passed for verdict in check_trials(trials, LIMITS, "isolated", 1)] == [True, True]

    def is_running() -> bool:
        return mark in subprocess.run(["ps", "-eo", "args"], capture_output=True, text=True, check=True).stdout

    # The kernel ends a namespace's processes soon after its first one.
    end = time.monotonic() + 10
    while is_running() and time.monotonic() < end:
        time.sleep(0.1)
    assert not is_running()


@needs_bubblewrap
def test_one_program_does_not_see_another_and_the_test_is_hidden_from_all() -> None:
    snoop = """
import gc, os, sys
def square(x):
    seen = [name for name in os.listdir('/proc') if name.isdigit()]
    told = repr(sys.argv) + open('/proc/self/cmdline').read() + repr([each for each in gc.get_objects() if isinstance(each, str)])
    return 0 if len(seen) > 4 or 'assert ' + 'square' in told else x * x
"""
    trials = [
        Trial("import time\ndef square(x): time.sleep(0.5); return x * x", ("square",), TEST),
        Trial(snoop, ("square",), TEST),
    ]
    assert [verdict.passed for verdict in check_trials(trials, LIMITS, "isolated", 1)] == [True, True]


@needs_bubblewrap
def test_verdicts_keep_the_order_of_their_programs() -> None:
    programs = [f"import time\ntime.sleep({(number % 3) / 10})\ndef square(x): return {number}" for number in range(12)]
    trials = [
        Trial(program, ("square",), f"assert square(0) in {{{number}, {number} + 1}} - {{5}}")
        for number, program in enumerate(programs)
    ]
    assert [verdict.passed for verdict in check_trials(trials, LIMITS, "isolated", 2)] == [number != 5 for number in range(12)]
