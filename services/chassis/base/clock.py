"""The two clocks: the corridor's (what the picture knows) and the machinery's (timeouts, leases, versions).

Invariant: every instant that reaches a picture comes from `CorridorClock.now`; SQL never calls `now()` for it.
Stepped, the corridor clock stands still until the operations door moves it; it never goes back.
"""

import time
from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from contracts.events.base import FUTURE_SKEW


class CorridorClock:
    """The instant at which the corridor is looked at."""

    def __init__(self, *, stepped: bool = False) -> None:
        self.stepped = stepped
        self._instant = datetime(1990, 1, 1, tzinfo=UTC)
        # By where the clock was moved: when, in real time.
        self._steps: dict[datetime, datetime] = {}
        # The same in order: where, and from which millisecond on; both rise.
        self._stood: list[datetime] = []
        self._at: list[int] = []

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
            self.learn([(moved, self._steps.get(moved, machinery_now()))])
        return self._instant

    def resume(self, steps: Collection[tuple[datetime, datetime]]) -> None:
        """Goes on from steps that were kept: where the clock was moved, and when; in any order."""
        self.learn(steps)
        self._instant = max([self._instant, *(instant for instant, _ in steps)])

    def learn(self, steps: Iterable[tuple[datetime, datetime]]) -> None:
        """Knows of steps of other copies, by which records are received; it stands where it stood."""
        found = self._steps | dict(steps)
        if found != self._steps:
            self._steps = found
            self._stood = sorted(found)
            when = (int(found[instant].timestamp() * 1000) for instant in self._stood)
            self._at = list(accumulate(when, max))


def machinery_now() -> datetime:
    """Real time in UTC."""
    return datetime.now(UTC)


def version_after(previous: int) -> int:
    """The next version: rises past `previous`, and across a store put back, since it follows real microseconds."""
    return max(previous + 1, time.time_ns() // 1000)


def is_ahead(version: int) -> bool:
    """Whether a version is of an instant that our clock, with its skew, has not come to: none would ever replace it."""
    return version > version_after(0) + FUTURE_SKEW // timedelta(microseconds=1)
