"""Keeps the rounds of a loop apart: a little, so that each finds more to do, or by the clock.

Invariant: a loop that was idle begins at once; under load a round costs much the same for one row as for fifty, and
a few milliseconds of waiting buy many of them.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from services.chassis.base.errors import passes

log = structlog.get_logger(__name__)


async def repeat(action: Callable[[], Awaitable[Any]], every_seconds: float, trouble: str | None = None) -> None:
    """Does it now and then, until cancelled.

    What does not pass by itself is logged as `trouble`, and raised where that is None: what has to hold while the
    process lives.
    """
    while True:
        try:
            await action()
        except Exception as failure:
            if not passes(failure):
                if trouble is None:
                    raise
                log.exception(trouble)
        await asyncio.sleep(every_seconds)


async def until(event: asyncio.Event, seconds: float) -> None:
    """Waits for an event, at most so long.

    `asyncio.wait_for` of Python 3.11 swallows a cancellation that comes together with what it waits for.
    """
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(seconds):
            await event.wait()


class Pace:
    """At least `seconds` between the beginnings of two rounds."""

    def __init__(self, seconds: float) -> None:
        self._seconds = seconds
        self._began = float("-inf")

    async def keep(self) -> None:
        """Waits for what is left of the interval since the last round began."""
        left = self._began + self._seconds - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        self._began = time.monotonic()
