"""Deletes rows by age, so that a store does not grow for ever.

Invariant: heads, revisions, pictures and records in quarantine stay. Each transaction deletes a bounded number of the
oldest rows, so its locks and its log stay small.
"""

from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Final, NamedTuple

from services.chassis.base import telemetry
from services.chassis.base.clock import CorridorClock
from services.chassis.base.database import Pool, transaction

PAGE: Final = 5000
EVERY_SECONDS: Final = 600.0
_LOCK_SPACE = 0x0C04
_TRY_LOCK = "SELECT pg_try_advisory_xact_lock($1, $2)"


class Rule(NamedTuple):
    """A table and the days for which its rows are kept; `statement` takes the cut-off and the number of rows."""

    table: str
    days: int
    statement: str


def by_id(table: str, days: int, goes: str = "true") -> Rule:
    """A rule for a table whose ids rise with time; `goes` is the SQL condition of rows that may go.

    It only examines the page of the lowest such ids, so its cost does not grow with the table.
    """
    oldest = f"SELECT id, recorded_at FROM {table} WHERE {goes} ORDER BY id LIMIT $2"
    chosen = f"SELECT id FROM ({oldest}) AS oldest WHERE recorded_at < $1"
    return Rule(table, days, f"DELETE FROM {table} WHERE id = ANY(ARRAY({chosen}))")


def _by_day(table: str, days: int) -> Rule:
    """A rule for a table with a `day`."""
    chosen = f"SELECT ctid FROM {table} WHERE day < ($1 AT TIME ZONE 'UTC')::date LIMIT $2"
    return Rule(table, days, f"DELETE FROM {table} WHERE ctid = ANY(ARRAY({chosen}))")


RULES: Final = (
    _by_day("spent", 90),
    _by_day("spent_on", 2),
    by_id("receipt", 30),
    by_id("dead_letter", 90, "reason <> 'quarantined' OR resolution IS NOT NULL"),
)


class Purge:
    """Deletes old rows by the rules of the chassis and of the service."""

    def __init__(
        self, service: str, rules: Sequence[Rule], days: Mapping[str, int], pool: Pool, clock: CorridorClock
    ) -> None:
        self._service = service
        self._rules = [rule._replace(days=days.get(rule.table, rule.days)) for rule in (*RULES, *rules)]
        self._pool = pool
        self._clock = clock

    async def purge(self, page: int = PAGE) -> dict[str, int]:
        """Deletes all rows that are too old; returns how many of each table."""
        gone: dict[str, int] = {}
        for number, rule in enumerate(self._rules):
            gone[rule.table] = 0
            while taken := await self._take(number, rule, page):
                gone[rule.table] += taken
            telemetry.PURGED.labels(self._service, rule.table).inc(gone[rule.table])
        return gone

    async def _take(self, number: int, rule: Rule, page: int) -> int:
        """Deletes one page of one table, unless another copy works on it; returns how many rows."""
        async with transaction(self._pool) as connection:
            if not await connection.fetchval(_TRY_LOCK, _LOCK_SPACE, number):
                return 0
            done = await connection.execute(rule.statement, self._clock.now() - timedelta(days=rule.days), page)
        return int(done.rpartition(" ")[2])
