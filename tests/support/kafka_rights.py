"""What one user of Kafka can in fact do with topics: one request to write to all of them, one to read from all of them.

Beneath any client, so that each topic is answered for itself, and by the broker alone.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager
from typing import Any

from aiokafka.client import AIOKafkaClient
from aiokafka.protocol.api import Request
from aiokafka.protocol.fetch import FetchRequest
from aiokafka.protocol.produce import ProduceRequest
from aiokafka.record.default_records import DefaultRecordBatchBuilder

from services.chassis.base.access import KafkaAccess

_YES = 0
_NO = 29
_NOT_YET = (3, 5, 6)
_WITHIN_MS = 10_000
_NODE = 1


async def writes(access: KafkaAccess, topics: Iterable[str]) -> set[str]:
    """The topics of which the first partition takes a record from this user."""
    batch = packed([(b"x", [])])
    return await _let(access, ProduceRequest(None, -1, _WITHIN_MS, [(topic, [(0, batch)]) for topic in sorted(topics)]))


async def reads(access: KafkaAccess, topics: Iterable[str]) -> set[str]:
    """The topics of which this user may fetch the first partition."""
    return await _let(access, FetchRequest(0, 0, 2**20, 0, [(topic, [(0, 0, 1024)]) for topic in sorted(topics)]))


async def _let(access: KafkaAccess, request: Request[Any]) -> set[str]:
    deadline = time.monotonic() + _WITHIN_MS / 1000
    async with connected(access) as client:
        while True:
            answer: Any = await client.send(_NODE, request)
            codes = {topic: partitions[0][1] for topic, partitions in answer.topics}
            if set(codes.values()) <= {_YES, _NO}:
                return {topic for topic, code in codes.items() if code == _YES}
            # A topic that was made just now has no leader yet.
            assert set(codes.values()) <= {_YES, _NO, *_NOT_YET} and time.monotonic() < deadline, codes
            await asyncio.sleep(0.05)


def packed(records: Sequence[tuple[bytes, Sequence[tuple[str, bytes]]]], compression: int = 0) -> bytes:
    """A batch of records, each a value and its headers, as a producer would send it."""
    builder = DefaultRecordBatchBuilder(
        *(2, compression, False), producer_id=-1, producer_epoch=-1, base_sequence=-1, batch_size=64 * 1024 * 1024
    )
    for offset, (value, headers) in enumerate(records):
        builder.append(offset=offset, timestamp=0, key=b"key", value=value, headers=list(headers))
    return bytes(builder.build())


@asynccontextmanager
async def connected(access: KafkaAccess) -> AsyncIterator[AIOKafkaClient]:
    """A connection of this user; raises `KafkaConnectionError` where it is not let in."""
    client = AIOKafkaClient(**access.options())
    try:
        await client.bootstrap()
        yield client
    finally:
        await client.close()
