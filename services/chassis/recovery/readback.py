"""Reads ranges of our own topics, outside all consumer groups, for a store that may have been restored.

Invariant: it commits no offsets, and a broker that falls silent ends the reading with `TimeoutError`.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.errors import KafkaError

from contracts.topics import Topic
from services.chassis.base.settings import ServiceSettings
from services.chassis.ingest.records import Record
from services.chassis.kafka import clients

_PAGE = 500
_SILENT_MS = 10_000


class Readback:
    """A reader of some topics, with the partitions that they had when it was opened."""

    def __init__(self, consumer: AIOKafkaConsumer, partitions: Sequence[TopicPartition]) -> None:
        self._consumer = consumer
        self._partitions = partitions

    async def bounds(self) -> dict[TopicPartition, tuple[int, int]]:
        """The first offset of each partition, and the one behind its last."""
        starts = await self._consumer.beginning_offsets(self._partitions)
        ends = await self._consumer.end_offsets(self._partitions)
        return {p: (starts[p], ends[p]) for p in self._partitions}

    async def since(self, milliseconds: int) -> AsyncIterator[Sequence[Record]]:
        """The records appended since an instant of the broker's clock, in pages; raises `TimeoutError`."""
        ends = await self._consumer.end_offsets(self._partitions)
        found = await self._consumer.offsets_for_times(dict.fromkeys(self._partitions, milliseconds))
        starts = {p: at.offset for p, at in found.items() if at is not None}
        async for page in self._read(starts, ends):
            yield page

    async def _read(
        self, starts: Mapping[TopicPartition, int], ends: Mapping[TopicPartition, int]
    ) -> AsyncIterator[Sequence[Record]]:
        unread = [p for p, start in starts.items() if start < ends[p]]
        for partition in unread:
            self._consumer.seek(partition, starts[partition])
        self._consumer.resume(*unread)
        while unread:
            found = await self._consumer.getmany(*unread, timeout_ms=_SILENT_MS, max_records=_PAGE)
            if not found:
                raise TimeoutError("the broker gives no more records")
            yield [record for records in found.values() for record in records]
            read = [p for p in unread if await self._consumer.position(p) >= ends[p]]
            self._consumer.pause(*read)
            unread = [p for p in unread if p not in read]


@asynccontextmanager
async def readback(
    settings: ServiceSettings, producer: AIOKafkaProducer, topics: Sequence[Topic]
) -> AsyncIterator[Readback]:
    """Opens all topics that `topics` describe; raises `KafkaConnectionError` or `TimeoutError` while they fail."""
    cluster = await clients.see_brokers(producer)
    names = sorted(n for n in cluster.topics() if any(t.holds(n) for t in topics))
    partitions = [TopicPartition(n, p) for n in names for p in sorted(cluster.partitions_for_topic(n) or ())]
    consumer = clients.new_reader(settings)
    try:
        async with asyncio.timeout(clients.START_SECONDS):
            await consumer.start()
        # The client only answers about offsets of assigned partitions. We assign once: a client that is stopped during
        # a second assignment never ends.
        consumer.assign(partitions)
        consumer.pause(*partitions)
        yield Readback(consumer, partitions)
    except KafkaError as failure:
        # Not all of the client's errors count as transient. Here they are: even a right to read may be granted later.
        raise TimeoutError(f"our topics cannot be read: {failure!r}") from failure
    finally:
        await clients.stop_client(consumer)
