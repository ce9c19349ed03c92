"""Replays and discards dead letters, one transaction each.

Invariant: a replay has the result that reading the record would have now, and takes effect once; a dry run is a
replay that is rolled back. The stand-in of a quarantined record ends when the record leaves quarantine.
"""

from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any

import structlog

from contracts.refusal import Problem, Refused, refused
from services.chassis.base.clock import CorridorClock, machinery_now
from services.chassis.base.database import Connection, Pool, transaction
from services.chassis.base.errors import is_transient
from services.chassis.base.parties import PartyBook
from services.chassis.dead_letters import letters
from services.chassis.dead_letters.letters import Dead, Filter, dead_of
from services.chassis.ingest import answers, records
from services.chassis.ingest.quarantine import end_stand_in
from services.chassis.ingest.records import Accepted, Rejected, Validated
from services.chassis.ingest.stream import Stream, stream_of
from services.chassis.outbox import outgoing, receipts
from services.chassis.outbox.receipts import Receipt
from services.chassis.queue import fold_queue

log = structlog.get_logger(__name__)

_TAKE = "SELECT * FROM dead_letter WHERE id = $1 AND resolution IS NULL FOR UPDATE"
_RESOLVE = "UPDATE dead_letter SET resolution = $2, resolved_at = $3, last_action = $4 WHERE id = $1"
_FAILED = """
UPDATE dead_letter SET attempts = attempts + 1, reason = $2, path = $3, detail = $4, last_action = $5 WHERE id = $1
"""


@dataclass(slots=True)
class Report:
    """The result of an action: the number of each outcome, and the dead letters that remain, with their reasons."""

    dry_run: bool
    found: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    failed: list[dict[str, Any]] = field(default_factory=list)
    action: int | None = None

    def as_json(self) -> dict[str, Any]:
        shown: dict[str, Any] = {"dry_run": self.dry_run, "found": self.found, "outcomes": dict(self.outcomes)}
        return shown | {"failed": self.failed, "action": self.action}


class _RolledBack(Exception):
    """Ends the transaction of a dry run."""


class Replayer:
    """Works on the dead letters of one service; `store` raises `OSError` before the database has been reached."""

    def __init__(
        self,
        service: str,
        streams: Sequence[Stream],
        store: Callable[[], Pool],
        clock: CorridorClock,
        book: PartyBook,
        on_commit: Callable[[], None] = lambda: None,
    ) -> None:
        self.service = service
        self._streams = streams
        self._reached = store
        self._clock = clock
        self._book = book
        self._on_commit = on_commit

    @property
    def pool(self) -> Pool:
        """The pool for the current task; raises `OSError` before the database has been reached."""
        return self._reached()

    async def replay(self, wanted: Filter, by: str, *, dry_run: bool, again: bool = False) -> Report:
        """Validates and stores the records of a filter anew, oldest first; a dry run only reports the outcomes."""
        await self._book.refresh(self.pool)
        report = Report(dry_run)
        ids = await letters.ids_of(self.pool, wanted, again=again)
        if not dry_run:
            report.action = await letters.begin(self.pool, by, "replay", wanted, None)
        for id in ids:
            await self._replay_one(id, report)
        if report.action is not None:
            resolved = sum(report.outcomes[taken] for taken in ("accepted", "repeat", "superseded"))
            await letters.end(self.pool, report.action, report.found, resolved)
            self._on_commit()
        return report

    async def discard(self, wanted: Filter, by: str, reason: str) -> Report:
        """Marks dead letters as given up, for a reason; their bytes stay until they are purged."""
        report = Report(dry_run=False)
        report.action = await letters.begin(self.pool, by, "discard", wanted, reason)
        for id in await letters.ids_of(self.pool, wanted, again=True):
            async with transaction(self.pool) as connection:
                row = await connection.fetchrow(_TAKE, id)
                if row is None:
                    continue
                report.found += 1
                report.outcomes["discarded"] += 1
                await connection.execute(_RESOLVE, id, "discarded", machinery_now(), report.action)
                await self._release(connection, dead_of(row))
        await letters.end(self.pool, report.action, report.found, report.outcomes["discarded"])
        self._on_commit()
        return report

    async def _replay_one(self, id: int, report: Report) -> None:
        try:
            await self._in_transaction(id, report)
        except _RolledBack:
            return
        except Exception as failure:
            if is_transient(failure):
                raise
            log.error("a replay fails", dead_letter=id, exc_info=failure)
            report.outcomes["quarantined"] += 1
            report.failed.append({"id": id, "reason": "quarantined", "detail": type(failure).__name__})
            if not report.dry_run:
                again = Problem("quarantined", "$", f"we failed on this record again ({type(failure).__name__})")
                await self.pool.execute(_FAILED, id, again.reason, again.path, again.detail, report.action)

    async def _in_transaction(self, id: int, report: Report) -> None:
        async with transaction(self.pool) as connection:
            row = await connection.fetchrow(_TAKE, id)
            if row is None:
                return
            dead = dead_of(row)
            verdict, receipt = await self._store(connection, dead)
            became = receipt.outcome if isinstance(verdict, Accepted) else verdict.first.reason
            report.found += 1
            report.outcomes[became] += 1
            if isinstance(verdict, Rejected):
                report.failed.append({"id": id, "reason": verdict.first.reason, "detail": verdict.first.detail})
            await self._mark(connection, dead, verdict, report.action)
            if dead.party is not None and became != dead.reason:
                await self._answer(connection, dead, receipt)
            if report.dry_run:
                raise _RolledBack

    async def _store(self, connection: Connection, dead: Dead) -> tuple[Validated, Receipt]:
        """The verdict on a record, and the receipt for its sender."""
        verdict = self._judge(dead)
        if isinstance(verdict, Rejected):
            return verdict, answers.receipt_of_rejection(verdict, dead.party or "")
        stream = stream_of(self._streams, dead.record.topic)
        assert stream is not None
        kept = await stream.store(connection, [verdict], self._clock.now())
        await fold_queue.add(connection, kept.named)
        if kept.refused:
            return kept.refused[0], answers.receipt_of_rejection(kept.refused[0], dead.party or "")
        return verdict, answers.receipt_of(verdict, kept, fresh=bool(kept.fresh))

    def _judge(self, dead: Dead) -> Validated:
        stream = stream_of(self._streams, dead.record.topic)
        if stream is None:
            return records.reject(dead.record, dead.party, _no_reader(dead))
        return stream.validate(dead.record, self._book, self._clock.received_at)

    async def _mark(self, connection: Connection, dead: Dead, verdict: Validated, action: int | None) -> None:
        if isinstance(verdict, Accepted):
            await connection.execute(_RESOLVE, dead.id, "replayed", machinery_now(), action)
        else:
            first = verdict.first
            await connection.execute(_FAILED, dead.id, first.reason, first.path[:500], first.detail[:1000], action)
        if isinstance(verdict, Accepted) or verdict.first.reason != "quarantined":
            await self._release(connection, dead)

    async def _answer(self, connection: Connection, dead: Dead, receipt: Receipt) -> None:
        """Sends the receipt of a changed outcome: accepted after all, or refused for another reason."""
        now = self._clock.now()
        await receipts.keep_receipts(connection, [receipt], now)
        batch = f"replay/{dead.id}/{dead.attempts}"
        await outgoing.append(connection, list(receipts.receipt_records(self.service, batch, [receipt], now)))

    async def _release(self, connection: Connection, dead: Dead) -> None:
        stream = stream_of(self._streams, dead.record.topic)
        if dead.reason == "quarantined" and stream is not None:
            party = self._book.get(dead.party)
            await end_stand_in(connection, stream, dead.record, party, self._clock.now())


def _no_reader(dead: Dead) -> Refused:
    return refused("not_entitled", "$", f"nothing reads {dead.record.topic} any more")
