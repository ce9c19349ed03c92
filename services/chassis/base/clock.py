"""The two clocks: the corridor's (what the picture knows) and the machinery's (timeouts, leases, versions).

Invariant: every instant that reaches a picture comes from `CorridorClock.now`; SQL never calls `now()` for it.
Stepped, the corridor clock stands still until the operations door moves it; it never goes back.
"""

import time
from bisect import bisect_right
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta

from contracts.events.base import FUTURE_SKEW


class CorridorClock:
    """The instant at which the corridor is looked at."""

    def __init__(self, *, stepped: bool = False) -> None:
        self.stepped = stepped
        self._instant = datetime(1990, 1, 1, tzinfo=UTC)
        # Where the clock was moved, by when, in milliseconds of real time; both rise.
        self._at: list[int] = []
        self._stood: list[datetime] = []

    def now(self) -> datetime:
        """The corridor's present, in UTC."""
        return self._instant if self.stepped else machinery_now()

    def received_at(self, appended_ms: int) -> datetime:
        """When a record was received: the broker's append instant, or where a stepped clock stood at that instant.

        `appended_ms` is the record's log-append time in milliseconds since 1970. What is from before the first step
        that is known was received at that.
        """
        if not self.stepped:
            return datetime.fromtimestamp(appended_ms / 1000, UTC)
        return self._stood[max(bisect_right(self._at, appended_ms) - 1, 0)] if self._stood else self._instant

    def step(self, instant: datetime) -> datetime:
        """Moves a stepped clock forward to `instant`; returns where it stands. Raises `ValueError` if not stepped."""
        if not self.stepped:
            raise ValueError("the clock is not stepped")
        if (moved := instant.astimezone(UTC)) > self._instant:
            self._instant = moved
            self._note(machinery_now(), moved)
        return self._instant

    def resume(self, steps: Iterable[tuple[datetime, datetime]]) -> None:
        """Goes on from steps that were kept: where the clock was moved, and when; in any order."""
        for instant, at in sorted(steps):
            self._instant = max(self._instant, instant)
            self._note(at, instant)

    def _note(self, at: datetime, instant: datetime) -> None:
        self._at.append(max([int(at.timestamp() * 1000), *self._at[-1:]]))
        self._stood.append(instant)


def machinery_now() -> datetime:
    """Real time in UTC."""
    return datetime.now(UTC)


def version_after(previous: int) -> int:
    """The next version: rises past `previous`, and across a store put back, since it follows real microseconds."""
    return max(previous + 1, time.time_ns() // 1000)


def is_ahead(version: int) -> bool:
    """Whether a version is of an instant that our clock, with its skew, has not come to: none would ever replace it."""
    return version > version_after(0) + FUTURE_SKEW // timedelta(microseconds=1)
