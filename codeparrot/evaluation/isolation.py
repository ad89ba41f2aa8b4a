"""Processes that can do no harm: bubblewrap, or the unprivileged user namespaces that it is made of.

A process sees a read-only system and the Python interpreter, an empty private /tmp, no home, no repository, no network and no
other process. CPU time, memory, processes and file sizes are limited in the process itself, before it runs what is not trusted.
"""

import os
import secrets
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Literal

from codeparrot.evaluation.inside import candidate, judge, values

# `isolated` is what is described above. `process` has the limits and a folder of its own and nothing else: for a machine that
# is thrown away afterwards.
Isolation = Literal["isolated", "process"]
TMP_BYTES = 2**26
_WITHOUT = "from codeparrot.evaluation.inside.values import decode, encode\n"


@dataclass(frozen=True)
class Limits:
    """What one program may use.

    Args:
        seconds: Wall-clock and CPU seconds (3.0 in HumanEval's own checker).
        memory_mib: Address space of each process.
        processes: Processes and threads.
        file_mib: Size of a file; all files together have 64 MiB.
    """

    seconds: float = 3.0
    memory_mib: int = 1024
    processes: int = 8
    file_mib: int = 1


@cache
def _source(inside: str) -> str:
    """A script that needs no file: what it imports of ours stands before it."""
    text = Path(inside).read_text(encoding="utf-8")
    assert _WITHOUT in text, inside
    return Path(str(values.__file__)).read_text(encoding="utf-8") + text.replace(_WITHOUT, "")


CANDIDATE, JUDGE = str(candidate.__file__), str(judge.__file__)


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
    places = ["--proc", "/proc", "--dev", "/dev", "--size", str(TMP_BYTES), "--perms", "1777", "--tmpfs", "/tmp"]
    return ["bwrap", *isolation, *binds, *places, "--remount-ro", "/dev", "--remount-ro", "/", "--chdir", "/tmp"]


# Builds a new root on a tmpfs, seen by this namespace alone, and leaves the old one. /sys is only a place to mount it.
NEW_ROOT = f"""set -eu
for program in mount umount mkdir touch pivot_root rmdir setpriv; do command -v "$program" > /dev/null; done
mount -t tmpfs -o size=1m,mode=755 tmpfs /sys
IFS=:; shown=$1; shift
for place in $shown; do
  mkdir -p "/sys$place"; mount --rbind "$place" "/sys$place"; mount -o remount,bind,ro "/sys$place"
done
cd /sys; mkdir proc tmp dev old
mount -t proc proc proc
mount -t tmpfs -o size={TMP_BYTES},mode=1777 tmpfs tmp
for device in null zero urandom; do touch "dev/$device"; mount --bind "/dev/$device" "dev/$device"; done
pivot_root . old; umount -l /old; rmdir /old
cd /tmp
exec setpriv --inh-caps=-all --bounding-set=-all --no-new-privs env -i "$@"
"""


def _namespaces() -> list[str]:
    isolation = ["--user", "--map-root-user", "--mount", "--net", "--ipc", "--uts", "--pid", "--fork", "--kill-child"]
    return ["unshare", *isolation, "sh", "-c", NEW_ROOT, "sh", ":".join(map(str, _shown()))]


def command(script: str, limits: Limits, isolation: Isolation) -> list[str]:
    """The command that runs CANDIDATE or JUDGE under these limits."""
    # The kernel does not limit the processes of root, also where a user namespace gives it another number: the script
    # becomes a user of its own before it goes on, for which it needs two capabilities until then.
    user = 60000 + secrets.randbelow(5000) if os.geteuid() == 0 and isolation == "isolated" else 0
    python = f"{sys.base_prefix}/bin/python{sys.version_info.major}.{sys.version_info.minor}"
    amounts = (limits.memory_mib * 2**20, max(1, round(limits.seconds)), limits.processes, limits.file_mib * 2**20, user)
    around: list[str] = []
    if isolation == "isolated":
        around = _bubblewrap(user) if shutil.which("bwrap") else _namespaces()
    return [*around, python, "-I", "-S", "-c", _source(script), *map(str, amounts)]


def why_not_isolated() -> str | None:
    """None where isolated processes can be had, else the reason, for the report."""
    tool = "bubblewrap"
    if not shutil.which("bwrap"):
        if os.geteuid() == 0:
            return "no sandbox: bubblewrap (bwrap) is not installed, without which the processes of root cannot be limited"
        if not shutil.which("unshare"):
            return "no sandbox: neither bubblewrap (bwrap) nor unshare is installed"
        tool = "bubblewrap (bwrap) is not installed, and unshare"
    tried = command(CANDIDATE, Limits(), "isolated")
    done = subprocess.run(tried, input=b"'pass'\n", capture_output=True, timeout=60, check=False)
    if done.stdout == b"('started',)\n('ready',)\n":
        return None
    said = done.stderr[-300:].decode("utf-8", "replace").strip() or f"code {done.returncode}"
    return f"no sandbox: {tool} does not work here ({said})"


def why_not_run(isolation: Isolation) -> str | None:
    """None where programs can be run as the config says, else the reason."""
    return why_not_isolated() if isolation == "isolated" else None
