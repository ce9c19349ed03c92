"""Watches the service's own progress: queues, lag, and how long what is first in them has waited.

Invariant: what readiness says of lag and queues was read within the last seconds; a store that does not answer
makes it unknown, never good. A queue that is never empty is no trouble as long as it moves. No party can make a copy
unready by what it sends: its own feed and its own share of the queue only have to move.
"""

import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from aiokafka import TopicPartition

from services.chassis.base import telemetry
from services.chassis.base.clock import CorridorClock
from services.chassis.base.database import Pool
from services.chassis.base.mark import READS_BACK
from services.chassis.base.pace import repeat
from services.chassis.ingest.consumer import Ingest
from services.chassis.service.state import read_state

EVERY_SECONDS = 2.0
# Fresher than this a reading is believed; older than this a queue or a lag is too old to be called ready.
_BELIEVED_SECONDS = 15.0
_BEHIND_SECONDS = 60.0
# A rebuild waits behind the news, and may take its time.
_SHARES = "SELECT party, min(id) AS first, max(id) AS last FROM unsettled WHERE priority = 0 GROUP BY party"
_QUEUES = f"""
SELECT (SELECT min(id) FROM outbox) AS outbox_first, (SELECT max(id) FROM outbox) AS outbox_last,
       (SELECT 1 WHERE {READS_BACK}) AS recall_first, 1 AS recall_last
"""


@dataclass(slots=True)
class Backlog:
    """A queue of rising numbers; `since` is when all that was in it then had not been worked off yet (monotonic)."""

    since: float | None = None
    _until: int = 0

    def look(self, first: int | None, last: int, now: float) -> None:
        """What is in the queue now, from its first number to its last; None for an empty one."""
        if first is None:
            self.since = None
        elif self.since is None or first > self._until or last < self._until:
            # Numbers may also begin again, in a store that was put back.
            self.since, self._until = now, last


@dataclass(slots=True)
class Progress:
    """The last reading: since when what was first had to wait, and when it was read (monotonic seconds)."""

    read_at: float = float("-inf")
    busy_since: float | None = None
    lagging_since: float | None = None
    misunderstood: int = 0

    def settles(self, now: float) -> bool:
        """Whether the queues move on within their limit."""
        return self._fresh(now) and (self.busy_since is None or now - self.busy_since < _BEHIND_SECONDS)

    def keeps_up(self, now: float) -> bool:
        """Whether what is in Kafka is read within its limit."""
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
        self._queues: dict[str, Backlog] = {name: Backlog() for name in ("unsettled", "outbox", "recall")}
        self._shares: dict[str, Backlog] = {}
        self._lags: dict[TopicPartition, Backlog] = {}

    async def run(self) -> None:
        """Reads until cancelled."""
        await repeat(self.read, EVERY_SECONDS, "progress cannot be read")

    async def read(self) -> None:
        """One reading, into `progress` and the metrics."""
        now, progress = time.monotonic(), self.progress
        state = await read_state(self._pool, self._clock.now(), self._pending)
        lags = {ingest.stream.name: lag_of(ingest) for ingest in self._ingests}
        await self._look_at_queues(now)
        await self._look_at_shares(now)
        self._look_at_lags(now)
        progress.read_at = now
        progress.misunderstood = state["misunderstood"]
        progress.busy_since = _earliest([self._queues["outbox"], self._queues["recall"], *self._shares.values()])
        progress.lagging_since = _earliest(self._lags.values())
        busy_since = _earliest(self._queues.values())
        _tell(self._service, state, lags, 0.0 if busy_since is None else now - busy_since)

    async def _look_at_queues(self, now: float) -> None:
        row = await self._pool.fetchrow(_QUEUES)
        assert row is not None
        for name in ("outbox", "recall"):
            self._queues[name].look(row[f"{name}_first"], row[f"{name}_last"] or 0, now)

    async def _look_at_shares(self, now: float) -> None:
        rows = await self._pool.fetch(_SHARES)
        first, last = (r["first"] for r in rows), (r["last"] for r in rows)
        self._queues["unsettled"].look(min(first, default=None), max(last, default=0), now)
        self._shares = {row["party"]: self._shares.get(row["party"], Backlog()) for row in rows}
        for row in rows:
            until = row["first"] if row["party"] else row["last"]
            self._shares[row["party"]].look(row["first"], until, now)

    def _look_at_lags(self, now: float) -> None:
        read = {
            partition: ingest
            for ingest in self._ingests
            if ingest.positions is not None
            for partition in ingest.positions.assigned
            if not ingest.quarantine.holds_back(partition.topic)
        }
        self._lags = {partition: self._lags.get(partition, Backlog()) for partition in read}
        for partition, backlog in self._lags.items():
            ingest = read[partition]
            assert ingest.positions is not None
            first, end = ingest.positions.next_offset(partition), ingest.positions.highwater(partition) or 0
            last = first if ingest.stream.is_answered else end - 1
            backlog.look(first if first < end else None, last, now)


def lag_of(ingest: Ingest) -> int:
    """Records between the stored positions of this copy and the ends of its partitions, as last fetched."""
    positions = ingest.positions
    if positions is None:
        return 0
    return sum(max(0, (positions.highwater(p) or 0) - positions.next_offset(p)) for p in positions.assigned)


def _earliest(backlogs: Iterable[Backlog]) -> float | None:
    return min((b.since for b in backlogs if b.since is not None), default=None)


def _tell(name: str, state: Mapping[str, Any], lags: Mapping[str, int], busy_seconds: float) -> None:
    for queue in ("unsettled", "failing", "outbox", "outbox_failed", "recall", "pending"):
        telemetry.DEPTH.labels(name, queue).set(state[queue])
    telemetry.MISUNDERSTOOD.labels(name).set(state["misunderstood"])
    for stream, lag in lags.items():
        telemetry.LAG.labels(name, stream).set(lag)
    telemetry.BUSY.labels(name).set(busy_seconds)
