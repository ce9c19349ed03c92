"""A bound on the time that one piece of pure code may take.

Invariant: what is over its time ends with `TookTooLong`, wherever it was; whatever timer was set before goes on. Only
the main thread can be bounded: elsewhere the code simply runs.
"""

import signal
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


class TookTooLong(Exception):
    """The code has used up its time."""


@contextmanager
def at_most(seconds: float) -> Iterator[None]:
    """Ends the block with `TookTooLong` after so many seconds; for code that holds nothing which has to be let go."""
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
