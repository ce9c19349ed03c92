"""Hands the relay's rows to the Kafka producer.

Invariant: rows are queued in the order given, and none is given up while the broker is away. A row that the broker
refuses for good does not stop the others; after any other failure a sender must not be used again.
"""

import asyncio
import logging
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence, Set
from dataclasses import dataclass
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

from contracts.envelope.codec import encode
from services.chassis.outbox.outgoing import CAUSED_BY, copies_of

log = structlog.get_logger(__name__)

Headers = list[tuple[str, bytes]]

RETRY_SECONDS = 0.5
_ASK_SECONDS = 15.0
_PERMANENT = (
    MessageSizeTooLargeError,
    RecordTooLargeError,
    InvalidTopicError,
    TopicAuthorizationFailedError,
    UnknownTopicOrPartitionError,
)


Waiting = dict[tuple[int, str], asyncio.Future[Any]]
"""The answers of the broker, by the id of the row and the topic."""


@dataclass(frozen=True, slots=True)
class Sent:
    """The outcome of each row, by id; `failure` is the reason to send the remaining rows again, by another sender."""

    acknowledged: Set[int]
    refused: Mapping[int, BaseException]
    failure: BaseException | None


class Sender:
    """Sends a service's rows through a producer that nobody else uses."""

    def __init__(self, service: str, producer: AIOKafkaProducer) -> None:
        self._source = f"urn:corridor:{service}"
        self._producer = producer
        self._known: Set[str] = frozenset()

    async def send(self, rows: Sequence[asyncpg.Record]) -> Sent:
        """Queues the rows in order until one fails, then awaits the answers."""
        copies = {row["id"]: list(copies_of(row)) for row in rows}
        waiting: Waiting = {}
        refused: dict[int, BaseException] = {}
        failure: BaseException | None = None
        try:
            for row in rows:
                headers = headers_of(row, self._source)
                for topic, body in copies[row["id"]]:
                    try:
                        waiting[row["id"], topic] = await self._enqueue(topic, row["key"], body, headers)
                    except _PERMANENT as never:
                        refused[row["id"]] = never
            await self._answers({topic for _, topic in waiting}, waiting.values())
        except KafkaError as stopped:
            failure = stopped
        return _sent({row_id: len(found) for row_id, found in copies.items()}, waiting, refused, failure)

    async def _answers(self, topics: Set[str], waiting: Iterable[asyncio.Future[Any]]) -> None:
        """Waits for all answers; raises `UnknownTopicOrPartitionError` if a topic has been deleted meanwhile.

        The client itself would wait for the topic to come back, and hold up all others.
        """
        pending: Set[asyncio.Future[Any]] = set(waiting)
        while pending:
            _, pending = await asyncio.wait(pending, timeout=_ASK_SECONDS)
            if pending:
                self._known = frozenset()
                for topic in topics:
                    await self._require_topic(topic)

    async def _enqueue(self, topic: str, key: str, body: bytes, headers: Headers) -> "asyncio.Future[Any]":
        while True:
            await self._require_topic(topic)
            try:
                future: asyncio.Future[Any] = await self._producer.send(topic, body, key=key.encode(), headers=headers)
                return future
            except KafkaTimeoutError:
                # The buffer was full or metadata were missing: this record has not been queued.
                log.warning("relay waits for the broker", topic=topic)
            except UnknownTopicOrPartitionError:
                # The client also raises this when it could not fetch metadata in time, so we ask the broker.
                self._known = frozenset()
                await asyncio.sleep(RETRY_SECONDS)
            except KafkaError as failure:
                if isinstance(failure, _PERMANENT) or not failure.retriable:
                    raise
                await asyncio.sleep(RETRY_SECONDS)

    async def _require_topic(self, topic: str) -> None:
        """Waits for the broker; raises `UnknownTopicOrPartitionError` if it has no such topic.

        The client itself would search for the topic until a timeout, and hold up all rows behind.
        """
        said = False
        while topic not in self._known:
            try:
                found: Any = await self._producer.client.fetch_all_metadata()
            except KafkaError as failure:
                log.log(logging.DEBUG if said else logging.WARNING, "relay waits for the broker", failure=repr(failure))
                said = True
                await asyncio.sleep(RETRY_SECONDS)
                continue
            self._known = found.topics()
            if topic not in self._known:
                raise UnknownTopicOrPartitionError(topic)


def headers_of(row: asyncpg.Record, source: str) -> Headers:
    """The Kafka headers of an outbox row: the attributes of its CloudEvent, and the party that caused it."""
    headers = encode(
        id=row["ce_id"],
        source=source,
        type=row["ce_type"],
        subject=row["ce_subject"],
        traceparent=row["traceparent"],
    )
    return [*headers, (CAUSED_BY, row["party"].encode())] if row["party"] else headers


def _sent(
    copies: Mapping[int, int], waiting: Waiting, refused: Mapping[int, BaseException], failure: BaseException | None
) -> Sent:
    """The outcome by row; a row is acknowledged when all of its copies are."""
    answered = {key: answer for key, answer in waiting.items() if answer.done() and not answer.cancelled()}
    errors = {key: answer.exception() for key, answer in answered.items()}
    never = {row_id: error for (row_id, _), error in errors.items() if isinstance(error, _PERMANENT)}
    others = [error for error in errors.values() if error is not None and not isinstance(error, _PERMANENT)]
    acknowledged = Counter(row_id for (row_id, _), error in errors.items() if error is None)
    whole = {row_id for row_id, count in acknowledged.items() if count == copies[row_id]}
    return Sent(whole, {**refused, **never}, failure or next(iter(others), None))
