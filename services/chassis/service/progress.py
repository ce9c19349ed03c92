"""The work that is left and how long it has waited, read once for operations, readiness and metrics.

Invariant: counts, positions and queues are of one snapshot of the store. Readiness uses a reading of the last seconds;
without one it is false. A queue that is never empty is fine as long as it moves. No party can make a copy unready by
its reports: its own topic and its own share of the queue only have to move.
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
from services.chassis.base.restore_detection import READS_BACK
from services.chassis.ingest.consumer import Ingest

EVERY_SECONDS: Final = 2.0
# The kinds of work of which an idle service has none.
_WORK: Final = ("fold_queue", "outbox", "outbox_failed", "recovery", "due")
# The age up to which a reading is believed, and the waiting time from which a queue or lag makes a copy unready.
_BELIEVED_SECONDS: Final = 15.0
_BEHIND_SECONDS: Final = 60.0
_COUNTS = f"""
SELECT sent.*, (SELECT count(*) FROM outbox_failed) AS outbox_failed, {READS_BACK}::int AS recovery,
       (SELECT count(*) FROM picture WHERE due <= $1) AS due,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL) AS dead_letters,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL AND party IS NULL) AS misunderstood
FROM (SELECT count(*) AS outbox, min(id) AS first, max(id) AS last FROM outbox) AS sent
"""
# Only news counts as waiting: a rebuild may take its time.
_SHARES = """
SELECT party, count(*) AS fold_queue, count(*) FILTER (WHERE attempts > 0) AS failing,
       min(id) FILTER (WHERE priority = 0) AS first, max(id) FILTER (WHERE priority = 0) AS last
FROM fold_queue GROUP BY party
"""
_POSITIONS = "SELECT topic, partition, topic_id, next_offset FROM position ORDER BY 1, 2"

Queue = tuple[str, str]
"""A kind of queue, and its party or partition ("" for none)."""


class Span(NamedTuple):
    """The first number in a queue, and the last number that must leave it for the queue to count as moving."""

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
        """The number of rows of each kind of work, without zeros; an idle service has none."""
        return {kind: self.counts[kind] for kind in _WORK if self.counts[kind]}


async def read(pool: Pool, now: datetime) -> Progress:
    """Reads the progress at the corridor's present; raises as asyncpg does."""
    async with (
        pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        found = await connection.fetchrow(_COUNTS, now)
        shares = await connection.fetch(_SHARES)
        positions = await connection.fetch(_POSITIONS)
    assert found is not None
    counts = {name: value for name, value in found.items() if name not in ("first", "last")}
    counts |= {name: sum(row[name] for row in shares) for name in ("fold_queue", "failing")}
    return Progress(counts, [dict(row) for row in positions], dict(_queues(found, shares)))


def _queues(found: asyncpg.Record, shares: Sequence[asyncpg.Record]) -> Iterator[tuple[Queue, Span]]:
    if found["outbox"]:
        yield ("outbox", ""), Span(found["first"], found["last"])
    if found["recovery"]:
        yield ("recovery", ""), Span(1, 1)
    news = [row for row in shares if row["first"] is not None]
    if news:
        yield ("fold_queue", ""), Span(min(row["first"] for row in news), max(row["last"] for row in news))
    for row in news:
        yield ("share", row["party"]), Span(row["first"], row["first"] if row["party"] else row["last"])


class Backlogs:
    """Since when the first entry of each queue has waited, in monotonic seconds, as observed by repeated looks."""

    def __init__(self) -> None:
        self._looked_at = float("-inf")
        # Since when a queue waits, and the number that must leave it before it counts as moved.
        self._waiting: dict[Queue, tuple[float, int]] = {}

    def look(self, queues: Mapping[Queue, Span], now: float) -> None:
        """Notes the queues as they are now; a missing one is empty."""
        self._looked_at = now
        before, self._waiting = self._waiting, {}
        for queue, (first, last) in queues.items():
            since, until = before.get(queue, (now, last))
            # In a restored store the numbers may begin again.
            self._waiting[queue] = (now, last) if first > until or last < until else (since, until)

    def since(self, *kinds: str) -> float | None:
        """Since when the longest-waiting queue of these kinds waits; None if all are empty."""
        return min((since for (kind, _), (since, _) in self._waiting.items() if kind in kinds), default=None)

    def move(self, now: float, *kinds: str) -> bool:
        """Whether a recent look found that all queues of these kinds move within their limit."""
        since = self.since(*kinds)
        fresh = now - self._looked_at < _BELIEVED_SECONDS
        return fresh and (since is None or now - since < _BEHIND_SECONDS)


class Monitor:
    """Feeds a service's progress into the metrics and the readiness."""

    def __init__(self, service: str) -> None:
        self.backlogs = Backlogs()
        self.misunderstood = 0
        self._service = service

    async def look(self, pool: Pool, present: datetime, ingests: Sequence[Ingest]) -> None:
        """One reading, at the corridor's present."""
        now = time.monotonic()
        progress = await read(pool, present)
        queues = dict(progress.queues)
        for ingest in ingests:
            queues.update(_lags(ingest))
            telemetry.LAG.labels(self._service, ingest.stream.name).set(sum(e - f for _, f, e in _unread(ingest)))
        self.backlogs.look(queues, now)
        self.misunderstood = progress.counts["misunderstood"]
        for queue in (*_WORK, "failing"):
            telemetry.DEPTH.labels(self._service, queue).set(progress.counts[queue])
        telemetry.MISUNDERSTOOD.labels(self._service).set(self.misunderstood)
        busy_since = self.backlogs.since("fold_queue", "outbox", "recovery")
        telemetry.BUSY.labels(self._service).set(0.0 if busy_since is None else now - busy_since)


def _unread(ingest: Ingest) -> Iterator[tuple[TopicPartition, int, int]]:
    """The unread ranges of this copy's partitions: partition, next offset, end offset as of the last fetch."""
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
