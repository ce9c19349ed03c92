"""The first loop: it stores Kafka records as facts.

Invariant: the facts, answers and next offsets of a batch are one transaction. A record that cannot be used becomes a
dead letter in it, and never stops the others. While the database is away, ingest waits.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

import structlog
from aiokafka import TopicPartition

from contracts.refusal import refused
from services.chassis.base import telemetry
from services.chassis.base.clock import CorridorClock
from services.chassis.base.clock_steps import learn_steps
from services.chassis.base.database import Connection, Pool, transaction
from services.chassis.base.errors import Fenced, is_transient, log_level
from services.chassis.base.pace import until
from services.chassis.base.parties import PartyBook
from services.chassis.ingest import answers, records
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.positions import Positions, TopicIds
from services.chassis.ingest.quarantine import Quarantine, begin_stand_in
from services.chassis.ingest.records import Record
from services.chassis.ingest.shares import shares_of
from services.chassis.ingest.stream import Batch, Stream
from services.chassis.queue import fold_queue
from services.chassis.queue.fold_queue import Cause

log = structlog.get_logger(__name__)

_BACKOFF_SECONDS = (0.1, 0.2, 0.5, 1.0, 2.0, 5.0, 5.0, 5.0)
_AFTER_FENCE_SECONDS = 0.2
_APART_SECONDS = 0.02

Take = Callable[[Sequence[Record]], Awaitable[None]]
"""Validates and stores records in one transaction; raises `Fenced` and what asyncpg raises."""
Fold = Callable[[Connection, Mapping[str, Cause]], Awaitable[bool]]
"""Folds subjects in a transaction, or queues them; returns whether it has queued any."""
Handle = Callable[[Batch], Awaitable[Kept]]
"""The function of a subscriber: stores a batch, and returns what became of its accepted records."""


class Ingest:
    """Reads one stream into the store."""

    def __init__(
        self,
        service: str,
        stream: Stream,
        pool: Pool,
        clock: CorridorClock,
        book: PartyBook,
        on_commit: Callable[[bool], None] = lambda _: None,
        quarantine_limit: int = 5,
        fold: Fold = fold_queue.add,
    ) -> None:
        self.service = service
        self.stream = stream
        self.group = f"{service}-{stream.name}"
        self.pool = pool
        self.clock = clock
        self.book = book
        self.on_commit = on_commit
        self._fold = self._fold_now = fold
        self.quarantine = Quarantine(service, stream, pool, quarantine_limit)
        self.shares = shares_of(service, stream, book.budget)
        self.positions: Positions | None = None
        self.stopping = asyncio.Event()

    def attach(self, subscriber: Any, topic_ids: TopicIds) -> Positions:
        """Makes the positions of a subscriber, from which its partitions are read."""
        self.positions = Positions(self.pool, subscriber, topic_ids)
        self.positions.held_back = self.quarantine.holds_back
        self.positions.left = self.shares.left
        return self.positions

    async def consume(self, batch: Sequence[Record], take: Take | None = None) -> None:
        """Stores the unread records of a batch, and retries while failures are transient; raises `Fenced`.

        `take` is how a subscriber does it, by way of its own function; without one the stream stores them by itself.
        Batches begin some milliseconds apart, so that each is larger under load.
        """
        began = time.monotonic()
        if unread := self._unread(batch):
            try:
                await self._until_it_passes(unread, take or self.take)
            finally:
                self._fold_now = self._fold
        await asyncio.sleep(max(0.0, began + _APART_SECONDS - time.monotonic()))

    async def decode(self, message: Any) -> Batch:
        """Validates the records of a FastStream message, whatever their bytes."""
        return await self.validate(message.raw_message)

    async def validate(self, found: Sequence[Record]) -> Batch:
        """The validated on records, by the parties as they are now; raises what asyncpg raises."""
        stream = self.stream
        if senders := {name for r in found if (name := stream.sender(r.topic)) is not None}:
            await learn_steps(self.pool, self.clock)
            await self.book.refresh(self.pool, *senders)
        validated = [stream.validate(record, self.book, self.clock.received_at) for record in found]
        return Batch(stream, found, validated, self.clock.now())

    async def watch_store(self, every_seconds: float = 2.0) -> None:
        """Checks, until cancelled, whether the store was restored, and which topics to pause or resume."""
        assert self.positions is not None
        while True:
            await asyncio.sleep(every_seconds)
            try:
                if behind := await self.positions.recheck():
                    log.warning("the store was restored", stream=self.stream.name, partitions=len(behind))
                await self.mind_limits()
            except Exception as failure:
                if not is_transient(failure):
                    raise

    def _unread(self, batch: Sequence[Record]) -> list[Record]:
        """The records that the store lacks: a batch that failed half way is delivered again from its start."""
        assert self.positions is not None
        found = [r for r in batch if r.offset >= self.positions.next_offset(TopicPartition(r.topic, r.partition))]
        return [r for r in found if not self.quarantine.holds_back(r.topic)]

    async def mind_limits(self) -> None:
        """Pauses the topics on whose records we fail too often, and resumes the others."""
        assert self.positions is not None
        await self.quarantine.refresh()
        self.positions.apply_pauses()

    async def _until_it_passes(self, batch: Sequence[Record], take: Take) -> None:
        for seconds in (*_BACKOFF_SECONDS, None):
            try:
                return await take(batch)
            except Fenced:
                raise
            except Exception as failure:
                if not is_transient(failure):
                    return await self._one_by_one(batch, take, failure)
                if seconds is None or self.stopping.is_set():
                    raise
                log.log(log_level(failure), "waiting to store a batch", stream=self.stream.name, failure=repr(failure))
                # The server ends a transaction whose folds take too long.
                self._fold_now = fold_queue.add
                await until(self.stopping, seconds)
        raise AssertionError("unreachable")

    async def _one_by_one(self, batch: Sequence[Record], take: Take, failure: Exception) -> None:
        """Finds the record that triggers a bug, and quarantines that one."""
        log.error("a batch fails, trying its records one by one", stream=self.stream.name, exc_info=failure)
        await self.mind_limits()
        # A bug in folding is no fault of the record.
        self._fold_now = fold_queue.add
        for record in batch:
            if not self.quarantine.holds_back(record.topic):
                await self._take_alone(record, take)

    async def _take_alone(self, record: Record, take: Take) -> None:
        try:
            await take([record])
        except Exception as failure:
            if isinstance(failure, Fenced) or is_transient(failure):
                raise
            await self._quarantine(record, failure)
            await self.mind_limits()

    async def _quarantine(self, record: Record, failure: Exception) -> None:
        telemetry.QUARANTINED.labels(self.service, self.stream.name).inc()
        refusal = refused("quarantined", "$", f"we failed on this record ({type(failure).__name__}) and keep it")
        rejected = records.reject(record, self.stream.sender(record.topic), refusal)
        await self.store(Batch(self.stream, [record], [rejected], self.clock.now()), failed=record)

    async def take(self, found: Sequence[Record]) -> None:
        """Validates and stores records in one transaction; raises `Fenced` and what asyncpg raises."""
        await self.store(await self.validate(found))

    async def store(self, batch: Batch, handle: Handle = Batch.store, *, failed: Record | None = None) -> None:
        """Stores facts, answers and positions of a batch in one transaction; with `failed`, also its stand-in.

        Raises `Fenced` and what asyncpg raises.
        """
        assert self.positions is not None
        with telemetry.ROUND.labels(self.service, f"ingest-{self.stream.name}").time():
            async with transaction(self.pool) as connection:
                await self.positions.advance(connection, batch.ends)
                batch.connection = connection
                batch.validated = await self.stream.admit(connection, batch.validated, self.book)
                kept = await handle(batch)
                became = await answers.answer(connection, self.service, batch, kept, self.positions.topic_id)
                queued = await self._fold_now(connection, kept.named)
                if failed is not None:
                    sender = self.book.get(self.stream.sender(failed.topic))
                    await begin_stand_in(connection, self.stream, failed, sender, batch.now)
            self.positions.committed(batch.ends)
        answers.count_batch(self.service, self.stream.name, became)
        if not self.stream.is_answered and became.rejected:
            log.critical(
                "records of our own topics are put aside", topic=self.stream.topic.name, first=became.rejected[0].first
            )
        self.shares.count(batch.validated, became.rejected)
        self.on_commit(queued)

    async def after_fence(self, batch: Sequence[Record]) -> None:
        """Seeks the partitions of a fenced batch that are still assigned to their stored positions."""
        assert self.positions is not None
        telemetry.FENCED.labels(self.service, self.stream.name).inc()
        log.warning("fenced: the stored position is another one", stream=self.stream.name)
        partitions = {TopicPartition(r.topic, r.partition) for r in batch}
        await self.positions.seek(p for p in partitions if p in self.positions)
        await asyncio.sleep(_AFTER_FENCE_SECONDS)
