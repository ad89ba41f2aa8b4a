"""Running a model's code where it can do no harm: bubblewrap, or the unprivileged user namespaces that it is made of.

A program sees a read-only system and the Python interpreter, an empty private /tmp, no home, no repository, no network
and no other process; CPU time, wall time, memory, processes, file size and output are limited.
"""

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

# Runs inside the sandbox. The program passes only when it ends without an exception: the word that says so comes from
# standard input, read before the program starts, so that leaving early or printing proves nothing.
RUNNER = """
import resource, sys
memory, seconds, user = map(int, sys.argv[1:])
if user:
    import os
    os.setgroups([]); os.setresgid(user, user, user); os.setresuid(user, user, user)
resource.setrlimit(resource.RLIMIT_AS, (memory, memory))
resource.setrlimit(resource.RLIMIT_CPU, (seconds, seconds))
resource.setrlimit(resource.RLIMIT_NPROC, (64, 64))
resource.setrlimit(resource.RLIMIT_FSIZE, (2**20, 2**20))
resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
def main():
    import os
    word = sys.stdin.buffer.readline()
    program = sys.stdin.buffer.read().decode()
    verdict = os.dup(1)
    null = os.open("/dev/null", os.O_RDWR)
    os.dup2(null, 0); os.dup2(null, 1); os.dup2(null, 2)
    write = os.write
    try:
        exec(compile(program, "program", "exec"), {"__name__": "program"})
    except BaseException as error:
        write(verdict, f"{type(error).__name__}".encode())
    else:
        write(verdict, word)
main()
"""


@dataclass(frozen=True)
class Limits:
    """What one program may use.

    Args:
        seconds: Wall-clock and CPU seconds (3.0 in HumanEval's own checker).
        memory_mib: Address space.
    """

    seconds: float = 3.0
    memory_mib: int = 1024


@dataclass(frozen=True)
class Verdict:
    """Whether a program ended without an exception, and if not why."""

    passed: bool
    reason: str


def _shown() -> list[Path]:
    """What a program may read of this machine: its system folders and the interpreter."""
    system = [Path(folder) for folder in ("/usr", "/bin", "/lib", "/lib64") if Path(folder).exists()]
    interpreter = Path(sys.base_prefix)
    return system if interpreter.is_relative_to("/usr") else [*system, interpreter]


def _bubblewrap(user: int) -> list[str]:
    binds: list[str] = []
    for place in map(str, _shown()):
        # The folders above it are made empty and open to any user, whatever the permissions of the real ones.
        above = reversed(Path(place).parents[:-1])
        binds += [part for folder in above for part in ("--perms", "0755", "--dir", str(folder))]
        binds += ["--ro-bind", place, place]
    isolation = ["--die-with-parent", "--new-session", "--clearenv", "--cap-drop", "ALL"]
    if user:
        isolation += ["--unshare-ipc", "--unshare-pid", "--unshare-net", "--unshare-uts", "--unshare-cgroup-try"]
        isolation += ["--cap-add", "CAP_SETUID", "--cap-add", "CAP_SETGID"]
    else:
        isolation += ["--unshare-all"]
    places = ["--proc", "/proc", "--dev", "/dev", "--perms", "1777", "--tmpfs", "/tmp", "--chdir", "/tmp"]
    return ["bwrap", *isolation, *binds, *places]


# Builds a new root on a tmpfs, seen by this namespace alone, and leaves the old one. /sys is only a place to mount it.
NEW_ROOT = """set -eu
for program in mount umount mkdir touch pivot_root rmdir setpriv; do command -v "$program" > /dev/null; done
mount -t tmpfs -o size=1m,mode=755 tmpfs /sys
IFS=:; shown=$1; shift
for place in $shown; do
  mkdir -p "/sys$place"; mount --rbind "$place" "/sys$place"; mount -o remount,bind,ro "/sys$place"
done
cd /sys; mkdir proc tmp dev old
mount -t proc proc proc
mount -t tmpfs -o size=64m,mode=1777 tmpfs tmp
for device in null zero urandom; do touch "dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
pivot_root . old; umount -l /old; rmdir /old
cd /tmp
exec setpriv --inh-caps=-all --bounding-set=-all --no-new-privs env -i "$@"
"""


def _namespaces() -> list[str]:
    isolation = ["--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child"]
    return ["unshare", *isolation, "sh", "-c", NEW_ROOT, "sh", ":".join(map(str, _shown()))]


def _command(limits: Limits) -> list[str]:
    # The kernel does not limit the processes of root, also where a user namespace gives it another number: the runner
    # becomes a user of its own before the program starts, for which it needs two capabilities until then.
    user = 60000 + secrets.randbelow(5000) if os.geteuid() == 0 else 0
    python = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    arguments = [str(limits.memory_mib * 2**20), str(max(1, round(limits.seconds))), str(user)]
    isolated = _bubblewrap(user) if shutil.which("bwrap") else _namespaces()
    return [*isolated, python, "-I", "-S", "-c", RUNNER, *arguments]


def why_not_available() -> str | None:
    """None where programs can be run in the sandbox, else the reason, for the report."""
    tool = "bubblewrap"
    if not shutil.which("bwrap"):
        if os.geteuid() == 0:
            return "no sandbox: bubblewrap (bwrap) is not installed, without which the processes of root cannot be limited"
        if not shutil.which("unshare"):
            return "no sandbox: neither bubblewrap (bwrap) nor unshare is installed"
        tool = "bubblewrap (bwrap) is not installed, and unshare"
    verdict = run_program("pass", Limits(seconds=10))
    return None if verdict.passed else f"no sandbox: {tool} does not work here ({verdict.reason})"


def run_program(program: str, limits: Limits) -> Verdict:
    """Run a Python program in the sandbox and say whether it ended without an exception. Never raises for what it does."""
    word = secrets.token_hex(16).encode() + b"\n"
    try:
        done = subprocess.run(
            _command(limits),
            input=word + program.encode("utf-8", "replace"),
            capture_output=True,
            timeout=limits.seconds,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return Verdict(False, f"time out after {limits.seconds} s")
    if done.stdout == word:
        return Verdict(True, "passed")
    said = done.stdout[:100].decode("utf-8", "replace")
    return Verdict(False, said or f"ended with code {done.returncode} {done.stderr[:200].decode('utf-8', 'replace')}".strip())
