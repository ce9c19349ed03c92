"""One service: reads, stores, and sends what it has stored.

Invariant: what is read again after a stop is what was not stored; what is sent again is what was not seen to be sent.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Awaitable, Collection, Mapping
from typing import Any

import asyncpg
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, ConsumerRebalanceListener, TopicPartition

from tests.bench.floor import store
from tests.bench.floor.steps import AUDIENCE, READS, STEPS
from tests.bench.floor.store import Batch
from tests.bench.floor.stream import serve

_MOST = 500
_WAIT_MS = 500


class Service(ConsumerRebalanceListener):
    """`grown` is set anew after each commit, for who waits for what is stored."""

    def __init__(self, name: str, pool: asyncpg.Pool[asyncpg.Record], kafka: Mapping[str, Any]) -> None:
        self.pool = pool
        self.grown = asyncio.Event()
        self._name = name
        self._consumer = AIOKafkaConsumer(**kafka, group_id=name, enable_auto_commit=False)
        self._producer = AIOKafkaProducer(
            **kafka, enable_idempotence=True, acks="all", linger_ms=1, max_batch_size=512 * 1024
        )

    async def run(self, port: int) -> None:
        """Runs until cancelled; says `ready` when it reads."""
        self._consumer.subscribe(pattern=READS[self._name], listener=self)
        await asyncio.gather(self._consumer.start(), self._producer.start())
        async with asyncio.TaskGroup() as loops:
            loops.create_task(self._read())
            loops.create_task(self._relay())
            if self._name == "notifications":
                loops.create_task(serve(self, port))

    async def on_partitions_revoked(self, revoked: Collection[TopicPartition]) -> None:
        """One copy of a service reads everything: nobody takes over."""

    async def on_partitions_assigned(self, assigned: Collection[TopicPartition]) -> None:
        """Goes on from where the store says; says `ready` when it does."""
        known = await store.positions(self.pool)
        for place in assigned:
            self._consumer.seek(place, known.get((place.topic, place.partition), 0))
        print("ready", flush=True)

    async def _read(self) -> None:
        step = STEPS[self._name]
        while True:
            found = await self._consumer.getmany(timeout_ms=_WAIT_MS, max_records=_MOST)
            if not found:
                continue
            records = [record for some in found.values() for record in some]
            batch = Batch({(place.topic, place.partition): some[-1].offset + 1 for place, some in found.items()})
            step(records, batch)
            await store.save(self.pool, batch, AUDIENCE)
            grown, self.grown = self.grown, asyncio.Event()
            grown.set()

    async def _relay(self) -> None:
        while True:
            grown = self.grown
            if rows := await store.page(self.pool):
                await asyncio.gather(*[await self._send(row, topic) for row in rows for topic in row["topics"]])
                await store.sent(self.pool, rows)
            else:
                await grown.wait()

    async def _send(self, row: Any, topic: str) -> Awaitable[Any]:
        sent: Awaitable[Any] = await self._producer.send(topic, row["body"], key=row["key"].encode())
        return sent


async def main(name: str) -> None:
    """One service with the addresses of the environment."""
    kafka = {
        "bootstrap_servers": os.environ["KAFKA_BOOTSTRAP_SERVERS"],
        "security_protocol": os.environ["KAFKA_SECURITY"].upper(),
        "sasl_mechanism": "SCRAM-SHA-512",
        "sasl_plain_username": os.environ["KAFKA_USERNAME"],
        "sasl_plain_password": os.environ["KAFKA_PASSWORD"],
    }
    pool = await store.open_store(os.environ["DATABASE_URL"])
    await Service(name, pool, kafka).run(int(os.environ["HTTP_PORT"]))
