"""What each party's feed has brought today, and what of it is too much.

Invariant: counted in the transaction that stores the records, by the day on which the broker took them: a batch that
is read again, or a store that was put back, counts each record once and refuses the same ones.
"""

from collections.abc import Callable, Sequence
from datetime import UTC, date
from typing import Final

import structlog

from contracts.refusal import refused
from services.chassis.budgets import Budget
from services.chassis.database import Connection
from services.chassis.records import Accepted, Verdict, reject

log = structlog.get_logger(__name__)

_SPEND: Final = """
INSERT INTO spent AS s (party, day, reports, bytes)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[]) AS u (party, day, reports, bytes) ORDER BY 1, 2
ON CONFLICT (party, day) DO UPDATE SET reports = s.reports + EXCLUDED.reports, bytes = s.bytes + EXCLUDED.bytes
RETURNING new.party, new.day, coalesce(old.reports, 0) AS reports, coalesce(old.bytes, 0) AS bytes
"""

Day = tuple[str, date]
"""One party's day."""
BudgetOf = Callable[[str], Budget]


async def within(connection: Connection, verdicts: Sequence[Verdict], budget_of: BudgetOf) -> list[Verdict]:
    """The same verdicts, but for accepted reports beyond the day's budget of their party: those are refused."""
    days: dict[Day, list[int]] = {}
    for one in verdicts:
        if isinstance(one, Accepted):
            days.setdefault(_day_of(one), []).append(len(one.event.body))
    if not days:
        return list(verdicts)
    spent = await _spend(connection, days)
    return [_judged(one, spent, budget_of) if isinstance(one, Accepted) else one for one in verdicts]


async def _spend(connection: Connection, days: dict[Day, list[int]]) -> dict[Day, list[int]]:
    """Adds what has come; returns what had come before."""
    parties, dates = zip(*days, strict=True)
    sizes = list(days.values())
    rows = await connection.fetch(_SPEND, list(parties), list(dates), [len(s) for s in sizes], [sum(s) for s in sizes])
    return {(row["party"], row["day"]): [row["reports"], row["bytes"]] for row in rows}


def _judged(one: Accepted, spent: dict[Day, list[int]], budget_of: BudgetOf) -> Verdict:
    """Counts one report on top of what was spent before it."""
    before, budget = spent[_day_of(one)], budget_of(one.party)
    was_within = _is_within(before, budget)
    before[0] += 1
    before[1] += len(one.event.body)
    if _is_within(before, budget):
        return one
    if was_within:
        log.error("a party has spent its day's budget", party=one.party, day=str(_day_of(one)[1]))
    event = one.event
    most = f"{budget.reports_a_day} reports and {budget.bytes_a_day} bytes a day"
    refusal = refused("over_budget", "$", f"at most {most}: send it again after 00:00 UTC")
    refusal.quote({"id": event.id, "source": event.source, "type": event.type, "subject": event.subject})
    return reject(one.record, one.party, refusal)


def _is_within(spent: Sequence[int], budget: Budget) -> bool:
    return spent[0] <= budget.reports_a_day and spent[1] <= budget.bytes_a_day


def _day_of(one: Accepted) -> Day:
    return one.party, one.received_at.astimezone(UTC).date()
