"""The two clocks: the corridor's (what the picture knows) and the machinery's (timeouts, leases, versions).

Invariant: every instant that reaches a picture comes from `CorridorClock.now`; SQL never calls `now()` for it.
Stepped, the corridor clock stands still until the operations door moves it; it never goes back.
"""

import time
from datetime import UTC, datetime, timedelta

from contracts.events.base import FUTURE_SKEW


class CorridorClock:
    """The instant at which the corridor is looked at."""

    def __init__(self, *, stepped: bool = False) -> None:
        self.stepped = stepped
        self._instant = datetime(1990, 1, 1, tzinfo=UTC)

    def now(self) -> datetime:
        """The corridor's present, in UTC."""
        return self._instant if self.stepped else machinery_now()

    def received_at(self, appended_ms: int) -> datetime:
        """When a record was received: the broker's append instant, or the corridor's present where it is stepped.

        `appended_ms` is the record's log-append time in milliseconds since 1970.
        """
        return self._instant if self.stepped else datetime.fromtimestamp(appended_ms / 1000, UTC)

    def step(self, instant: datetime) -> datetime:
        """Moves a stepped clock forward to `instant`; returns where it stands. Raises `ValueError` if not stepped."""
        if not self.stepped:
            raise ValueError("the clock is not stepped")
        self._instant = max(self._instant, instant.astimezone(UTC))
        return self._instant


def machinery_now() -> datetime:
    """Real time in UTC."""
    return datetime.now(UTC)


def version_after(previous: int) -> int:
    """The next version: rises past `previous`, and across a store put back, since it follows real microseconds."""
    return max(previous + 1, time.time_ns() // 1000)


def is_ahead(version: int) -> bool:
    """Whether a version is of an instant that our clock, with its skew, has not come to: none would ever replace it."""
    return version > version_after(0) + FUTURE_SKEW // timedelta(microseconds=1)
