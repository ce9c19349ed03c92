"""Spaces the rounds of a loop.

Invariant: an idle loop starts at once. Under load a round costs much the same for one row as for fifty, so a few
milliseconds between rounds make each of them larger.
"""

import asyncio
import contextlib
import time
from collections.abc import Awaitable, Callable
from typing import Any

import structlog

from services.chassis.base.errors import is_transient

log = structlog.get_logger(__name__)


async def repeat(action: Callable[[], Awaitable[Any]], every_seconds: float, trouble: str | None = None) -> None:
    """Calls `action` every so many seconds, until cancelled.

    Transient failures are left to the next call. Others are logged with the message `trouble`; without one they are
    raised, which ends the process.
    """
    while True:
        try:
            await action()
        except Exception as failure:
            if not is_transient(failure):
                if trouble is None:
                    raise
                log.exception(trouble)
        await asyncio.sleep(every_seconds)


async def until(event: asyncio.Event, seconds: float) -> None:
    """Waits for an event, at most so long.

    `asyncio.wait_for` of Python 3.11 swallows a cancellation that arrives together with the event.
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
        """Waits for the rest of the interval since the last round began."""
        left = self._began + self._seconds - time.monotonic()
        if left > 0:
            await asyncio.sleep(left)
        self._began = time.monotonic()
