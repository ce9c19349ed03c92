"""What is still to be done, and for how long: read once, for operations, readiness and metrics.

Invariant: counts, positions and queues are those of one instant of the store. What readiness says of them was read
within the last seconds; a store that does not answer makes it unknown, never good. A queue that is never empty is no
trouble as long as it moves. No party can make a copy unready by what it sends: its own feed and its own share of the
queue only have to move.
"""

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

import asyncpg
from aiokafka import TopicPartition

from services.chassis.base import telemetry
from services.chassis.base.database import ACQUIRE_SECONDS, Pool
from services.chassis.base.mark import READS_BACK
from services.chassis.ingest.consumer import Ingest

EVERY_SECONDS: Final = 2.0
# What a service that is idle has none of; `pending` is its own kind.
_WORK: Final = ("unsettled", "outbox", "outbox_failed", "recall", "due", "pending")
# Fresher than this a reading is believed; older than this a queue or a lag is too old to be called ready.
_BELIEVED_SECONDS: Final = 15.0
_BEHIND_SECONDS: Final = 60.0
_COUNTS = f"""
SELECT sent.*, (SELECT count(*) FROM outbox_failed) AS outbox_failed, {READS_BACK}::int AS recall,
       (SELECT count(*) FROM picture WHERE due <= $1) AS due,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL) AS dead_letters,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL AND party IS NULL) AS misunderstood
FROM (SELECT count(*) AS outbox, min(id) AS first, max(id) AS last FROM outbox) AS sent
"""
# A rebuild waits behind the news, and may take its time.
_SHARES = """
SELECT party, count(*) AS unsettled, count(*) FILTER (WHERE attempts > 0) AS failing,
       min(id) FILTER (WHERE priority = 0) AS first, max(id) FILTER (WHERE priority = 0) AS last
FROM unsettled GROUP BY party
"""
_POSITIONS = "SELECT topic, partition, topic_id, next_offset FROM position ORDER BY 1, 2"

Queue = tuple[str, str]
"""A kind of queue, and whose it is or of what."""


class Span(NamedTuple):
    """What is in a queue: its first number, and that behind which it counts as having moved."""

    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Progress:
    """One reading of the store."""

    counts: Mapping[str, int]
    positions: Sequence[Mapping[str, Any]]
    queues: Mapping[Queue, Span]

    @property
    def to_do(self) -> dict[str, int]:
        """What is left to be done, of each kind; a service is idle when that is nothing, and all has been read."""
        return {kind: self.counts[kind] for kind in _WORK if self.counts[kind]}


async def read(pool: Pool, now: datetime, pending: str = "SELECT 0") -> Progress:
    """What is to be done at the corridor's present; `pending` is the service's own count."""
    async with (
        pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        found = await connection.fetchrow(_COUNTS, now)
        shares = await connection.fetch(_SHARES)
        own = await connection.fetchval(pending)
        positions = await connection.fetch(_POSITIONS)
    assert found is not None
    counts = {name: value for name, value in found.items() if name not in ("first", "last")}
    counts |= {name: sum(row[name] for row in shares) for name in ("unsettled", "failing")} | {"pending": own}
    return Progress(counts, [dict(row) for row in positions], dict(_queues(found, shares)))


def _queues(found: asyncpg.Record, shares: Sequence[asyncpg.Record]) -> Iterator[tuple[Queue, Span]]:
    if found["outbox"]:
        yield ("outbox", ""), Span(found["first"], found["last"])
    if found["recall"]:
        yield ("recall", ""), Span(1, 1)
    news = [row for row in shares if row["first"] is not None]
    if news:
        yield ("unsettled", ""), Span(min(row["first"] for row in news), max(row["last"] for row in news))
    for row in news:
        yield ("share", row["party"]), Span(row["first"], row["first"] if row["party"] else row["last"])


class Backlogs:
    """Since when what is first in each queue has waited, as seen from one look to the next (monotonic seconds)."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        # Since when, and the number behind which it has moved.
        self._waiting: dict[Queue, tuple[float, int]] = {}

    def look(self, queues: Mapping[Queue, Span], now: float) -> None:
        """What is in the queues now; one that is not among them is empty."""
        self._looked_at = now
        before, self._waiting = self._waiting, {}
        for queue, (first, last) in queues.items():
            since, until = before.get(queue, (now, last))
            # Numbers may also begin again, in a store that was put back.
            self._waiting[queue] = (now, last) if first > until or last < until else (since, until)

    def since(self, *kinds: str) -> float | None:
        """Since when the queues of these kinds have something in them that waits; None where they are empty."""
        return min((since for (kind, _), (since, _) in self._waiting.items() if kind in kinds), default=None)

    def move(self, now: float, *kinds: str) -> bool:
        """Whether the queues of these kinds move on within their limit, as seen lately."""
        since = self.since(*kinds)
        fresh = now - self._looked_at < _BELIEVED_SECONDS
        return fresh and (since is None or now - since < _BEHIND_SECONDS)


class Monitor:
    """Reads a service's progress now and then, into the metrics and for readiness."""

    def __init__(self, service: str, pending: str) -> None:
        self.backlogs = Backlogs()
        self.misunderstood = 0
        self._service = service
        self._pending = pending

    async def look(self, pool: Pool, present: datetime, ingests: Sequence[Ingest]) -> None:
        """One reading, at the corridor's present."""
        now = time.monotonic()
        progress = await read(pool, present, self._pending)
        queues = dict(progress.queues)
        for ingest in ingests:
            queues.update(_lags(ingest))
            telemetry.LAG.labels(self._service, ingest.stream.name).set(sum(e - f for _, f, e in _unread(ingest)))
        self.backlogs.look(queues, now)
        self.misunderstood = progress.counts["misunderstood"]
        for queue in (*_WORK, "failing"):
            telemetry.DEPTH.labels(self._service, queue).set(progress.counts[queue])
        telemetry.MISUNDERSTOOD.labels(self._service).set(self.misunderstood)
        busy_since = self.backlogs.since("unsettled", "outbox", "recall")
        telemetry.BUSY.labels(self._service).set(0.0 if busy_since is None else now - busy_since)


def _unread(ingest: Ingest) -> Iterator[tuple[TopicPartition, int, int]]:
    """What this copy has not stored of its partitions: from which offset on, to which end as last fetched."""
    if (positions := ingest.positions) is None:
        return
    for partition in positions.assigned:
        first, end = positions.next_offset(partition), positions.highwater(partition) or 0
        if first < end:
            yield partition, first, end


def _lags(ingest: Ingest) -> Iterator[tuple[Queue, Span]]:
    for partition, first, end in _unread(ingest):
        if not ingest.quarantine.holds_back(partition.topic):
            last = first if ingest.stream.is_answered else end - 1
            yield ("lag", f"{partition.topic}/{partition.partition}"), Span(first, last)
