"""Progress as log lines: how much is done, how fast, and how long it will still take."""

import logging
import time
from collections.abc import Iterable, Iterator
from typing import TypeVar

T = TypeVar("T")
log = logging.getLogger(__name__)


def clock(seconds: float) -> str:
    """`seconds` as h:mm:ss."""
    minutes, rest = divmod(round(seconds), 60)
    return f"{minutes // 60}:{minutes % 60:02d}:{rest:02d}"


def progress(items: Iterable[T], what: str, total: int | None = None, every: float = 5.0) -> Iterator[T]:
    """Yield `items`, logging at most every `every` seconds the count, the rate and, where `total` is known, the time left."""
    start = last = time.monotonic()
    done = 0
    for item in items:
        yield item
        done += 1
        now = time.monotonic()
        if now - last >= every:
            last = now
            rate = done / (now - start)
            left = f" of {total}, {clock((total - done) / rate)} left" if total else ""
            log.info("%s: %d%s, %.1f a second", what, done, left, rate)
    seconds = time.monotonic() - start
    log.info("%s: %d in %.1f s", what, done, seconds)
