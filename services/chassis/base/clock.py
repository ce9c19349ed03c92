"""The two clocks: the corridor clock (the time in pictures) and the machinery clock (timeouts, versions).

Invariant: every instant in a picture comes from `CorridorClock.now`; SQL never calls `now()` for it. A stepped
corridor clock stands still until `POST /ops/clock` moves it; it never goes back.
"""

import time
from bisect import bisect_right
from collections.abc import Collection, Iterable
from datetime import UTC, datetime, timedelta
from itertools import accumulate

from contracts.events.base import FUTURE_SKEW


class CorridorClock:
    """The corridor's present: real time, or an instant that operations step forward."""

    def __init__(self, *, stepped: bool = False) -> None:
        self.stepped = stepped
        self._instant = datetime(1990, 1, 1, tzinfo=UTC)
        # The stored steps in order: corridor instants, and the real milliseconds from which each holds; both rise.
        self._stood: list[datetime] = []
        self._at: list[int] = []

    def now(self) -> datetime:
        """The corridor's present, in UTC."""
        return self._instant if self.stepped else machinery_now()

    def received_at(self, appended_ms: int) -> datetime:
        """The corridor instant at which the broker appended a record.

        `appended_ms` is the record's log-append time in milliseconds since 1970. On a stepped clock, a record from
        before the first known step counts as received at that step.
        """
        if not self.stepped:
            return datetime.fromtimestamp(appended_ms / 1000, UTC)
        return self._stood[max(bisect_right(self._at, appended_ms) - 1, 0)] if self._stood else self._instant

    def step(self, instant: datetime) -> datetime:
        """Moves a stepped clock forward to `instant`; returns the new present. Raises `ValueError` if not stepped."""
        if not self.stepped:
            raise ValueError("the clock is not stepped")
        self._instant = max(self._instant, instant.astimezone(UTC))
        return self._instant

    def resume(self, steps: Collection[tuple[datetime, datetime]]) -> None:
        """Resumes from stored steps, pairs of (corridor instant, real time) in any order."""
        self.learn(steps)
        self._instant = max([self._instant, *(instant for instant, _ in steps)])

    def learn(self, steps: Iterable[tuple[datetime, datetime]]) -> None:
        """Takes over the stored steps, by which `received_at` goes, without moving this clock.

        A step that a restored store has lost is forgotten here as well, or copies would disagree.
        """
        found = dict(steps)
        self._stood = sorted(found)
        when = (int(found[instant].timestamp() * 1000) for instant in self._stood)
        self._at = list(accumulate(when, max))


def machinery_now() -> datetime:
    """Real time in UTC."""
    return datetime.now(UTC)


def version_after(previous: int) -> int:
    """The next version after `previous`, in real microseconds, so that it also rises after a restore."""
    return max(previous + 1, time.time_ns() // 1000)


def is_ahead(version: int) -> bool:
    """Whether a version lies beyond our clock and its tolerated skew; nothing could replace it until then."""
    return version > version_after(0) + FUTURE_SKEW // timedelta(microseconds=1)
