"""Services one behind the other, without Kafka: what one store has put in its outbox is what the next one reads.

Only the carriage is stood in for; the bytes are those that the relay would send.
"""

from __future__ import annotations

import itertools
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import asyncpg
from aiokafka.structs import ConsumerRecord

from contracts import topics
from contracts.envelope.codec import Event
from services.chassis.base.settings import ServiceSettings
from services.chassis.outbox.outgoing import copies_of
from services.chassis.outbox.sender import headers_of
from services.chassis.service.runtime import Runtime
from services.customs.app import blueprint as customs_blueprint
from services.notifications import audiences
from services.notifications.app import blueprint as notifications_blueprint
from services.tracking.app import blueprint as tracking_blueprint
from tests.support.builders import a_record
from tests.support.stores import Store, empty, fresh_store

_TAKE_OUT = """
WITH gone AS (DELETE FROM outbox WHERE topic = $1 RETURNING *) SELECT * FROM gone ORDER BY id
"""
_TAKE_ALL_OUT = "WITH gone AS (DELETE FROM outbox RETURNING *) SELECT * FROM gone ORDER BY id"


async def taken_out(source: Store, topic: str) -> list[ConsumerRecord[bytes, bytes]]:
    """The records of a topic, taken out of a store's outbox in the order in which a relay would send them."""
    return _records(source, await source.pool.fetch(_TAKE_OUT, topic))


async def all_taken_out(source: Store) -> list[ConsumerRecord[bytes, bytes]]:
    """The records of all topics, taken out of a store's outbox."""
    return _records(source, await source.pool.fetch(_TAKE_ALL_OUT))


def _records(source: Store, rows: Sequence[asyncpg.Record]) -> list[ConsumerRecord[bytes, bytes]]:
    """The records of outbox rows, by topic; a row for several topics has one for each."""
    found: dict[str, list[ConsumerRecord[bytes, bytes]]] = {}
    for row in rows:
        headers = headers_of(row, f"urn:corridor:{source.blueprint.name}")
        for topic, body in copies_of(row):
            records = found.setdefault(topic, [])
            records.append(a_record(topic, len(records), headers, body, row["key"].encode()))
    return [record for topic in sorted(found) for record in found[topic]]


async def hand_over(source: Store, topic: str, *targets: Store) -> int:
    """Takes the records of a topic out of a store's outbox and lets other stores read them; returns how many."""
    records = await taken_out(source, topic)
    for target in targets:
        await read(target, records)
    return len(records)


async def read(target: Store, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
    """Lets a store read records of one topic, at the next offsets that it knows of."""
    if records:
        offsets = target._offsets.setdefault(records[0].topic, itertools.count())
        await target.take([replace(r, offset=next(offsets)) for r in records])


def runtime_of(store: Store) -> Runtime:
    """A runtime on a store, for what needs one: loops and the HTTP app. It is never started."""
    settings = ServiceSettings(
        kafka_bootstrap_servers="nowhere:1", database_url="postgresql://nowhere", http_port=0, copy_name="test"
    )
    runtime = Runtime(store.blueprint, settings)
    runtime.pool, runtime.clock, runtime.book = store.pool, store.clock, store.book
    return runtime


@dataclass(frozen=True, slots=True)
class Line:
    """The stores of the three services, each reading what those before it have published."""

    tracking: Store
    customs: Store
    notifications: Store
    runtime: Runtime

    async def feed_later(self, *events: Event) -> None:
        """The same, a minute after what was fed before."""
        for store in (self.tracking, self.customs, self.notifications):
            store.clock.step(store.clock.now() + timedelta(minutes=1))
        await self.feed(*events)

    async def feed(self, *events: Event) -> None:
        """Ingests reports where they belong, in the order given, and passes on what comes of them."""
        for store, group in itertools.groupby(events, key=self._reader):
            await store.feed(group)
        await self.pass_on()

    async def pass_on(self) -> None:
        """Folds and hands over until everything has arrived; feed items are sent."""
        await self.tracking.settle()
        await hand_over(self.tracking, topics.TRACKING_EVENTS.name, self.customs, self.notifications)
        await self.customs.settle()
        await hand_over(self.customs, topics.CUSTOMS_EVENTS.name, self.notifications)
        await audiences.refresh(self.runtime)
        await self.notifications.settle()
        await all_taken_out(self.notifications)

    async def step(self, instant: datetime) -> None:
        """Moves the corridor clock of all, and lets happen what is due then."""
        for store in (self.tracking, self.customs, self.notifications):
            store.clock.step(instant)
            await store.settler.enqueue_due()
        await self.pass_on()

    def _reader(self, event: Event) -> Store:
        own = [s for s in self.tracking.blueprint.streams if event.type in s.topic.events]
        return self.tracking if own else self.customs


async def cleared(store: Store) -> Store:
    """Another copy on a store with nothing in it but the parties."""
    await empty(store)
    return Store(store.blueprint, store.pool)


@asynccontextmanager
async def fresh_line(admin_url: str) -> AsyncIterator[Line]:
    """Stores of their own for one test module."""
    async with (
        fresh_store(admin_url, tracking_blueprint()) as tracking,
        fresh_store(admin_url, customs_blueprint()) as customs,
        fresh_store(admin_url, notifications_blueprint()) as notifications,
    ):
        yield Line(tracking, customs, notifications, runtime_of(notifications))


async def emptied(line: Line) -> Line:
    """The same databases with nothing in them, for the next test."""
    tracking, customs, notifications = [await cleared(s) for s in (line.tracking, line.customs, line.notifications)]
    return Line(tracking, customs, notifications, runtime_of(notifications))
