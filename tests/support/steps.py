"""The steps of the delivery path one at a time, with a crash wherever one may happen.

Everything is the real code on real stores; Kafka is a list of records for each topic, which outlives every crash.
"""

from __future__ import annotations

import asyncio
import itertools
from collections.abc import AsyncIterator, Iterable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from types import SimpleNamespace
from typing import Any, Literal, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from contracts.envelope.codec import Event
from services.chassis.base import database
from services.chassis.base.database import Connection, Pool, transaction
from services.chassis.base.errors import Fenced
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.ingest import consumer, positions
from services.chassis.ingest.stream import stream_of
from services.chassis.outbox.outgoing import SHARDS
from services.chassis.outbox.relay import Relay
from services.chassis.outbox.sender import Sender
from services.chassis.projection import settle
from services.chassis.recovery.published_state import events_of
from tests.support import builders as b
from tests.support.stores import Store

Crash = Literal["none", "before commit", "after commit"]

_TABLES = """
SELECT tablename FROM pg_tables
WHERE schemaname = 'public' AND tablename NOT IN ('party', 'token', 'schema_migrations') ORDER BY 1
"""


MOVED = """
CREATE TEMP TABLE moved AS TABLE store_mark; TRUNCATE store_mark;
INSERT INTO store_mark SELECT * FROM moved; DROP TABLE moved
"""
"""Has a store be in other files, as a dump that was restored."""


async def meet_another_server(mark: RestoreDetector) -> None:
    """Has a copy be led to another server by a new connection, as after a failover."""

    async def fetchval(_: str) -> str:
        return "another server"

    await mark.meet(cast(Any, SimpleNamespace(fetchval=fetchval)))


class Dies(BaseException):
    """The process dies here."""


class Log:
    """Kafka: one partition for each topic."""

    def __init__(self) -> None:
        self.topics: dict[str, list[ConsumerRecord[bytes, bytes]]] = {}

    def append(self, topic: str, headers: Sequence[tuple[str, Any]], value: bytes, key: bytes) -> None:
        records = self.topics.setdefault(topic, [])
        records.append(b.a_record(topic, len(records), headers, value, key))

    def report(self, store: Store, event: Event) -> None:
        """A sender's own record."""
        topic = store.topic_of(event)
        record = b.record_of(event, topic, 0)
        self.append(topic, record.headers, record.value or b"", record.key or b"")


class Producer:
    """Acknowledges into the log; dies after some sends when told so."""

    def __init__(self, log: Log, dies_after: int | None) -> None:
        self._log = log
        self._left = dies_after
        self.client = SimpleNamespace(fetch_all_metadata=self._metadata)

    async def _metadata(self) -> Any:
        return SimpleNamespace(topics=lambda: _Every())

    async def send(self, topic: str, value: bytes, key: bytes, headers: Any) -> asyncio.Future[None]:
        if self._left == 0:
            raise Dies
        self._left = None if self._left is None else self._left - 1
        self._log.append(topic, headers, value, key)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


class _Every(frozenset[str]):
    """A set of topics that has them all."""

    def __contains__(self, _: object) -> bool:
        return True


class Crashes:
    """Makes the next transaction of a loop end in a crash, before its commit or after."""

    def __init__(self) -> None:
        self.next: Crash = "none"

    @contextmanager
    def installed(self) -> Iterator[None]:
        with pytest.MonkeyPatch.context() as patch:
            for module in (consumer, settle, database):
                patch.setattr(module, "transaction", self._transaction)
            yield

    @asynccontextmanager
    async def _transaction(self, pool: Pool) -> AsyncIterator[Connection]:
        planned, self.next = self.next, "none"
        async with transaction(pool) as connection:
            yield connection
            if planned == "before commit":
                raise Dies
        if planned == "after commit":
            raise Dies


class Copy:
    """One process of a service, until it dies; its memory of positions goes with it."""

    def __init__(self, store: Store, log: Log, *, at_once: bool = False) -> None:
        self._origin = store
        self._log = log
        self._at_once = at_once
        self.die()

    def die(self) -> None:
        self._store = Store(self._origin.blueprint, self._origin.pool, at_once=self._at_once)

    async def read(self, topic: str, most: int) -> int:
        """Reads on where the client stands, as after a fetch; returns how many records were taken."""
        one = next(i for i in self._store.ingests.values() if i.stream.reads(topic))
        place = TopicPartition(topic, 0)
        await self._store.assign(one, {place})
        assert one.positions is not None
        consumer = one.positions._subscriber.consumer
        start = consumer.position[place]
        batch = self._log.topics.get(topic, [])[start : start + most]
        consumer.position[place] = start + len(batch)
        try:
            if unread := one._unread(batch):
                await one.take(unread)
        except Fenced:
            await one.positions.seek([place])
        return len(batch)

    def reads(self, topic: str) -> bool:
        return stream_of(self._store.blueprint.streams, topic) is not None

    async def recheck(self) -> None:
        for one in self._store.ingests.values():
            assert one.positions is not None
            await one.positions.recheck()

    async def settle(self) -> int:
        return await self._store.settler.round()

    async def recover(self) -> int:
        """Reads back what the store has told and no longer knows; done when ingest has come to where its topics end.

        Returns whether it was done.
        """
        told = itertools.chain(*self._log.topics.values())
        if not await taken_up(self._store, told):
            return 0
        ends = {
            TopicPartition(name, 0): (0, len(found)) for name, found in self._log.topics.items() if self.reads(name)
        }
        if await positions.behind(self._store.pool, ends, lambda _: False):
            return 0
        async with database.transaction(self._store.pool) as connection:
            await connection.execute("DELETE FROM recovery_task")
        return 1

    async def relay(self, dies_after: int | None) -> int:
        """Sends a page, or a part of it."""
        service, pool = self._store.blueprint.name, self._store.pool
        relay = Relay(service, "", pool, cast(Any, None), self._store.settler.folding.mark)
        relay.held = set(range(SHARDS))
        return await relay.send_page(Sender(service, cast(Any, Producer(self._log, dies_after))))


async def read_back(store: Store, told: Iterable[ConsumerRecord[bytes, bytes]]) -> None:
    """Has a store that was put back take up what was told, and go on without waiting for ingest."""
    await taken_up(store, told)
    await store.pool.execute("DELETE FROM recovery_task")


async def taken_up(store: Store, told: Iterable[ConsumerRecord[bytes, bytes]]) -> bool:
    """Has a store take up what was told, where it was put back; whether it was."""
    published, service = store.blueprint.published, store.blueprint.name
    events = events_of([r for r in told if any(t.holds(r.topic) for t in published.topics)], service, published)
    async with database.transaction(store.pool) as connection:
        noted = await connection.fetchrow("SELECT FROM recovery_task") is not None
        if noted:
            await published.restore(connection, events)
    return noted


async def save(pool: Pool) -> None:
    """Takes a copy of everything in a store, beside it."""
    tables = [row["tablename"] for row in await pool.fetch(_TABLES)]
    copies = "; ".join(f"CREATE TABLE saved.{t} AS TABLE public.{t}" for t in tables)
    await pool.execute(f"DROP SCHEMA IF EXISTS saved CASCADE; CREATE SCHEMA saved; {copies}")


async def put_back(pool: Pool) -> None:
    """Puts the last copy back, under whoever is at work, and who finds an older mark notes it."""
    tables = [row["tablename"] for row in await pool.fetch(_TABLES)]
    rows = [f"DELETE FROM {t}; INSERT INTO {t} OVERRIDING SYSTEM VALUE SELECT * FROM saved.{t}" for t in tables]
    async with transaction(pool) as connection:
        await connection.execute("; ".join(rows))
    await RestoreDetector().check(pool, 0)


async def go_back(store: Store) -> None:
    """Puts the last copy back under one that notices, and reads on from there."""
    await put_back(store.pool)
    for one in store.ingests.values():
        assert one.positions is not None
        await one.positions.seek(one.positions.assigned)
