"""Notes when items reach a party: in its topic, and in its live stream.

Invariant: the first item that carries the instant of a report ends that report's way; clocks are the driver's own.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

import httpx
import orjson
from aiokafka import AIOKafkaConsumer

from contracts import topics
from tests.bench.chain.chain import VIEWER, Chain

Arrivals = dict[str, float]
_SILENT_SECONDS = 120.0


@dataclass(slots=True)
class Readers:
    """Monotonic seconds of the first arrival, by the mark of the report."""

    topic: Arrivals = field(default_factory=dict)
    stream: Arrivals = field(default_factory=dict)


@asynccontextmanager
async def reading(chain: Chain, newest: int) -> AsyncIterator[Readers]:
    """Reads both from now on, the stream behind the item `newest`, for the length of the block.

    Raises what the readers raise, and `ConnectionError` where the stream has ended by itself.
    """
    readers = Readers()
    consumer = AIOKafkaConsumer(
        topics.NOTIFICATIONS.of(VIEWER), **chain.servers.kafka.access.options(), auto_offset_reset="latest"
    )
    await consumer.start()
    opened = asyncio.Event()
    tasks = [
        asyncio.create_task(_read_topic(consumer, readers.topic)),
        asyncio.create_task(_read_stream(chain, newest, readers.stream, opened)),
    ]
    try:
        await asyncio.wait_for(opened.wait(), _SILENT_SECONDS)
        yield readers
        for task in tasks:
            if task.done():
                task.result()
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await consumer.stop()


async def _read_topic(consumer: AIOKafkaConsumer, arrivals: Arrivals) -> None:
    async for record in consumer:
        _note(record.value or b"{}", arrivals)


async def _read_stream(chain: Chain, newest: int, arrivals: Arrivals, opened: asyncio.Event) -> None:
    timeout = httpx.Timeout(10, read=_SILENT_SECONDS)
    async with (
        httpx.AsyncClient(timeout=timeout, trust_env=False) as client,
        client.stream("GET", chain.stream, headers={**chain.stream_headers, "Last-Event-ID": str(newest)}) as response,
    ):
        response.raise_for_status()
        opened.set()
        async for line in response.aiter_lines():
            if line.startswith("data:"):
                _note(line[5:].encode(), arrivals)
    raise ConnectionError("the stream has ended")


def _note(item: bytes, arrivals: Arrivals) -> None:
    said = orjson.loads(item)
    # The floor passes on what it was sent: in structured mode the data are one level down.
    mark = said.get("occurred_at") or said.get("data", {}).get("occurred_at")
    if mark is not None:
        arrivals.setdefault(mark, time.monotonic())
