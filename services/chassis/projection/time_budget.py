"""A time limit for a piece of pure code.

Invariant: code over its limit ends with `TookTooLong`, wherever it is, and a timer set before goes on. Only the main
thread can be limited; elsewhere the code simply runs.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TookTooLong(Exception):
    """The code exceeded its time limit."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends the block with `TookTooLong` after so many seconds; only for code that holds no resources."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    begun = time.monotonic()
    handler = signal.signal(signal.SIGALRM, _too_long)
    left, every = signal.setitimer(signal.ITIMER_REAL, seconds)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, handler)
        if left:
            signal.setitimer(signal.ITIMER_REAL, max(left - (time.monotonic() - begun), 0.001), every)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TookTooLong
