"""Keeps the rounds of a loop a little apart, so that each finds more to do.

Invariant: a loop that was idle begins at once; under load a round costs much the same for one row as for fifty, and
a few milliseconds of waiting buy many of them.
"""

import asyncio
import time


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
