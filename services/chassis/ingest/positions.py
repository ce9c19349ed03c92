"""The next offset of each partition, kept in the store, not in Kafka.

Invariant: a position moves only in the transaction that stores the records before it, and only from the value that
this copy last read or wrote. A copy that has lost a partition, or whose store was restored, is fenced.
"""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from typing import Any

import structlog
from aiokafka import ConsumerRebalanceListener, TopicPartition

from services.chassis.base.database import Connection, Pool
from services.chassis.base.errors import Fenced, is_transient, log_level
from services.chassis.kafka import fair_reading

log = structlog.get_logger(__name__)

Bounds = Mapping[TopicPartition, tuple[int, int]]
"""The first offset of each partition, and the one behind its last."""

TopicIds = Callable[[Iterable[str]], Awaitable[dict[str, str]]]

# A topic that was created anew has another id, and is read from its beginning.
_OPEN = """
INSERT INTO position AS p (topic, partition, topic_id, next_offset)
SELECT topic, partition, topic_id, 0
FROM unnest($1::text[], $2::int[], $3::text[]) AS u (topic, partition, topic_id) ORDER BY 1, 2
ON CONFLICT (topic, partition) DO UPDATE
SET topic_id = EXCLUDED.topic_id,
    next_offset = CASE WHEN p.topic_id = EXCLUDED.topic_id THEN p.next_offset ELSE 0 END
RETURNING topic, partition, topic_id, next_offset
"""
_ADVANCE = """
UPDATE position AS p SET next_offset = u.next
FROM unnest($1::text[], $2::int[], $3::text[], $4::bigint[], $5::bigint[])
    AS u (topic, partition, topic_id, expected, next)
WHERE p.topic = u.topic AND p.partition = u.partition AND p.topic_id = u.topic_id AND p.next_offset = u.expected
"""
_STORED = "SELECT topic, partition, next_offset FROM position WHERE topic = ANY($1::text[])"
# No stored position has this value, so the next batch is fenced.
_UNKNOWN_OFFSET = -1


class Positions(ConsumerRebalanceListener):
    """The positions of one subscriber, and the rebalance listener that keeps them current.

    `has_assignment` says that the group has sent an assignment, which may be empty.
    """

    def __init__(self, pool: Pool, subscriber: Any, topic_ids: TopicIds, retry_seconds: float = 0.5) -> None:
        self._pool = pool
        self._subscriber = subscriber
        self._topic_ids = topic_ids
        self._retry_seconds = retry_seconds
        self._held: dict[TopicPartition, int] = {}
        self._ids: dict[str, str] = {}
        self.held_back: Callable[[str], bool] = lambda _: False
        self.left: fair_reading.Left = fair_reading.all_of_it
        self._paused: set[TopicPartition] = set()
        self.has_assignment = False

    def __contains__(self, partition: TopicPartition) -> bool:
        return partition in self._held

    def next_offset(self, partition: TopicPartition) -> int:
        """The first offset that the store lacks; 0 for a partition that is not assigned."""
        return self._held.get(partition, 0)

    def highwater(self, partition: TopicPartition) -> int | None:
        """The end offset of a partition as of the last fetch; None before the first one."""
        end: int | None = self._subscriber.consumer.highwater(partition)
        return end

    def topic_id(self, topic: str) -> str:
        return self._ids.get(topic, "")

    @property
    def assigned(self) -> frozenset[TopicPartition]:
        return frozenset(self._held)

    async def on_partitions_revoked(self, revoked: Iterable[TopicPartition]) -> None:
        """Waits for the current batch to end before another copy may begin to read."""
        lock = getattr(self._subscriber, "lock", None)
        if lock is not None and self._held:
            await lock.wait_release(30)
        self._held.clear()
        self._paused.clear()

    async def on_partitions_assigned(self, assigned: Iterable[TopicPartition]) -> None:
        """Seeks to the stored positions. Fetching has begun already, so the pause comes before any await."""
        partitions = sorted(assigned)
        self.has_assignment = True
        if not partitions:
            return
        self._subscriber.consumer.pause(*partitions)
        fair_reading.limit(self._subscriber.consumer, self.left)
        await self.seek(partitions)
        self._paused.update(p for p in partitions if self.held_back(p.topic))
        self._subscriber.consumer.resume(*(p for p in partitions if p not in self._paused))

    def apply_pauses(self) -> None:
        """Pauses the partitions that are held back, and resumes the others at their stored positions."""
        consumer = self._subscriber.consumer
        for partition, offset in self._held.items():
            held = self.held_back(partition.topic)
            if partition not in consumer.assignment() or held == (partition in self._paused):
                continue
            if held:
                self._paused.add(partition)
                consumer.pause(partition)
            else:
                # Records fetched behind the failure were dropped unread.
                if offset != _UNKNOWN_OFFSET:
                    consumer.seek(partition, offset)
                self._paused.discard(partition)
                consumer.resume(partition)

    async def seek(self, partitions: Iterable[TopicPartition]) -> None:
        """Reads the stored positions and seeks to them; retries until the store and the broker answer."""
        partitions = sorted(partitions)
        for partition, offset in (await self._read(partitions)).items():
            if partition in self._subscriber.consumer.assignment():
                self._subscriber.consumer.seek(partition, offset)
                self._held[partition] = offset

    async def recheck(self) -> list[TopicPartition]:
        """Seeks the partitions whose stored position went backwards, which only a restore does; returns them.

        A fence would notice this only at the next record, which may never come. A batch may be in progress now, so the
        next one is fenced in any case, and seeks again.
        """
        held = dict(self._held)
        if not held:
            return []
        stored = await _stored(self._pool, held)
        behind = [p for p, offset in held.items() if stored.get(p, 0) < offset and self._held.get(p) == offset]
        for partition in behind:
            self._held[partition] = _UNKNOWN_OFFSET
            if partition in self._subscriber.consumer.assignment():
                self._subscriber.consumer.seek(partition, stored.get(partition, 0))
        return behind

    async def advance(self, connection: Connection, ends: Mapping[TopicPartition, int]) -> None:
        """Moves the stored positions to `ends`, in the caller's transaction; raises `Fenced`."""
        partitions = sorted(ends)
        if any(p not in self._held for p in partitions):
            raise Fenced
        moved = await connection.execute(
            _ADVANCE,
            [p.topic for p in partitions],
            [p.partition for p in partitions],
            [self._ids[p.topic] for p in partitions],
            [self._held[p] for p in partitions],
            [ends[p] for p in partitions],
        )
        if moved != f"UPDATE {len(partitions)}":
            raise Fenced

    def committed(self, ends: Mapping[TopicPartition, int]) -> None:
        """Notes the positions that a committed transaction has written."""
        self._held.update({p: end for p, end in ends.items() if p in self._held})

    async def _read(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        while True:
            try:
                return await self._read_once(partitions)
            except Exception as failure:
                # The client only logs an error of a listener, and would read the partition from anywhere.
                if not is_transient(failure):
                    log.exception("positions cannot be read")
                else:
                    log.log(log_level(failure), "waiting to read positions", failure=repr(failure))
                await asyncio.sleep(self._retry_seconds)

    async def _read_once(self, partitions: list[TopicPartition]) -> dict[TopicPartition, int]:
        ids = await self._topic_ids({p.topic for p in partitions})
        self._ids.update(ids)
        rows = await self._pool.fetch(
            _OPEN,
            [p.topic for p in partitions],
            [p.partition for p in partitions],
            [ids[p.topic] for p in partitions],
        )
        return _by_place(rows)


async def behind(pool: Pool, bounds: Bounds, held_back: Callable[[str], bool]) -> dict[TopicPartition, int]:
    """The stored positions of partitions that are not read to the end of their bounds, without held-back topics."""
    stored = await _stored(pool, bounds)
    places = {p: max(start, stored.get(p, 0)) for p, (start, _) in bounds.items()}
    return {p: place for p, place in places.items() if place < bounds[p][1] and not held_back(p.topic)}


async def _stored(pool: Pool, partitions: Iterable[TopicPartition]) -> dict[TopicPartition, int]:
    """The stored positions of all partitions of these partitions' topics."""
    return _by_place(await pool.fetch(_STORED, sorted({p.topic for p in partitions})))


def _by_place(rows: Iterable[Any]) -> dict[TopicPartition, int]:
    return {TopicPartition(r["topic"], r["partition"]): r["next_offset"] for r in rows}
