"""A plain FastStream handler: one message, one transaction, the same SQL, as the documentation shows it."""

from __future__ import annotations

import asyncio
import time

from faststream import AckPolicy
from faststream.kafka import KafkaBroker
from faststream.kafka.annotations import KafkaMessage

from contracts.events.operator import MilestoneReported
from services.chassis.base.access import KafkaAccess
from services.chassis.base.database import open_pool, transaction
from services.chassis.kafka.clients import broker_security
from services.tracking.app import blueprint
from tests.bench import statements
from tests.bench.bare import _ADD
from tests.bench.workload import Workload
from tests.support.stores import Store


async def run(access: KafkaAccess, url: str, load: Workload, name: str, events: int) -> float:
    """Events a second, from the first stored record to the last of `events`."""
    pool = await open_pool(url, "bench")
    await Store(blueprint(), pool).feed(load.bookings)
    await pool.execute(_ADD, load.topic)
    broker = KafkaBroker(access.bootstrap, logger=None, security=broker_security(access))
    seen, begun, done = 0, 0.0, asyncio.Event()

    @broker.subscriber(load.topic, group_id=name, auto_offset_reset="earliest", ack_policy=AckPolicy.NACK_ON_ERROR)
    async def handle(data: MilestoneReported, message: KafkaMessage) -> None:
        nonlocal seen, begun
        record = message.raw_message
        assert not isinstance(record, tuple)
        row = statements.row_of(record.headers, record.value, record.topic, record.partition, record.offset)  # type: ignore[arg-type]
        async with transaction(pool) as connection:
            await statements.ingest(connection, [row])
            while await statements.settle(connection, 10):
                pass
        seen += 1
        begun = begun or time.perf_counter()
        if seen == events:
            done.set()

    await broker.start()
    await done.wait()
    rate = (events - 1) / (time.perf_counter() - begun)
    await broker.stop()
    pool.terminate()
    return rate
