"""Recovers from our own topics what a restored store published after its backup.

Invariant: nothing is folded or numbered until the recovery is done and ingest has read its topics to the end that they
had. A task from before another restore is never completed. Afterwards the store has the highest version of each entity
and every item of its feeds; the next fold closes what no longer holds.
"""

import asyncio
import time
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass

import structlog
from aiokafka import AIOKafkaProducer, TopicPartition

from contracts.topics import Topic
from services.chassis.base.clock import version_after
from services.chassis.base.database import Connection, Pool, transaction
from services.chassis.base.errors import is_transient
from services.chassis.base.pace import repeat
from services.chassis.base.restore_detection import SERVER, RestoreDetector, StoreCheck, mark_unchanged
from services.chassis.base.settings import ServiceSettings
from services.chassis.ingest import positions
from services.chassis.recovery.published_state import PublishedState, events_of
from services.chassis.recovery.readback import Readback, readback

log = structlog.get_logger(__name__)

# A copy resumes its own task at once, and another copy's when its time is over by the clock of the store.
_CLAIM = f"""
UPDATE recovery_task SET until = clock_timestamp() + interval '15 s'
WHERE until <= clock_timestamp() OR noticed = $1
RETURNING since, noticed, {SERVER} AS server
"""
# A backup may contain the task without its progress; then another restore has superseded it.
_OWN_TASK = f"noticed = $1 AND {SERVER} = $2 AND {mark_unchanged('$3')}"
_KEEP = f"UPDATE recovery_task SET until = clock_timestamp() + interval '15 s' WHERE {_OWN_TASK}"
_DONE = f"DELETE FROM recovery_task WHERE {_OWN_TASK}"
_EVERY_SECONDS = 1.0
# Each check writes one row, which is all that an idle service writes.
_CHECK_EACH_SECONDS = 1.0
_PAUSE_SECONDS = 0.1
# By how much the clocks of broker and services may differ, in microseconds.
_SKEW = 30_000_000
# After this time without progress of ingest, while Kafka answers, we stop waiting for it.
_STALLED_SECONDS = 60.0

_Task = tuple[int, str]
"""The mark at which a task was noticed, and the server on which it was claimed."""


class _Superseded(Exception):
    """The store was restored once more, so the task is no longer the stored one."""


@dataclass(frozen=True, slots=True)
class Reads:
    """The topics that ingest reads, and whether it holds one back for now."""

    topics: Sequence[Topic] = ()
    holds_back: Callable[[str], bool] = lambda _: False


class Recovery:
    """Checks and recovers the store of a service, for one copy; `wake` is called when folding may go on."""

    def __init__(
        self,
        service: str,
        published: PublishedState,
        reads: Reads,
        pool: Pool,
        mark: RestoreDetector,
        wake: Callable[[], None],
        settings: ServiceSettings,
        producer: AIOKafkaProducer,
    ) -> None:
        self._service = service
        self._published = published
        self._reads = reads
        self._pool = pool
        self._mark = mark
        self._wake = wake
        self._settings = settings
        self._producer = producer
        self._own_task = 0
        self._waits = False

    async def check(self) -> None:
        """Compares the store with our topics from its mark on; stores a recovery task if it lacks records.

        A copy does this before it publishes anything. So it finds a store that was restored while no copy ran, or that
        has lost committed rows. Raises as `readback` and asyncpg do.
        """
        mark, server = await self._mark.found(self._pool)
        # A mark from the future comes from a wrong clock, and says nothing.
        since = mark if mark <= version_after(0) + _SKEW else 0
        known = True
        async with self._open(self._published.topics) as topics:
            async for page in topics.since(_milliseconds(since)):
                events = events_of(page, self._service, self._published)
                async with transaction(self._pool) as connection:
                    known &= await self._published.is_current(connection, events)
        await self._check_mark(None if known else since, server)

    async def run(self) -> None:
        """Checks and recovers until cancelled; checks go on during a recovery, which may take long."""
        await asyncio.gather(
            repeat(self._check_mark, _CHECK_EACH_SECONDS, "the store cannot be checked"),
            repeat(self.round, _EVERY_SECONDS, "recovery failed"),
        )

    async def round(self) -> None:
        """Compares the store if that is due, and does the stored task unless another copy works on it."""
        try:
            if not self._mark.is_compared:
                await self.check()
            row = await self._pool.fetchrow(_CLAIM, self._own_task)
            if row is not None:
                self._own_task = row["noticed"]
                await self._do(row["since"], (row["noticed"], row["server"]))
            self._waits = False
        except _Superseded:
            log.warning("the store was restored once more", service=self._service)
        except Exception as failure:
            if is_transient(failure) and not self._waits:
                self._waits = True
                log.warning("recovery waits", service=self._service, failure=repr(failure))
            raise

    async def _check_mark(self, unknown_since: int | None = None, compared: str | None = None) -> StoreCheck:
        found = await self._mark.check(self._pool, unknown_since, compared)
        if found is StoreCheck.RESTORED:
            log.warning("the store was restored: recovery begins", service=self._service)
        return found

    async def _do(self, since: int, task: _Task) -> None:
        restored = await self._read_back(since, task)
        await self._wait_for_ingest(task)
        if await self._pool.execute(_DONE, *task, self._mark.left) != "DELETE 1":
            raise _Superseded
        log.warning("recovery is complete", service=self._service, restored=restored)
        self._wake()

    async def _read_back(self, since: int, task: _Task) -> int:
        restored = 0
        async with self._open(self._published.topics) as topics:
            async for page in topics.since(_milliseconds(since)):
                events = events_of(page, self._service, self._published)
                async with transaction(self._pool) as connection:
                    await self._keep(connection, task)
                    restored += await self._published.restore(connection, events)
        return restored

    async def _wait_for_ingest(self, task: _Task) -> None:
        """Waits until ingest has read its topics to their present end again, or makes no more progress."""
        bounds = await self._bounds()
        before: dict[TopicPartition, int] = {}
        moved = time.monotonic()
        while behind := await positions.behind(self._pool, bounds, self._reads.holds_back):
            if behind != before:
                before, moved = behind, time.monotonic()
            elif time.monotonic() - moved > _STALLED_SECONDS:
                # Raises while Kafka is away, which explains the standstill.
                await self._bounds()
                log.error("ingest does not reach its former position", service=self._service, behind=len(behind))
                return
            async with transaction(self._pool) as connection:
                await self._keep(connection, task)
            await asyncio.sleep(_PAUSE_SECONDS)

    async def _keep(self, connection: Connection, task: _Task) -> None:
        if await connection.execute(_KEEP, *task, self._mark.left) != "UPDATE 1":
            raise _Superseded

    async def _bounds(self) -> positions.Bounds:
        async with self._open(self._reads.topics) as topics:
            return await topics.bounds()

    def _open(self, topics: Sequence[Topic]) -> AbstractAsyncContextManager[Readback]:
        return readback(self._settings, self._producer, topics)


def _milliseconds(since: int) -> int:
    return max(0, since - _SKEW) // 1000
