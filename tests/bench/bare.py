"""A bare loop of aiokafka and asyncpg: no contracts, no checks, no care; the same SQL on the same batches."""

from __future__ import annotations

import asyncio
import time
from typing import Any

from aiokafka import AIOKafkaConsumer

from services.chassis.base.access import KafkaAccess
from services.chassis.base.database import Pool, open_pool, transaction
from services.tracking.app import blueprint
from tests.bench import statements
from tests.bench.workload import BATCH, Workload
from tests.support.stores import Store

_ADD = "INSERT INTO position (topic, partition, topic_id, next_offset) VALUES ($1, 0, '', 0)"


async def run(access: KafkaAccess, url: str, load: Workload, name: str) -> float:
    """Events a second, from the first stored batch to the last fold."""
    pool = await open_pool(url, "bench")
    await Store(blueprint(), pool).feed(load.bookings)
    await pool.execute(_ADD, load.topic)
    consumer = AIOKafkaConsumer(
        load.topic, **access.options(), group_id=name, auto_offset_reset="earliest", enable_auto_commit=False
    )
    done = asyncio.Event()
    await consumer.start()
    settling = [asyncio.create_task(_settle(pool, done)) for _ in range(2)]
    try:
        begun, first = await _read(consumer, pool, len(load.milestones))
        done.set()
        await asyncio.gather(*settling)
        return (len(load.milestones) - first) / (time.perf_counter() - begun)
    finally:
        await consumer.stop()
        pool.terminate()


async def _read(consumer: Any, pool: Pool, events: int) -> tuple[float, int]:
    """Stores all events; when the first batch was stored, and how many it had."""
    left, begun, first = events, 0.0, 0
    while left:
        for records in (await consumer.getmany(timeout_ms=100, max_records=BATCH)).values():
            rows = [statements.row_of(r.headers, r.value, r.topic, r.partition, r.offset) for r in records]
            async with transaction(pool) as connection:
                await statements.ingest(connection, rows)
            await consumer.commit()
            left -= len(rows)
            if not first:
                begun, first = time.perf_counter(), len(rows)
    return begun, first


async def _settle(pool: Pool, done: asyncio.Event) -> None:
    while True:
        finished = done.is_set()
        async with transaction(pool) as connection:
            taken = await statements.settle(connection, 250)
        if not taken and finished:
            return
        if not taken:
            await asyncio.sleep(0.005)
