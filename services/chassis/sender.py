"""Hands the relay's rows to Kafka.

Invariant: rows are queued in the order given; nothing is given up while the broker is away. What the broker refuses
for good is told apart from every other failure, after which this sender is not to be used again.
"""

import asyncio
from collections.abc import Sequence, Set
from typing import Any

import asyncpg
import structlog
from aiokafka import AIOKafkaProducer
from aiokafka.errors import (
    InvalidTopicError,
    KafkaError,
    KafkaTimeoutError,
    MessageSizeTooLargeError,
    RecordTooLargeError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)

from contracts.codec import encode

log = structlog.get_logger(__name__)

RETRY_SECONDS = 0.5
_NEVER = (
    MessageSizeTooLargeError,
    RecordTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)


class Sender:
    """What a service tells, over a producer that is its alone."""

    def __init__(self, service: str, producer: AIOKafkaProducer) -> None:
        self._source = f"urn:corridor:{service}"
        self._producer = producer
        self._known: Set[str] = frozenset()

    async def send(self, rows: Sequence[asyncpg.Record]) -> dict[int, BaseException]:
        """Queues all rows in order, then awaits all acknowledgements; returns those that can never be sent, by id.

        Raises `KafkaError` when one was not acknowledged for another reason.
        """
        waiting: dict[int, asyncio.Future[Any]] = {}
        failures: dict[int, BaseException] = {}
        for row in rows:
            try:
                waiting[row["id"]] = await self._enqueue(row)
            except _NEVER as failure:
                failures[row["id"]] = failure
        results = await asyncio.gather(*waiting.values(), return_exceptions=True)
        for (row_id, _), result in zip(waiting.items(), results, strict=True):
            if isinstance(result, _NEVER):
                failures[row_id] = result
            elif isinstance(result, BaseException):
                raise result
        return failures

    async def _enqueue(self, row: asyncpg.Record) -> "asyncio.Future[Any]":
        headers = encode(
            id=row["ce_id"],
            source=self._source,
            type=row["ce_type"],
            subject=row["ce_subject"],
            traceparent=row["traceparent"],
        )
        while True:
            await self._require_topic(row["topic"])
            try:
                future: asyncio.Future[Any] = await self._producer.send(
                    row["topic"], row["body"], key=row["key"].encode(), headers=headers
                )
                return future
            except KafkaTimeoutError:
                # The buffer was full or the metadata were not to be had: nothing of this row has been queued.
                log.warning("relay waits for the broker", topic=row["topic"])
            except UnknownTopicOrPartitionError:
                # The client says so as well when it could not look a topic up in time: the broker is to be asked.
                self._known = frozenset()
                await asyncio.sleep(RETRY_SECONDS)
            except KafkaError as failure:
                if isinstance(failure, _NEVER) or not failure.retriable:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def _require_topic(self, topic: str) -> None:
        """Raises `UnknownTopicOrPartitionError` when a broker that answers has no such topic.

        The client itself would look for it until its time is up, and hold up what comes behind.
        """
        while topic not in self._known:
            try:
                found: Any = await self._producer.client.fetch_all_metadata()
            except KafkaError as failure:
                log.warning("relay waits for the broker", failure=repr(failure))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._known = found.topics()
            if topic not in self._known:
                raise UnknownTopicOrPartitionError(topic)
