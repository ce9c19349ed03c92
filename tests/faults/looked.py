"""What a run has left in Postgres and Kafka, read once and whole, so that the checks are plain functions of it.

Invariant: nothing here is taken from a service; tables and topics are read as anybody with access could.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Final

import asyncpg
from confluent_kafka import OFFSET_BEGINNING, Consumer, KafkaError, KafkaException, TopicPartition

from contracts import topics
from services.chassis.base.access import KafkaAccess
from tests.faults.evidence import Evidence

Row = Mapping[str, Any]

READ: Final = {
    "event": "SELECT * FROM event",
    "dead_letter": 'SELECT topic, partition, "offset", reason FROM dead_letter',
    "receipt": "SELECT * FROM receipt ORDER BY id",
    "picture": "SELECT subject, content::text AS content, memory::text AS memory, published::text AS published "
    "FROM picture",
    "fold_queue": "SELECT subject, cause FROM fold_queue",
    "outbox": "SELECT topic, key, ce_id FROM outbox",
    "outbox_failed": "SELECT topic, key, ce_id, failure FROM outbox_failed",
}
ITEMS: Final = """
SELECT d.*, i.entity, i.subject, i.fact, i.content::text AS text, i.late, i.recorded_at
FROM delivery AS d JOIN item AS i ON i.item = d.item ORDER BY d.sequence
"""
_QUIET_SECONDS: Final = 30.0


@dataclass(frozen=True, slots=True)
class Taken:
    """A record as it stands in Kafka."""

    topic: str
    partition: int
    offset: int
    key: bytes | None
    headers: tuple[tuple[str, bytes], ...]
    value: bytes | None


@dataclass(slots=True)
class Found:
    """The rows of each store by table, and the records of each topic in order of partition and offset."""

    stores: dict[str, dict[str, list[Row]]] = field(default_factory=dict)
    records: dict[str, list[Taken]] = field(default_factory=dict)

    def rows(self, service: str, table: str) -> Sequence[Row]:
        return self.stores.get(service, {}).get(table, ())

    def of(self, row: topics.Topic) -> dict[str, list[Taken]]:
        """The records of all topics of a row of the topic table, by the name of its variable part."""
        return {
            topics.party_of(name, row) or "": records for name, records in self.records.items() if row_of(name) == row
        }


async def look(evidence: Evidence) -> Found:
    """Reads every store and every topic."""
    names = sorted(evidence.database_urls)
    stores = await asyncio.gather(*(_store(name, evidence.database_urls[name]) for name in names))
    return Found(dict(zip(names, stores, strict=True)), await asyncio.to_thread(_topics, evidence.access))


def row_of(topic: str) -> topics.Topic | None:
    """The row of the topic table that a topic belongs to."""
    return next((row for row in topics.TABLE if topics.party_of(topic, row) is not None or row.name == topic), None)


async def _store(service: str, url: str) -> dict[str, list[Row]]:
    connection = await asyncpg.connect(url, timeout=30)
    try:
        queries = READ | ({"item": ITEMS} if service == "notifications" else {})
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            return {table: [dict(row) for row in await connection.fetch(query)] for table, query in queries.items()}
    finally:
        await connection.close()


def _topics(access: KafkaAccess) -> dict[str, list[Taken]]:
    """All records of all topics of the table, from the first to the last that there is now."""
    consumer = Consumer(
        {
            **access.config(),
            "group.id": "checks",
            "enable.auto.commit": False,
            "enable.partition.eof": True,
        }
    )
    try:
        known = consumer.list_topics(timeout=_QUIET_SECONDS).topics
        names = sorted(name for name in known if row_of(name))
        places = [TopicPartition(name, number, OFFSET_BEGINNING) for name in names for number in known[name].partitions]
        taken = _read(consumer, places)
    finally:
        consumer.close()
    found: dict[str, list[Taken]] = {name: [] for name in names}
    for one in sorted(taken, key=lambda t: (t.topic, t.partition, t.offset)):
        found[one.topic].append(one)
    return found


def _read(consumer: Consumer, places: Sequence[TopicPartition]) -> list[Taken]:
    taken: list[Taken] = []
    ended: set[tuple[Any, Any]] = set()
    consumer.assign(list(places))
    while len(ended) < len(places):
        got = consumer.consume(5000, timeout=1.0)
        for message in got:
            failure = message.error()
            if failure is None:
                taken.append(_taken(message))
            elif failure.code() == KafkaError._PARTITION_EOF:
                ended.add((message.topic(), message.partition()))
            else:
                raise KafkaException(failure)
    return taken


def _taken(message: Any) -> Taken:
    headers = tuple(message.headers() or ())
    return Taken(message.topic(), message.partition(), message.offset(), message.key(), headers, message.value())
