"""The limits on records in quarantine, on which our own code fails, and their stand-ins.

Invariant: a topic whose records keep failing is paused, never drained into the dead letters; several failing topics
stop the stream. Both resume by themselves after the dead letters have been replayed or discarded, since the count is
read from the store.
"""

from datetime import datetime

import structlog

from services.chassis.base import telemetry
from services.chassis.base.database import Connection, Pool
from services.chassis.base.parties import Party
from services.chassis.ingest import facts
from services.chassis.ingest.records import Accepted, Record
from services.chassis.ingest.stream import ReportStream, Stream
from services.chassis.queue import fold_queue

log = structlog.get_logger(__name__)

_COUNT = """
SELECT topic, count(*) AS number FROM dead_letter WHERE reason = 'quarantined' AND resolution IS NULL GROUP BY topic
"""


class Quarantine:
    """Counts the records of one stream in quarantine; `limit` records of one topic pause that topic."""

    def __init__(self, service: str, stream: Stream, pool: Pool, limit: int) -> None:
        self._service = service
        self._stream = stream
        self._pool = pool
        self._limit = limit
        self.waiting: dict[str, int] = {}
        self._told: set[str] = set()

    @property
    def stopped(self) -> bool:
        """Whether several topics fail, which means that the fault is ours."""
        return len(self.waiting) > 1 and sum(self.waiting.values()) >= 2 * self._limit

    @property
    def paused(self) -> list[str]:
        """The paused topics."""
        return sorted(filter(self.holds_back, self.waiting))

    def holds_back(self, topic: str) -> bool:
        """Whether a topic must not be read for now."""
        return self.stopped or self.waiting.get(topic, 0) >= self._limit

    async def refresh(self) -> None:
        """Counts anew, and logs each topic that is newly paused or resumed; raises what asyncpg raises."""
        rows = await self._pool.fetch(_COUNT)
        self.waiting = {row["topic"]: row["number"] for row in rows if self._stream.reads(row["topic"])}
        held = {"*"} if self.stopped else set(self.paused)
        for topic in sorted(held - self._told):
            log.critical("a feed is paused: we fail on its records", topic=topic, waiting=dict(self.waiting))
        for topic in sorted(self._told - held):
            log.warning("a feed goes on", topic=topic)
        self._told = held
        telemetry.PAUSED.labels(self._service, self._stream.name).set(len(held))


async def begin_stand_in(
    connection: Connection, stream: Stream, record: Record, party: Party | None, now: datetime
) -> None:
    """Stores the stand-in: the event that the service states for as long as the record is in quarantine."""
    await _state(connection, stream, record, party, now, placed=True)


async def end_stand_in(
    connection: Connection, stream: Stream, record: Record, party: Party | None, now: datetime
) -> None:
    """Stores the event that ends the stand-in of a record that has left quarantine."""
    await _state(connection, stream, record, party, now, placed=False)


async def _state(
    connection: Connection, stream: Stream, record: Record, party: Party | None, now: datetime, *, placed: bool
) -> None:
    stand_in = stream.stand_in if isinstance(stream, ReportStream) else None
    found = stand_in(record, party, now, placed) if stand_in else None
    if found is None:
        return
    standing, event = found
    service = event.source.rpartition(":")[2]
    stated = Accepted(record, service, standing, event, tuple(stream.links_of(event)), now)
    kept = await facts.insert_events(connection, [stated], now)
    await fold_queue.add(connection, kept.named)
