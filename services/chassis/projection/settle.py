"""The second loop: it folds queued subjects, a page for each transaction.

Invariant: a round takes queue rows, folds their subjects and commits once. Rows of a round that fails are back in the
queue.
"""

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from datetime import timedelta
from typing import NamedTuple

import structlog

from services.chassis.base import telemetry
from services.chassis.base.clock import machinery_now
from services.chassis.base.database import Connection, Pool, transaction
from services.chassis.base.errors import is_transient, log_level
from services.chassis.base.pace import Pace, repeat, until
from services.chassis.projection.folding import AT_ONCE, Folding
from services.chassis.projection.pages import Pages
from services.chassis.queue import fold_queue
from services.chassis.queue.fold_queue import Cause

log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_PACE_SECONDS = 0.015
_RETRY_SECONDS = 0.5
_REPUBLISH_AFTER = timedelta(hours=20)


class _Round(NamedTuple):
    """How many queue rows a round took, and the party of each subject that it folded."""

    taken: int
    parties: Sequence[str]


class Settle:
    """Folds the queued subjects of a service; several workers may run at once."""

    def __init__(
        self,
        folding: Folding,
        pool: Pool,
        subjects: int = 250,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self.folding = folding
        self.service = folding.service
        self.projection = folding.projection
        self.pool = pool
        self.clock = folding.clock
        self.subjects = subjects
        self.on_commit = on_commit
        self._wake = asyncio.Event()
        self._working = 0

    def wake(self) -> None:
        """Signals that rows have been queued."""
        self._wake.set()

    async def fold_or_queue(self, connection: Connection, named: Mapping[str, Cause]) -> bool:
        """Folds subjects in the caller's transaction if they are few and nobody waits; returns whether it queued any.

        So a single report is stored, folded and published by one commit, and a backlog is folded in full pages.
        """
        if self._working or self._wake.is_set() or len(named) > AT_ONCE:
            return await fold_queue.add(connection, named)
        rows = {subject: fold_queue.row_of(subject, cause) for subject, cause in named.items()}
        return await self.folding.fold_free(connection, rows)

    async def run(self) -> None:
        """Folds until cancelled; waits while the database is away."""
        pace, pages = Pace(_PACE_SECONDS), Pages(self.subjects)
        while True:
            await pace.keep()
            self._wake.clear()
            try:
                self._working += 1
                while await self._page(pages):
                    pass
            except Exception as failure:
                if not is_transient(failure):
                    log.exception("a round failed")
                else:
                    log.log(log_level(failure), "settle waits", failure=repr(failure))
                pages.failed()
                await asyncio.sleep(_RETRY_SECONDS)
                continue
            finally:
                self._working -= 1
            await until(self._wake, _POLL_SECONDS)

    async def _page(self, pages: Pages) -> bool:
        """One round and its rest, which new rows cut short; returns whether there may be more rows."""
        begun, most = time.monotonic(), pages.most
        done = await self._round(most)
        rest = pages.took(done.parties, time.monotonic() - begun)
        if rest:
            self._wake.clear()
            await until(self._wake, rest)
        return done.taken >= most or rest > 0

    async def run_timers(self, every_seconds: float = 1.0) -> None:
        """Queues subjects whose picture is due, until cancelled."""
        await repeat(self.enqueue_due, every_seconds, "timers failed")

    async def run_republication(self, every_seconds: float = 60.0) -> None:
        """Republishes each picture, unchanged, at least once a day, until cancelled."""
        await repeat(self.republish_old, every_seconds, "republication failed")

    async def republish_old(self) -> int:
        """Queues the pictures that were last published nearly a day ago; returns how many."""
        now = machinery_now()
        async with transaction(self.pool) as connection:
            queued = await fold_queue.queue_old(connection, now - _REPUBLISH_AFTER, now)
        if queued:
            self.wake()
        return queued

    async def enqueue_due(self) -> int:
        """Queues the pictures that are due at the corridor's present; returns how many."""
        async with transaction(self.pool) as connection:
            fired = await fold_queue.enqueue_due(connection, self.clock.now())
        if fired:
            self.wake()
        return fired

    async def start(self) -> None:
        """Queues the pictures that older code or data have folded."""
        await fold_queue.queue_all(self.pool, "rebuild", (self.projection.fold_number, self.projection.data_number))

    async def round(self) -> int:
        """One transaction on a page of `subjects` rows; returns how many queue rows it took."""
        self._wake.clear()
        return (await self._round(self.subjects)).taken

    async def _round(self, most: int) -> "_Round":
        with telemetry.ROUND.labels(self.service, "settle").time():
            async with transaction(self.pool) as connection:
                taken = await fold_queue.take(connection, most, machinery_now(), self.folding.mark.left)
                rows = fold_queue.coalesced(taken)
                queued = await self.folding.fold(connection, rows)
        if taken:
            if queued:
                self.wake()
            self.on_commit()
        return _Round(len(taken), [row.party for row in rows.values()])


async def drain(settle: Settle) -> None:
    """Folds until the queue is empty; for tests and tools."""
    while await settle.round():
        pass
