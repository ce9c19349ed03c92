"""Folds subjects within a transaction: locks pictures, reads facts, folds them in pure code, saves and publishes.

Invariant: state changes here alone. A picture is locked before its facts are read, so the later of two transactions
sees the facts of the earlier one. Whoever changes the shared state of a subject folds or queues all that read it by a
committed link. A subject that begins to read another one is folded once more when no transaction that may have missed
its link is left.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple, Protocol

import structlog

from contracts.envelope.codec import Event
from services.chassis.base import telemetry
from services.chassis.base.clock import CorridorClock, machinery_now
from services.chassis.base.database import Connection
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.outbox import outgoing
from services.chassis.outbox.receipts import keep_receipts
from services.chassis.projection import changes, pictures
from services.chassis.projection.changes import PictureChange
from services.chassis.projection.fold import Folded, Inputs
from services.chassis.projection.pictures import LockedPicture
from services.chassis.projection.time_budget import TookTooLong, at_most
from services.chassis.queue import fold_queue
from services.chassis.queue.fold_queue import QueueRow

log = structlog.get_logger(__name__)

FOLD_SECONDS: Final = 2.0
"""The time limit of one fold: the server ends a transaction that is idle for some seconds."""
AT_ONCE: Final = 16
"""How many subjects a transaction folds beyond those that it has taken from the queue."""
_LATER_SECONDS = (0.2, 1.0, 5.0, 30.0)
# Transactions of ours end sooner than this, so a second look need not wait for longer.
_LOOK_AGAIN_AFTER = timedelta(seconds=60)


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
        """Saves the service's own rows of changed pictures, at the end of the transaction; at most a few statements.

        A subject may have changed more than once; its changes come in order.
        """
        ...


class _Level(NamedTuple):
    """The subjects of a transaction that are folded together: what came of them.

    `early` wait for others, `later` are rows to queue with their instants, `looks_again` counts second looks.
    """

    changes: Sequence[PictureChange]
    early: Sequence[LockedPicture]
    later: Sequence[tuple[QueueRow, datetime]]
    looks_again: int


class Folding:
    """Folds the subjects of a service, which may have replicas of what other services publish."""

    def __init__(
        self,
        service: str,
        projection: Projection,
        clock: CorridorClock,
        has_replicas: bool = False,
        mark: RestoreDetector | None = None,
        fold_seconds: float = FOLD_SECONDS,
    ) -> None:
        self.service = service
        self.projection = projection
        self.clock = clock
        self.has_replicas = has_replicas
        self.mark = mark or RestoreDetector()
        self.fold_seconds = fold_seconds

    async def fold_free(self, connection: Connection, rows: Mapping[str, QueueRow]) -> bool:
        """Folds those subjects that may be folded without a queue row, and queues the others; returns if it queued any.

        The links of the caller's own transaction are not committed: a subject that reads another one by them waits.
        """
        settled = {s: row for s, row in rows.items() if not row.linked and row.priority < fold_queue.LOW_PRIORITY}
        free = await self._free(connection, settled)
        await fold_queue.queue_again(connection, ((row, None) for s, row in rows.items() if s not in free))
        return bool(await self.fold(connection, free)) or len(free) < len(rows)

    async def fold(self, connection: Connection, taken: Mapping[str, QueueRow]) -> int:
        """Folds and saves subjects, then those that read them if these are few; returns how many rows it has queued.

        The latter are folded only if nobody else has locked them: so no two transactions wait for each other.
        """
        held = await pictures.lock(connection, sorted(taken)) if taken else []
        left, queued = AT_ONCE, 0
        done: list[PictureChange] = []
        while held:
            left -= len(held)
            found = await self._fold_held(connection, held, taken)
            done += found.changes
            below = await fold_queue.dependents(connection, (e.row for e in found.changes if e.shared_changed))
            # What waits for others of this level is folded after them; with nothing folded, it waits in the queue.
            waiting = {h.subject: taken[h.subject] for h in found.early} if len(found.early) < len(held) else {}
            early = [taken[h.subject].as_it_was() for h in found.early if h.subject not in waiting]
            at_once = await self._free(connection, below) if len(below) <= left else {}
            held = await pictures.lock_free(connection, sorted(at_once))
            taken = {h.subject: at_once[h.subject] for h in held} | waiting
            held += [h for h in found.early if h.subject in waiting]
            due = [(row, None) for row in (*(below[s] for s in below if s not in taken), *early)]
            await fold_queue.queue_again(connection, [*due, *found.later])
            queued += len(due) + found.looks_again
        if changed := [e for e in done if e.saved is not None]:
            await self.projection.save(connection, changed)
        return queued

    async def _free(self, connection: Connection, rows: Mapping[str, QueueRow]) -> dict[str, QueueRow]:
        """The rows whose subjects may be folded without being taken from the queue."""
        undecided = [s for s in rows if not self.projection.decides(s)]
        free = await fold_queue.free(connection, undecided, self.mark.left)
        return {s: row for s, row in rows.items() if s in free}

    async def _fold_held(
        self, connection: Connection, held: Sequence[LockedPicture], taken: Mapping[str, QueueRow]
    ) -> "_Level":
        """Folds and saves locked subjects."""
        ours = [h for h in held if self._may_fold(h)]
        facts = await pictures.facts_of(connection, ours, has_replicas=self.has_replicas)
        taken = await fold_queue.with_news(connection, taken)
        deciding = [h.subject for h in ours if self.projection.decides(h.subject)]
        early = await fold_queue.behind_news(connection, deciding, list(taken))
        linked = any(taken[h.subject].linked for h in ours) and await fold_queue.others_write(connection)
        inputs = await pictures.with_shared(connection, [f for f in facts if f.subject not in early])
        now = self.clock.now()
        done, failed = self._fold_each([h for h in ours if h.subject not in early], inputs, taken, now)
        await self._write(connection, done, now)
        again = [e.row for e in done if e.row.linked] if linked else []
        await fold_queue.look_again(connection, again, machinery_now() + _LOOK_AGAIN_AFTER)
        newer = [taken[h.subject] for h in held if not self._may_fold(h)]
        return _Level(done, [h for h in ours if h.subject in early], _later(failed, newer), len(again))

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
