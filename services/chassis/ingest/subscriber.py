"""The FastStream subscribers of a service: their options, decoder and middleware.

Invariant: no record is lost or stored twice, and no byte of one changes on its way. The options are those whose
defaults would break this.
"""

from collections.abc import Awaitable, Callable, Iterable, Mapping, Sequence
from copy import copy
from dataclasses import replace
from functools import partial
from typing import Any, Literal, TypedDict, cast

from aiokafka import ConsumerRebalanceListener
from faststream import AckPolicy, BaseMiddleware, ContextRepo
from faststream.kafka import KafkaBroker
from faststream.message import StreamMessage

from services.chassis.base.errors import Fenced
from services.chassis.base.settings import ServiceSettings
from services.chassis.ingest.consumer import Ingest
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.positions import Positions, TopicIds
from services.chassis.ingest.records import Record
from services.chassis.ingest.stream import Batch, Stream

CallNext = Callable[[StreamMessage[Any]], Awaitable[Any]]


class Options(TypedDict):
    """The options of `router.subscriber` that a stream sets."""

    pattern: str
    title: str
    batch: Literal[True]
    batch_timeout_ms: int
    max_records: int
    fetch_max_wait_ms: int
    group_id: str
    group_instance_id: str
    auto_offset_reset: Literal["earliest"]
    ack_policy: AckPolicy
    session_timeout_ms: int
    heartbeat_interval_ms: int
    rebalance_timeout_ms: int
    parser: Callable[[Any, Callable[[Any], Awaitable[Any]]], Awaitable[Any]]
    decoder: Callable[[Any], Awaitable[Any]]
    listener: ConsumerRebalanceListener


class Subscribers:
    """Makes the options of `router.subscriber` for each stream of a service."""

    def __init__(self, ingests: Iterable[Ingest], settings: ServiceSettings) -> None:
        self._ingests = {ingest.stream: ingest for ingest in ingests}
        self._settings = settings
        self._listeners: dict[str, _DeferredListener] = {}

    def options(self, stream: Stream) -> Options:
        """The options of the subscriber of a stream; its function receives a `Batch`."""
        ingest, settings = self._ingests[stream], self._settings
        listener = self._listeners[ingest.group] = _DeferredListener()
        return {
            "pattern": stream.topic.regex,
            "title": stream.topic.name,
            "batch": True,
            "batch_timeout_ms": 20,
            "fetch_max_wait_ms": 1000,
            "max_records": settings.batch_records,
            "group_id": ingest.group,
            "group_instance_id": f"{ingest.group}-{settings.copy_name}",
            "auto_offset_reset": "earliest",
            "ack_policy": AckPolicy.NACK_ON_ERROR,
            "session_timeout_ms": int(settings.session_timeout_seconds * 1000),
            "heartbeat_interval_ms": 1000,
            "rebalance_timeout_ms": 60_000,
            "parser": _parse,
            "decoder": ingest.decode,
            "listener": listener,
        }

    def bind(self, broker: KafkaBroker, topic_ids: TopicIds) -> None:
        """Gives each subscriber of the broker its middleware and its positions."""
        by_group = {ingest.group: ingest for ingest in self._ingests.values()}
        broker.add_middleware(partial(BatchMiddleware, by_group))
        for subscriber in cast(Sequence[Any], broker.subscribers):
            ingest = by_group[subscriber.group_id]
            self._listeners[ingest.group].target = ingest.attach(subscriber, topic_ids)


class BatchMiddleware(BaseMiddleware[Any, Any]):
    """Stores each batch in one transaction with its positions and answers, around the function that receives it."""

    def __init__(self, ingests: Mapping[str, Ingest], msg: Any, /, *, context: ContextRepo) -> None:
        super().__init__(msg, context=context)
        self._ingest = ingests[context.get_local("handler_").group_id]

    async def consume_scope(self, call_next: CallNext, msg: StreamMessage[Any]) -> Any:
        """Calls the subscriber's function with the unread records, in one part or record by record."""

        async def take(records: Sequence[Record]) -> None:
            # A retry, or one record of a batch that fails, is a part of its own, and is validated anew.
            part = copy(msg)
            part.raw_message = tuple(records)
            batch = cast(Batch, await part.decode())
            await self._ingest.store(batch, lambda _: _kept(call_next, part))

        try:
            await self._ingest.consume(msg.raw_message, take)
        except Fenced:
            # Nack seeks to the message's offset. The stored position may lie before that, so it is sought last.
            await msg.nack()
            await self._ingest.after_fence(msg.raw_message)


async def _kept(call_next: CallNext, part: StreamMessage[Any]) -> Kept:
    kept = await call_next(part)
    if not isinstance(kept, Kept):
        raise TypeError(f"a subscriber returns what it has stored, and not {kept!r}")
    return kept


class _DeferredListener(ConsumerRebalanceListener):
    """A rebalance listener that is named before its target exists, which needs the subscriber."""

    target: Positions

    async def on_partitions_revoked(self, revoked: Any) -> None:
        await self.target.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Any) -> None:
        await self.target.on_partitions_assigned(assigned)


async def _parse(batch: Sequence[Record], original: Callable[[Any], Awaitable[Any]]) -> Any:
    # FastStream decodes every header as UTF-8, and loses the whole batch if one is not, so it gets no headers.
    message = await original(tuple(replace(r, headers=()) for r in batch))
    message.raw_message = tuple(batch)
    return message
