"""`python -m corridor transactions`: what a page costs in a Kafka transaction, beside an idempotent producer.

The two take turns on one broker. The last line says of how many partitions the end lies behind the last record: each
transaction leaves a marker there, which takes an offset.
"""

from __future__ import annotations

import argparse
import asyncio
import statistics
import time
from collections.abc import Sequence
from typing import Final

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from deploy.local.datadir import temporary_directory
from deploy.local.stack import Stack, open_stack

_TOPIC: Final = "pages"
_PARTITIONS: Final = 12
_BODY: Final = b"x" * 900
_PAGES: Final = {1000: 15, 100: 30, 5: 60}
"""So many pages of so many rows."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the figures; returns the exit code."""
    argparse.ArgumentParser(prog="python -m corridor transactions", description=__doc__).parse_args(arguments)
    with temporary_directory() as data, open_stack(data, {}, lambda _: None) as stack:
        asyncio.run(_measure(stack))
    return 0


async def _measure(stack: Stack) -> None:
    options = stack.access.options()
    admin = AIOKafkaAdminClient(**options)
    await admin.start()
    await admin.create_topics([NewTopic(_TOPIC, _PARTITIONS, 1)])
    plain = AIOKafkaProducer(**options, enable_idempotence=True, acks="all", max_batch_size=512 * 1024)
    within = AIOKafkaProducer(**options, transactional_id="relay-0", acks="all", max_batch_size=512 * 1024)
    for producer in (plain, within):
        await producer.start()
    for size, pages in _PAGES.items():
        taken: tuple[list[float], list[float]] = ([], [])
        for _ in range(pages):
            taken[0].append(await _seconds(plain, size, transaction=False))
            taken[1].append(await _seconds(within, size, transaction=True))
        one, other = map(statistics.median, taken)
        print(
            f"{size} rows: {one * 1e3:.1f} ms, in a transaction {other * 1e3:.1f} ms, ratio of rates {one / other:.2f}"
        )
    for producer in (plain, within):
        await producer.stop()
    await admin.close()
    print(f"ends behind the last record: {await _ends_behind(stack)} of {_PARTITIONS} partitions")


async def _seconds(producer: AIOKafkaProducer, size: int, *, transaction: bool) -> float:
    began = time.perf_counter()
    if transaction:
        async with producer.transaction():
            await _send(producer, size)
    else:
        await _send(producer, size)
    return time.perf_counter() - began


async def _send(producer: AIOKafkaProducer, size: int) -> None:
    for sent in [await producer.send(_TOPIC, _BODY, key=f"k{n % 97}".encode()) for n in range(size)]:
        await sent


async def _ends_behind(stack: Stack) -> int:
    consumer = AIOKafkaConsumer(
        **stack.access.options(), isolation_level="read_committed", auto_offset_reset="earliest"
    )
    await consumer.start()
    partitions = [TopicPartition(_TOPIC, number) for number in range(_PARTITIONS)]
    consumer.assign(partitions)
    ends, read = await consumer.end_offsets(partitions), dict.fromkeys(partitions, 0)
    while found := await consumer.getmany(timeout_ms=1500):
        read |= {partition: records[-1].offset + 1 for partition, records in found.items()}
    await consumer.stop()
    return sum(read[p] < ends[p] for p in partitions)
