"""Watches the service's own progress: queues, lag, and how long they have not been empty.

Invariant: what readiness says of lag and queues was read within the last seconds; a store that does not answer
makes it unknown, never good.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from services.chassis import telemetry
from services.chassis.clock import CorridorClock
from services.chassis.database import Pool
from services.chassis.ingest import Ingest
from services.chassis.pace import repeat
from services.chassis.state import read_state

EVERY_SECONDS = 2.0
# Fresher than this a reading is believed; older than this a queue or a lag is too old to be called ready.
_BELIEVED_SECONDS = 15.0
_BEHIND_SECONDS = 60.0
_BUSY = ("unsettled", "outbox", "recall")


@dataclass(slots=True)
class Progress:
    """The last reading: since when something was left to do, and when it was read (monotonic seconds)."""

    read_at: float = float("-inf")
    busy_since: float | None = None
    lagging_since: float | None = None

    def settles(self, now: float) -> bool:
        """Whether the queues move within their limit."""
        return self._fresh(now) and (self.busy_since is None or now - self.busy_since < _BEHIND_SECONDS)

    def keeps_up(self, now: float) -> bool:
        """Whether the lag goes within its limit."""
        return self._fresh(now) and (self.lagging_since is None or now - self.lagging_since < _BEHIND_SECONDS)

    def _fresh(self, now: float) -> bool:
        return now - self.read_at < _BELIEVED_SECONDS


class Monitor:
    """Reads a service's progress every few seconds."""

    def __init__(self, service: str, pending: str, pool: Pool, clock: CorridorClock, ingests: Sequence[Ingest]) -> None:
        self.progress = Progress()
        self._service = service
        self._pending = pending
        self._pool = pool
        self._clock = clock
        self._ingests = ingests

    async def run(self) -> None:
        """Reads until cancelled."""
        await repeat(self.read, EVERY_SECONDS, "progress cannot be read")

    async def read(self) -> None:
        """One reading, into `progress` and the metrics."""
        now, progress = time.monotonic(), self.progress
        state = await read_state(self._pool, self._clock.now(), self._pending)
        lags = {ingest.stream.name: lag_of(ingest) for ingest in self._ingests}
        progress.read_at = now
        progress.busy_since = _since(progress.busy_since, any(state[q] for q in _BUSY), now)
        progress.lagging_since = _since(progress.lagging_since, any(lags.values()), now)
        _tell(self._service, state, lags, 0.0 if progress.busy_since is None else now - progress.busy_since)


def lag_of(ingest: Ingest) -> int:
    """Records between the stored positions of this copy and the ends of its partitions, as last fetched."""
    positions = ingest.positions
    if positions is None:
        return 0
    return sum(max(0, (positions.highwater(p) or 0) - positions.next_offset(p)) for p in positions.assigned)


def _since(since: float | None, is_so: bool, now: float) -> float | None:
    if not is_so:
        return None
    return now if since is None else since


def _tell(name: str, state: Mapping[str, Any], lags: Mapping[str, int], busy_seconds: float) -> None:
    for queue in ("unsettled", "failing", "outbox", "outbox_failed", "recall", "pending"):
        telemetry.DEPTH.labels(name, queue).set(state[queue])
    for stream, lag in lags.items():
        telemetry.LAG.labels(name, stream).set(lag)
    telemetry.BUSY.labels(name).set(busy_seconds)
