"""A service's store without its broker: records go in as the client would hand them over, pictures come out.

Everything between is the real thing: ingest, settle, Postgres. Only the Kafka client is stood in for.
"""

from __future__ import annotations

import itertools
import json
import time
import uuid
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime
from types import SimpleNamespace
from typing import Any

import asyncpg
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from contracts.envelope.codec import Event
from deploy.provision import migrate_database, read_parties
from services.chassis.base import database
from services.chassis.base.clock import CorridorClock
from services.chassis.base.database import OwnConnection, Pool, open_pool
from services.chassis.base.parties import PartyBook, save_party
from services.chassis.ingest.consumer import Ingest
from services.chassis.ingest.positions import Positions
from services.chassis.projection.settle import drain
from services.chassis.queue import fold_queue
from services.chassis.service.blueprint import Blueprint
from services.chassis.service.loops import new_ingests, new_settle
from tests.support.builders import record_of

AS_OF = datetime(2026, 8, 1, tzinfo=UTC)
# For whoever sends as much as there is room for, on purpose.
_LIFT_BUDGETS = """
UPDATE party SET spec = jsonb_set(spec, '{budget}', '{"requests_a_minute": 1000000, "reports_a_minute": 10000000,
    "bytes_a_minute": 100000000000, "refused_a_minute": 10000000, "reports_a_day": 1000000000,
    "bytes_a_day": 1000000000000, "reports_about_one_a_day": 1000000000}')
"""
_DELIVERIES = """
SELECT d.*, i.entity, i.subject, i.fact, i.content::text AS content, i.late, i.traceparent, i.recorded_at
FROM delivery AS d JOIN item AS i ON i.item = d.item ORDER BY i.id, d.party, d.sequence
"""
_templates: dict[tuple[str, str], str] = {}


class StillConsumer:
    """Stands in for the Kafka client: takes what a rebalance listener tells it."""

    def __init__(self) -> None:
        self.position: dict[TopicPartition, int] = {}
        self.paused: set[TopicPartition] = set()

    def assignment(self) -> set[TopicPartition]:
        return set(self.position)

    def assign(self, partitions: Iterable[TopicPartition]) -> None:
        for partition in partitions:
            self.position.setdefault(partition, 0)

    def pause(self, *partitions: TopicPartition) -> None:
        self.paused.update(partitions)

    def resume(self, *partitions: TopicPartition) -> None:
        self.paused.difference_update(partitions)

    def highwater(self, partition: TopicPartition) -> int | None:
        return self.position.get(partition)

    def seek(self, partition: TopicPartition, offset: int) -> None:
        self.position[partition] = offset


class Store:
    """One copy's view of a service's store; with `at_once` it folds what it stores in the same transaction."""

    def __init__(self, blueprint: Blueprint, pool: Pool, topic_id: str = "t1", *, at_once: bool = False) -> None:
        self.blueprint = blueprint
        self.pool = pool
        self.clock = CorridorClock(stepped=True)
        self.clock.step(AS_OF)
        self.topic_id = topic_id
        self.book = PartyBook(max_age_seconds=0)
        self.settler = new_settle(blueprint, pool, self.clock)
        fold = self.settler.fold_or_queue if at_once else fold_queue.add
        ingests = new_ingests(blueprint, pool, self.clock, self.book, fold=fold)
        self.ingests = {one.stream.name: self._assigned(one) for one in ingests}
        self._offsets: dict[str, itertools.count[int]] = {}

    def _assigned(self, ingest: Ingest) -> Ingest:
        subscriber = SimpleNamespace(consumer=StillConsumer(), lock=None)
        ingest.positions = Positions(self.pool, subscriber, self._topic_ids, retry_seconds=0.05)
        return ingest

    async def _topic_ids(self, topics: Iterable[str]) -> dict[str, str]:
        return dict.fromkeys(topics, self.topic_id)

    def record(self, event: Event, topic: str | None = None) -> ConsumerRecord[bytes, bytes]:
        """The record of an event at the next offset of its sender's topic."""
        name = topic or self.topic_of(event)
        record = record_of(event, name, next(self._offsets.setdefault(name, itertools.count())))
        return replace(record, timestamp=time.time_ns() // 1_000_000)

    def topic_of(self, event: Event) -> str:
        stream = next(s for s in self.blueprint.streams if event.type in s.topic.events)
        party = event.source.split(":")[2] if "<" in stream.topic.name else ""
        return stream.topic.of(party)

    async def take(self, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
        """Ingests records in one transaction, as one batch of one stream."""
        ingest = next(i for i in self.ingests.values() if i.stream.reads(records[0].topic))
        await self.assign(ingest, {TopicPartition(r.topic, r.partition) for r in records})
        await ingest.take(records)

    async def assign(self, ingest: Ingest, partitions: set[TopicPartition]) -> None:
        """Lets the stand-in client hold partitions, as after a rebalance."""
        assert ingest.positions is not None
        fresh = partitions - ingest.positions.assigned
        if fresh:
            ingest.positions._subscriber.consumer.assign(fresh)
            await ingest.positions.on_partitions_assigned(fresh)

    async def feed(self, events: Iterable[Event], *, batch: int = 0) -> None:
        """Ingests events in batches (all of one topic at once by default) and folds after each."""
        for topic, group in itertools.groupby(events, key=self.topic_of):
            records = [self.record(event, topic) for event in group]
            for start in range(0, len(records), batch or len(records)):
                await self.take(records[start : start + (batch or len(records))])
        await self.settle()

    async def settle(self) -> None:
        """Folds until nothing is left."""
        await drain(self.settler)

    async def pictures(self) -> dict[str, Any]:
        """The canonical pictures by subject."""
        rows = await self.pool.fetch("SELECT subject, content::text AS content FROM picture WHERE content IS NOT NULL")
        return {row["subject"]: json.loads(row["content"]) for row in rows}

    async def deliveries(self) -> list[dict[str, Any]]:
        """What is in the feeds of parties: the deliveries with their items, in the order in which these were made."""
        return [dict(row) for row in await self.pool.fetch(_DELIVERIES)]

    async def rows(self, table: str) -> list[dict[str, Any]]:
        """All rows of a table, as they are; in the order in which they were made, where the table knows it."""
        rows = [dict(row) for row in await self.pool.fetch(f"SELECT * FROM {table}")]
        return sorted(rows, key=lambda row: row["id"]) if rows and "id" in rows[0] else rows


@asynccontextmanager
async def fresh_store(admin_url: str, blueprint: Blueprint) -> AsyncIterator[Store]:
    """A store of its own for one test, cloned from a template that is migrated once."""
    async with fresh_database(admin_url, blueprint.name) as url:
        pool = await open_pool(url, "test")
        try:
            yield Store(blueprint, pool)
        finally:
            pool.terminate()


@asynccontextmanager
async def fresh_database(admin_url: str, service: str) -> AsyncIterator[str]:
    """The address of a migrated database with the parties in it, dropped afterwards."""
    async with empty_database(admin_url, await _template(admin_url, service)) as url:
        yield url


@asynccontextmanager
async def empty_database(admin_url: str, template: str = "template1") -> AsyncIterator[str]:
    """The address of a database that has what its template has, dropped afterwards."""
    name = f"test_{uuid.uuid4().hex[:16]}"
    await _admin(admin_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield _renamed(admin_url, name)
    finally:
        await _admin(admin_url, f'DROP DATABASE IF EXISTS "{name}" WITH (FORCE)')


async def connected_as_service(url: str) -> OwnConnection:
    """A connection with the settings of a service, which keeps every plan from its first use."""
    settings = database._SERVER_SETTINGS | {"plan_cache_mode": "force_generic_plan"}
    return await asyncpg.connect(url, server_settings=settings)


async def empty(store: Store) -> None:
    """Takes everything out of a store but the parties; a few rows are sooner deleted than truncated."""
    rows = await store.pool.fetch(
        "SELECT format('DELETE FROM %I', tablename) AS statement FROM pg_tables WHERE schemaname = 'public' "
        "AND tablename NOT IN ('party', 'token', 'schema_migrations', 'store_mark')"
    )
    await store.pool.execute("; ".join(row["statement"] for row in rows))


async def lift_budgets(urls: Iterable[str]) -> None:
    """Lets every party of these stores send and ask as often as it can; copies know of it within seconds."""
    for url in urls:
        await _admin(url, _LIFT_BUDGETS)


def reopened(store: Store) -> Store:
    """Another copy on the same store."""
    return Store(store.blueprint, store.pool, store.topic_id)


async def _template(admin_url: str, service: str) -> str:
    known = _templates.get((admin_url, service))
    if known:
        return known
    name = f"template_{service}_{uuid.uuid4().hex[:8]}"
    await _admin(admin_url, f'CREATE DATABASE "{name}"')
    url = _renamed(admin_url, name)
    await migrate_database(url, service)
    connection = await asyncpg.connect(url)
    for party in read_parties():
        await save_party(connection, party)
    await connection.close()
    _templates[admin_url, service] = name
    return name


async def _admin(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


def _renamed(url: str, database: str) -> str:
    head, _, _ = url.rpartition("/")
    return f"{head}/{database}"


def without(picture: Mapping[str, Any], *names: str) -> dict[str, Any]:
    """A picture without some of its fields."""
    return {name: value for name, value in picture.items() if name not in names}
