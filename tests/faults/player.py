"""Plays the sends of a run over Kafka at a steady rate, whatever is down meanwhile.

Invariant: what Kafka acknowledged is noted with where it stands; a record is given to the producer once and never
given up, so that the order of a sender's records is that of the load.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence

from aiokafka import AIOKafkaProducer
from aiokafka.errors import KafkaTimeoutError, UnknownTopicOrPartitionError
from aiokafka.structs import RecordMetadata

from services.chassis.base.access import KafkaAccess
from tests.faults.evidence import Acknowledged, Send

_AGAIN_SECONDS = 0.2
_ACKNOWLEDGED_WITHIN = 60.0


class Player:
    """One producer for all senders; `acknowledged` grows as Kafka answers."""

    def __init__(self, access: KafkaAccess) -> None:
        self._producer = AIOKafkaProducer(
            **access.options(),
            acks="all",
            enable_idempotence=True,
            max_batch_size=512 * 1024,
            # The client gives up what is older than this when it meets a partition without a leader.
            request_timeout_ms=600_000,
        )
        self.acknowledged: list[Acknowledged] = []
        self._waiting: set[asyncio.Future[RecordMetadata]] = set()

    async def __aenter__(self) -> Player:
        await self._producer.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await asyncio.wait_for(self._producer.stop(), _ACKNOWLEDGED_WITHIN)

    async def play(self, sends: Sequence[Send], seconds: float) -> None:
        """All of them, spread evenly; returns when each is acknowledged."""
        began = time.monotonic()
        for number, send in enumerate(sends):
            await asyncio.sleep(began + seconds * number / len(sends) - time.monotonic())
            await self._send(send)
        await asyncio.wait_for(asyncio.gather(*self._waiting), seconds + _ACKNOWLEDGED_WITHIN)

    async def _send(self, send: Send) -> None:
        while True:
            try:
                sent = await self._producer.send(send.topic, send.value, key=send.key, headers=list(send.headers))
                break
            except (KafkaTimeoutError, UnknownTopicOrPartitionError):
                # Nothing of it has been queued: Kafka is away, and the buffer full or the topic not looked up yet.
                await asyncio.sleep(_AGAIN_SECONDS)
        self._waiting.add(sent)
        sent.add_done_callback(lambda done: self._note(send, done))

    def _note(self, send: Send, done: asyncio.Future[RecordMetadata]) -> None:
        # One that failed stays, and fails whoever waits for all.
        if not done.cancelled() and done.exception() is None:
            self._waiting.discard(done)
            self.acknowledged.append(Acknowledged(send, done.result().partition, done.result().offset))
