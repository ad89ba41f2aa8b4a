"""The GPU of a job that needs one: on a machine with several, jobs that run side by side take one each."""

import errno
import logging
import os
import socket
import time
from collections.abc import Sequence

import torch

SECONDS_BETWEEN_LOOKS = 2.0
log = logging.getLogger(__name__)
# A claim lasts as long as its socket, at most as long as this process.
_claims: list[socket.socket] = []


def claimed(names: Sequence[str]) -> str | None:
    """The first of these GPUs that no process of this machine has claimed, which this process has from now on; None without one.

    A claim is a socket bound to a name that is no file (unix(7), abstract): the kernel gives it to one process, and takes it back
    when that ends, however it ends.
    """
    for name in names:
        claim = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        try:
            claim.bind(f"\0codeparrot/gpu/{name}")
        except OSError as error:
            claim.close()
            if error.errno != errno.EADDRINUSE:
                raise
            continue
        _claims.append(claim)
        return name
    return None


def take_one_gpu() -> None:
    """Show one GPU to this process, of those that it may use one that no other such job has; wait where each has its job.

    To be called before CUDA is asked for anything. Changes nothing where there is at most one to choose from, as in a job of
    Slurm, nor in a process that accelerate or torchrun started, which has its own.
    """
    count = torch.cuda.device_count()
    if count < 2 or "LOCAL_RANK" in os.environ:
        return
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    names = visible.split(",")[:count] if visible else list(map(str, range(count)))
    while (name := claimed(names)) is None:
        log.info("each of %d GPUs has its job; waiting for one", count)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    os.environ["CUDA_VISIBLE_DEVICES"] = name
    log.info("on GPU %s", name)
