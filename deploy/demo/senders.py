"""The parties' producers: each signs in as its party, so that what it sends is what that party may send.

Invariant: stopping is bounded; nothing is pending when it is called, or a broker that is away would be waited for.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterable, Mapping
from contextlib import asynccontextmanager, suppress
from typing import Final

from aiokafka import AIOKafkaProducer

from services.chassis.base.access import KafkaAccess

AccessOf = Callable[[str], KafkaAccess]
"""How a party signs in to Kafka."""
Producers = Mapping[str, AIOKafkaProducer]

_STOP_WITHIN: Final = 10.0


@asynccontextmanager
async def senders(parties: Iterable[str], access_of: AccessOf) -> AsyncIterator[Producers]:
    """A producer for each party, for the length of the block."""
    producers = {party: _producer(access_of(party)) for party in parties}
    try:
        await asyncio.gather(*(producer.start() for producer in producers.values()))
        yield producers
    finally:
        with suppress(TimeoutError):
            async with asyncio.timeout(_STOP_WITHIN):
                await asyncio.gather(*(producer.stop() for producer in producers.values()))


def _producer(access: KafkaAccess) -> AIOKafkaProducer:
    return AIOKafkaProducer(**access.options(), acks="all", enable_idempotence=True, max_request_size=2**20)
