"""The second loop: it folds facts into pictures. State changes here alone.

Invariant: a round is one transaction: it takes queue rows, locks pictures, reads facts, folds them in pure code, saves
the results, and writes records to the outbox. A fold reads other subjects only as committed. When the shared state of
a subject changes, a later round folds the subjects that read it, so the later of two commits sees the earlier one.
"""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import NamedTuple, Protocol

import structlog

from contracts.envelope.codec import Event
from services.chassis.base import telemetry
from services.chassis.base.clock import CorridorClock, machinery_now
from services.chassis.base.database import Connection, Pool, transaction
from services.chassis.base.errors import is_transient, log_level
from services.chassis.base.pace import Pace, repeat, until
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.outbox import outgoing
from services.chassis.outbox.receipts import keep_receipts
from services.chassis.projection import changes, pictures
from services.chassis.projection.changes import PictureChange
from services.chassis.projection.fold import Folded, Inputs
from services.chassis.projection.pages import Pages
from services.chassis.projection.pictures import LockedPicture
from services.chassis.projection.time_budget import TookTooLong, at_most
from services.chassis.queue import fold_queue
from services.chassis.queue.fold_queue import QueueRow

log = structlog.get_logger(__name__)

_POLL_SECONDS = 1.0
_PACE_SECONDS = 0.015
_RETRY_SECONDS = 0.5
_REPUBLISH_AFTER = timedelta(hours=20)
_LATER_SECONDS = (0.2, 1.0, 5.0, 30.0)
FOLD_SECONDS = 2.0
"""The time limit of one fold: the server ends a transaction that is idle for some seconds."""


class Projection(Protocol):
    """A service's domain code: the subjects that an event names, the fold of each, and the rows beside the picture.

    `fold_number` rises with the fold code, `data_number` with the corridor data.
    """

    fold_number: int
    data_number: int

    @staticmethod
    def links_of(event: Event) -> Iterable[tuple[str, str]]:
        """The links of an event: pairs of a subject that it names, and the subject that this one then reads, or ""."""
        ...

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        """The picture of one subject; pure."""
        ...

    def decides(self, subject: str) -> bool:
        """Whether a fold of this subject decides something irreversibly; then it waits until its inputs are folded."""
        ...

    async def save(self, connection: Connection, changes: Sequence[PictureChange]) -> None:
        """Saves the service's own rows of changed pictures; at most a few statements."""
        ...


class _Round(NamedTuple):
    """How many queue rows a round took, and the party of each subject that it folded."""

    taken: int
    parties: Sequence[str]


class Settle:
    """Folds the queued subjects of a service; several workers may run at once."""

    def __init__(
        self,
        service: str,
        projection: Projection,
        pool: Pool,
        clock: CorridorClock,
        own_topics: Sequence[str] = (),
        subjects: int = 250,
        on_commit: Callable[[], None] = lambda: None,
        mark: RestoreDetector | None = None,
        fold_seconds: float = FOLD_SECONDS,
    ) -> None:
        self.service = service
        self.projection = projection
        self.pool = pool
        self.clock = clock
        self.own_topics = own_topics
        self.subjects = subjects
        self.on_commit = on_commit
        self.mark = mark or RestoreDetector()
        self.fold_seconds = fold_seconds
        self._wake = asyncio.Event()

    def wake(self) -> None:
        """Signals that rows have been queued."""
        self._wake.set()

    async def run(self) -> None:
        """Folds until cancelled; waits while the database is away."""
        pace, pages = Pace(_PACE_SECONDS), Pages(self.subjects)
        while True:
            await pace.keep()
            self._wake.clear()
            try:
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
        return (await self._round(self.subjects)).taken

    async def _round(self, most: int) -> "_Round":
        with telemetry.ROUND.labels(self.service, "settle").time():
            async with transaction(self.pool) as connection:
                now = machinery_now()
                taken = await fold_queue.take(connection, most, now, self.mark.left)
                below = fold_queue.coalesced(
                    await fold_queue.dependents(connection, (t for t in taken if t.expand), now)
                )
                # A subject may have very many dependents. They are folded in pages, so that a round stays short.
                later = [below.pop(subject) for subject in sorted(below)[most:]]
                rows = fold_queue.coalesced([*below.values(), *(t for t in taken if not t.expand)])
                queued = await self._fold_taken(connection, rows, later)
        if taken:
            if queued:
                self.wake()
            self.on_commit()
        return _Round(len(taken), [row.party for row in rows.values()])

    async def _fold_taken(
        self, connection: Connection, taken: Mapping[str, QueueRow], later: Sequence[QueueRow] = ()
    ) -> int:
        """Folds and saves the `taken` subjects, and queues `later`; returns how many due rows it has queued."""
        if not taken:
            return 0
        held = await pictures.lock(connection, sorted(taken))
        ours = [h for h in held if self._may_fold(h)]
        facts = await pictures.facts_of(connection, ours, self.own_topics)
        taken = await fold_queue.with_news(connection, taken)
        deciding = [h.subject for h in ours if self.projection.decides(h.subject)]
        early = await fold_queue.behind_news(connection, deciding, list(taken))
        inputs = await pictures.with_shared(connection, [f for f in facts if f.subject not in early])
        folding = [h for h in ours if h.subject not in early]
        now = self.clock.now()
        done, failed = self._fold_each(folding, inputs, taken, now)
        newer = [taken[h.subject] for h in held if not self._may_fold(h)]
        await self._write(connection, done, now)
        changed = [e for e in done if e.shared_changed]
        expansions = [QueueRow(e.subject, True, "expand", None, 0, e.row.priority, e.row.party) for e in changed]
        at_once = [*expansions, *later, *(taken[s].as_it_was() for s in early)]
        await fold_queue.queue_again(connection, [*((row, None) for row in at_once), *_later(failed, newer)])
        return len(at_once)

    def _fold_each(
        self, folding: Sequence[LockedPicture], inputs: Sequence[Inputs], taken: Mapping[str, QueueRow], now: datetime
    ) -> tuple[list[PictureChange], list[QueueRow]]:
        """Folds each subject; returns the changes, and the rows whose fold failed or took too long, for later."""
        build = (self.projection.fold_number, self.projection.data_number)
        done: list[PictureChange] = []
        failed: list[QueueRow] = []
        for before, given in zip(folding, inputs, strict=True):
            row = taken[before.subject]
            try:
                with at_most(self.fold_seconds):
                    folded = self.projection.fold(given, now)
                done.append(changes.change_of(before, given, folded, row, now, build))
            except TookTooLong:
                telemetry.FOLD_FAILED.labels(self.service).inc()
                log.critical("a subject is set aside: its fold takes too long", subject=before.subject)
                failed.append(row._replace(attempts=max(row.attempts, len(_LATER_SECONDS) - 1)))
            except Exception:
                telemetry.FOLD_FAILED.labels(self.service).inc()
                log.exception("a fold failed", subject=before.subject, attempts=row.attempts)
                failed.append(row)
        return done, failed

    def _may_fold(self, held: LockedPicture) -> bool:
        return held.fold <= self.projection.fold_number and held.data <= self.projection.data_number

    async def _write(self, connection: Connection, done: Sequence[PictureChange], now: datetime) -> None:
        changed = [e for e in done if e.saved is not None]
        saved = [e.saved for e in changed if e.saved is not None]
        await pictures.save(connection, saved, self.projection.fold_number, self.projection.data_number)
        await self.projection.save(connection, changed)
        await keep_receipts(connection, [r for e in done for r in e.receipts], now)
        await outgoing.append(connection, [o for e in done for o in changes.records(self.service, e, now)])
        telemetry.FOLDED.labels(self.service, "changed").inc(len(changed))
        telemetry.FOLDED.labels(self.service, "unchanged").inc(len(done) - len(changed))


def _later(failed: Sequence[QueueRow], newer: Sequence[QueueRow]) -> list[tuple[QueueRow, datetime]]:
    """The rows to queue again, each with its instant: failed folds, and pictures that a newer build has folded."""
    now = machinery_now()
    found = [(row, now + timedelta(seconds=_LATER_SECONDS[1])) for row in newer]
    for row in failed:
        seconds = _LATER_SECONDS[min(row.attempts, len(_LATER_SECONDS) - 1)]
        found.append((row._replace(attempts=row.attempts + 1), now + timedelta(seconds=seconds)))
    return [(row.as_it_was(), at) for row, at in found]


async def drain(settle: Settle) -> None:
    """Folds until the queue is empty; for tests and tools."""
    while await settle.round():
        pass
