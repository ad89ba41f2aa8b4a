"""The lock of one link: a file that names its owner, with a heartbeat.

When Snakemake is killed its running jobs go on; when it is started again it starts the same jobs anew. The lock keeps
two processes from writing one link's state. It needs nothing from the file system but exclusive creation and renaming,
so it holds between the nodes of a cluster, too.
"""

import logging
import os
import secrets
import socket
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import orjson

from codeparrot.errors import Interrupted, PipelineError

HEARTBEAT_SECONDS = 10.0
# So many missed heartbeats are more than a network file system's delay: the owner on another host is dead.
MISSED_HEARTBEATS = 9
log = logging.getLogger(__name__)


def _started(process: int) -> str | None:
    """When a process of this host started, in clock ticks since boot (proc(5), field 22); None when there is none."""
    try:
        fields = Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()
    except (FileNotFoundError, ProcessLookupError):
        return None
    return None if fields[0] == "Z" else fields[19]


def _owner(lock: Path) -> dict[str, Any] | None:
    try:
        found: dict[str, Any] = orjson.loads(lock.read_bytes())
    except FileNotFoundError:
        return None
    except orjson.JSONDecodeError:
        return {"host": "unknown", "process": 0, "started": "", "token": ""}  # a machine that crashed left it empty
    return found


def _is_alive(lock: Path, owner: dict[str, Any], patience: float) -> bool:
    """Whether the owner lives: known at once on this host, else by whether the heartbeat moves within `patience` seconds."""
    if owner["host"] == socket.gethostname():
        return bool(_started(owner["process"]) == owner["started"])
    try:
        before = lock.stat().st_mtime_ns
        deadline = time.monotonic() + patience
        while time.monotonic() < deadline:
            time.sleep(min(1.0, patience / 10))
            if lock.stat().st_mtime_ns != before:
                return True
    except FileNotFoundError:
        pass
    return False


def _create(lock: Path, token: str) -> bool:
    mine = {"host": socket.gethostname(), "process": os.getpid(), "started": _started(os.getpid()), "token": token}
    beside = lock.with_name(f"{lock.name}.{token}")
    beside.write_bytes(orjson.dumps(mine))
    try:
        # A link either appears whole or fails because the name is taken.
        os.link(beside, lock)
    except FileExistsError:
        return False
    finally:
        beside.unlink()
    return True


def _take_away(lock: Path, token: str) -> None:
    """Remove a dead owner's lock; of several successors one succeeds, and a lock that is new by then is put back."""
    gone = lock.with_name(f"{lock.name}.{secrets.token_hex(8)}")
    try:
        lock.rename(gone)
    except FileNotFoundError:
        return
    if (_owner(gone) or {}).get("token") != token:
        with suppress(FileExistsError):
            os.link(gone, lock)
    gone.unlink()


@contextmanager
def held(
    lock: Path, signals: Sequence[str] = (), patience: float = HEARTBEAT_SECONDS * MISSED_HEARTBEATS
) -> Iterator[Callable[[], None]]:
    """Hold the lock for the length of a block; yields a function that raises PipelineError once it is lost.

    Call that function before every write. While another living process holds the lock, this one waits and says for whom;
    Interrupted ends the waiting when a signal was noted in `signals`.
    """
    token = secrets.token_hex(8)
    lock.parent.mkdir(parents=True, exist_ok=True)
    waited_for = ""
    while not _create(lock, token):
        owner = _owner(lock)
        if owner is None:
            continue
        if _is_alive(lock, owner, patience):
            if signals:
                raise Interrupted(f"stopped by {signals[0]} while another process trained this link; run the same command again")
            if owner["token"] != waited_for:
                log.info(
                    "%s: process %s on %s trains this link; waiting until it ends (stop it with SIGTERM: it saves its state)",
                    *(lock, owner["process"], owner["host"]),
                )
            waited_for = owner["token"]
            time.sleep(min(1.0, patience))
            continue
        log.info("%s: its owner, process %s on %s, is gone; taking over", lock, owner["process"], owner["host"])
        _take_away(lock, owner["token"])

    def check() -> None:
        if (_owner(lock) or {}).get("token") != token:
            raise PipelineError(f"{lock}: another process took this link over; this one stops without writing anything")

    stop = threading.Event()

    def beat() -> None:
        while not stop.wait(HEARTBEAT_SECONDS):
            if (_owner(lock) or {}).get("token") == token:
                os.utime(lock)

    heart = threading.Thread(target=beat, daemon=True)
    heart.start()
    try:
        yield check
    finally:
        stop.set()
        heart.join()
        if (_owner(lock) or {}).get("token") == token:
            lock.unlink()
