"""Reads back from Kafka what a store that was put back has told and no longer knows.

Invariant: until that is done nothing is folded or numbered; afterwards the store knows the highest version of each
entity and the last number of each feed, so what was given up is published anew or closed, and nothing is told twice.
"""

from collections.abc import Callable
from contextlib import AbstractAsyncContextManager
from datetime import timedelta

import structlog
from aiokafka import AIOKafkaProducer

from services.chassis.clock import machinery_now
from services.chassis.database import Pool, transaction
from services.chassis.mark import StoreMark
from services.chassis.pace import repeat
from services.chassis.readback import Readback, readback
from services.chassis.settings import ServiceSettings
from services.chassis.spoken import Speaker, events_of

log = structlog.get_logger(__name__)

# A copy goes on at once with what it was at; others when its time is over.
_CLAIM = "UPDATE recall SET until = $2 WHERE until <= $1 OR noticed = $3 RETURNING since, noticed"
_KEEP = "UPDATE recall SET until = $2 WHERE noticed = $1"
_DONE = "DELETE FROM recall WHERE noticed = $1"
_EVERY_SECONDS = 0.5
_LEASE = timedelta(seconds=15)
# By how much the clocks of broker and services may differ, in microseconds.
_SKEW = 60_000_000
_LAST_RECORDS = 20


class Recall:
    """Looks after the store of a service for one copy."""

    def __init__(
        self,
        service: str,
        speaker: Speaker,
        pool: Pool,
        mark: StoreMark,
        wake: Callable[[], None],
        settings: ServiceSettings,
        producer: AIOKafkaProducer,
    ) -> None:
        self._service = service
        self._speaker = speaker
        self._pool = pool
        self._mark = mark
        self._wake = wake
        self._settings = settings
        self._producer = producer
        self._at_work_on = 0

    async def begin(self) -> None:
        """Before this copy tells anything: whether our topics end with what the store does not know.

        Then it was put back while no copy was at work.
        """
        known = True
        async with self._open() as topics:
            async for page in topics.ends(_LAST_RECORDS):
                async with transaction(self._pool) as connection:
                    known &= await self._speaker.all_known(connection, events_of(page, self._service, self._speaker))
        await self._look(put_back=not known)

    async def run(self) -> None:
        """Looks and reads back until cancelled."""
        await repeat(self._round, _EVERY_SECONDS, "what was told cannot be read back")

    async def _round(self) -> None:
        await self._look()
        now = machinery_now()
        row = await self._pool.fetchrow(_CLAIM, now, now + _LEASE, self._at_work_on)
        if row is not None:
            self._at_work_on = row["noticed"]
            await self._read_back(row["since"], row["noticed"])

    async def _look(self, *, put_back: bool = False) -> None:
        if await self._mark.look(self._pool, put_back=put_back):
            log.warning("the store was put back: what was told since is read back", service=self._service)

    async def _read_back(self, since: int, noticed: int) -> None:
        taken_up = 0
        async with self._open() as topics:
            async for page in topics.since(max(0, since - _SKEW) // 1000):
                events = events_of(page, self._service, self._speaker)
                async with transaction(self._pool) as connection:
                    taken_up += await self._speaker.take_up(connection, events)
                    await connection.execute(_KEEP, noticed, machinery_now() + _LEASE)
        await self._pool.execute(_DONE, noticed)
        log.warning("what was told has been read back", service=self._service, taken_up=taken_up)
        self._wake()

    def _open(self) -> AbstractAsyncContextManager[Readback]:
        return readback(self._settings, self._producer, self._speaker.topics)
