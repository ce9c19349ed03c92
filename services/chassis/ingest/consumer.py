"""The first loop: Kafka records to stored facts.

Invariant: facts, answers and the next offset are one transaction. A record that cannot be used is put aside in
it and never stops the others; a database that is away is waited for; nothing is acknowledged before its commit.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any, cast

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition
from faststream import AckPolicy
from faststream.kafka import KafkaBroker

from contracts.refusal import refused
from contracts.topics import party_of
from services.chassis.base import telemetry
from services.chassis.base.clock import CorridorClock
from services.chassis.base.clock_steps import learn_steps
from services.chassis.base.database import Pool, transaction
from services.chassis.base.errors import Fenced, passes, weight
from services.chassis.base.pace import until
from services.chassis.base.parties import PartyBook
from services.chassis.base.settings import ServiceSettings
from services.chassis.ingest import daily, outcome, records
from services.chassis.ingest.positions import Positions, TopicIds
from services.chassis.ingest.quarantine import Quarantine, begin_stand_in, sender_of
from services.chassis.ingest.records import Record, Verdict
from services.chassis.ingest.shares import Shares
from services.chassis.ingest.stream import Stream

log = structlog.get_logger(__name__)

_BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0)
_AFTER_FENCE_SECONDS = 0.2


class Ingest:
    """Reads one stream into the store."""

    def __init__(
        self,
        service: str,
        stream: Stream,
        pool: Pool,
        clock: CorridorClock,
        book: PartyBook,
        on_commit: Callable[[], None] = lambda: None,
        quarantine_limit: int = 5,
    ) -> None:
        self.service = service
        self.stream = stream
        self.pool = pool
        self.clock = clock
        self.book = book
        self.on_commit = on_commit
        self.quarantine = Quarantine(service, stream, pool, quarantine_limit)
        self.shares = Shares(service, stream, book.budget)
        self.broker: KafkaBroker | None = None
        self.positions: Positions | None = None
        self.stopping = asyncio.Event()

    def subscribe(self, broker: KafkaBroker, settings: ServiceSettings, topic_ids: TopicIds) -> None:
        """Adds the batch subscriber; every option here has lost or repeated records at its default."""
        group = f"{self.service}-{self.stream.name}"
        seconds = settings.session_timeout_seconds
        listener = _Late()
        subscriber = broker.subscriber(
            pattern=self.stream.topic.regex,
            batch=True,
            max_records=settings.batch_records,
            batch_timeout_ms=20,
            fetch_min_bytes=8192,
            fetch_max_wait_ms=20,
            group_id=group,
            group_instance_id=f"{group}-{settings.copy_name}",
            auto_offset_reset="earliest",
            ack_policy=AckPolicy.NACK_ON_ERROR,
            session_timeout_ms=int(seconds * 1000),
            heartbeat_interval_ms=1000,
            rebalance_timeout_ms=60_000,
            parser=_parse,
            decoder=_keep_raw,
            listener=listener,
            include_in_schema=False,
        )
        self.broker = broker
        self.positions = listener.target = Positions(self.pool, subscriber, topic_ids)
        self.positions.held_back = self.quarantine.holds_back
        self.positions.left = self.shares.left
        subscriber(self._handle)

    async def _handle(self, _: object) -> None:
        assert self.broker is not None
        message = self.broker.context.get_local("message")
        batch = self._unread(cast(Sequence[Record], message.raw_message))
        try:
            if batch:
                await self._until_it_passes(batch)
        except Fenced:
            await message.nack()
            await self._after_fence(batch)

    async def watch_store(self, every_seconds: float = 2.0) -> None:
        """Notices, until cancelled, that the store was put back, and feeds to pause or resume."""
        assert self.positions is not None
        while True:
            await asyncio.sleep(every_seconds)
            try:
                if behind := await self.positions.recheck():
                    log.warning("the store was put back", stream=self.stream.name, partitions=len(behind))
                await self.mind_limits()
            except Exception as failure:
                if not passes(failure):
                    raise

    def _unread(self, batch: Sequence[Record]) -> list[Record]:
        """What the store does not have yet: a batch that failed half way is read again from its start."""
        assert self.positions is not None
        found = [r for r in batch if r.offset >= self.positions.next_offset(TopicPartition(r.topic, r.partition))]
        return [r for r in found if not self.quarantine.holds_back(r.topic)]

    async def mind_limits(self) -> None:
        """Pauses the feeds on which we fail too often, and lets those go on that have been mended."""
        assert self.positions is not None
        await self.quarantine.refresh()
        self.positions.mind()

    async def _until_it_passes(self, batch: Sequence[Record]) -> None:
        for seconds in (*_BACKOFF_SECONDS, None):
            try:
                return await self.take(batch)
            except Fenced:
                raise
            except Exception as failure:
                if not passes(failure):
                    return await self._one_by_one(batch, failure)
                if seconds is None or self.stopping.is_set():
                    raise
                log.log(weight(failure), "waiting to store a batch", stream=self.stream.name, failure=repr(failure))
                await until(self.stopping, seconds)
        raise AssertionError("unreachable")

    async def _one_by_one(self, batch: Sequence[Record], failure: Exception) -> None:
        """A bug: finds the record that triggers it and puts that one aside."""
        log.error("a batch fails, trying its records one by one", stream=self.stream.name, exc_info=failure)
        await self.mind_limits()
        for record in batch:
            if self.quarantine.holds_back(record.topic):
                continue
            try:
                await self.take([record])
            except Exception as single:
                if isinstance(single, Fenced) or passes(single):
                    raise
                await self._quarantine(record, single)
                await self.mind_limits()

    async def _quarantine(self, record: Record, failure: Exception) -> None:
        telemetry.QUARANTINED.labels(self.service, self.stream.name).inc()
        name = party_of(record.topic, self.stream.topic)
        refusal = refused("quarantined", "$", f"we failed on this record ({type(failure).__name__}) and keep it")
        await self.store([record], [records.reject(record, None if self.stream.own else name, refusal)], failed=record)

    async def take(self, batch: Sequence[Record]) -> None:
        """Judges and stores a batch in one transaction; raises `Fenced` and what asyncpg raises."""
        parties = {party_of(r.topic, self.stream.topic) for r in batch}
        if not self.stream.own:
            await learn_steps(self.pool, self.clock)
            await self.book.refresh(self.pool, *parties)
        await self.store(batch, records.judge_all(batch, self.stream, self.book, self.clock.received_at))

    async def store(
        self, batch: Sequence[Record], verdicts: Sequence[Verdict], *, failed: Record | None = None
    ) -> None:
        """Facts, answers and positions of a batch, in one transaction, with what stands in for a failed record."""
        assert self.positions is not None
        ends = {TopicPartition(r.topic, r.partition): r.offset + 1 for r in batch}
        with telemetry.ROUND.labels(self.service, f"ingest-{self.stream.name}").time():
            async with transaction(self.pool) as connection:
                await self.positions.advance(connection, ends)
                if not self.stream.own:
                    verdicts = await daily.within(connection, verdicts, self.book.budget)
                kept = await outcome.keep(
                    connection,
                    self.service,
                    self.stream,
                    verdicts,
                    _batch_name(ends),
                    self.clock.now(),
                    self.positions.topic_id,
                )
                if failed is not None:
                    sender = sender_of(self.stream, failed, self.book.get)
                    await begin_stand_in(connection, self.stream, failed, sender, self.clock.now())
            self.positions.committed(ends)
        outcome.count_batch(self.service, self.stream.name, kept)
        if self.stream.own and kept.rejected:
            log.critical("records of our own are put aside", topic=self.stream.topic.name, first=kept.rejected[0].first)
        self.shares.count(verdicts, kept.rejected)
        self.on_commit()

    async def _after_fence(self, batch: Sequence[Record]) -> None:
        """Reads the stored positions of what is still ours, and goes on from there."""
        assert self.positions is not None
        telemetry.FENCED.labels(self.service, self.stream.name).inc()
        log.warning("fenced: the stored position is another one", stream=self.stream.name)
        partitions = {TopicPartition(r.topic, r.partition) for r in batch}
        await self.positions.seek(p for p in partitions if p in self.positions)
        await asyncio.sleep(_AFTER_FENCE_SECONDS)


class _Late(ConsumerRebalanceListener):
    """The rebalance listener must be named before the subscriber is there that it needs."""

    target: Positions

    async def on_partitions_revoked(self, revoked: Any) -> None:
        await self.target.on_partitions_revoked(revoked)

    async def on_partitions_assigned(self, assigned: Any) -> None:
        await self.target.on_partitions_assigned(assigned)


async def _parse(batch: Sequence[Record], original: Callable[[Any], Awaitable[Any]]) -> Any:
    # FastStream decodes every header as UTF-8 and loses the whole batch when one is not: it gets none of them.
    message = await original(tuple(replace(r, headers=()) for r in batch))
    message.raw_message = tuple(batch)
    return message


async def _keep_raw(_: Any) -> None:
    return None


def _batch_name(ends: Mapping[TopicPartition, int]) -> str:
    return ";".join(f"{p.topic}/{p.partition}/{end}" for p, end in sorted(ends.items()))
