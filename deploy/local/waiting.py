"""Bounded waiting on something that can only be looked at, such as the end of another's process.

Invariant: every wait ends, by its condition or by a `TimeoutError` that says what was waited for.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import psutil

_LOOK_EVERY = 0.02


def wait_until(condition: Callable[[], bool], within: float, what: str) -> None:
    """Return as soon as `condition` holds; an exception it raises ends the wait at once."""
    deadline = time.monotonic() + within
    while not condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what}: not within {within:g} s")
        time.sleep(_LOOK_EVERY)


def has_ended(pid: int) -> bool:
    """Ended, even if whoever should take note of its end has not (or never will)."""
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
