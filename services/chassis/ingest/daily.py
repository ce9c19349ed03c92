"""The daily budget of each party: reports and bytes in all, and reports about each subject.

Invariant: records are counted in the transaction that stores them, by the day on which the broker appended them. So a
batch that is read again, also by a restored store, counts each record once and refuses the same ones.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, date
from typing import Final

import structlog

from contracts.refusal import refused
from services.chassis.base.budgets import Budget
from services.chassis.base.database import Connection
from services.chassis.ingest.records import Accepted, Rejected, Validated, reject_event

log = structlog.get_logger(__name__)

_SPEND: Final = """
INSERT INTO spent AS s (party, day, reports, bytes)
SELECT * FROM unnest($1::text[], $2::date[], $3::bigint[], $4::bigint[]) AS u (party, day, reports, bytes) ORDER BY 1, 2
ON CONFLICT (party, day) DO UPDATE SET reports = s.reports + EXCLUDED.reports, bytes = s.bytes + EXCLUDED.bytes
RETURNING new.party, new.day, coalesce(old.reports, 0) AS reports, coalesce(old.bytes, 0) AS bytes
"""
_SPEND_ON: Final = """
INSERT INTO spent_on AS s (party, day, subject, reports)
SELECT * FROM unnest($1::text[], $2::date[], $3::text[], $4::bigint[]) AS u (party, day, subject, reports)
ORDER BY 1, 2, 3
ON CONFLICT (party, day, subject) DO UPDATE SET reports = s.reports + EXCLUDED.reports
RETURNING new.party, new.day, new.subject, coalesce(old.reports, 0) AS reports
"""

Day = tuple[str, date]
"""A party, and the day (UTC)."""
About = tuple[str, date, str]
"""A party, the day (UTC), and a subject."""
BudgetOf = Callable[[str], Budget]


async def within(connection: Connection, validated: Sequence[Validated], budget_of: BudgetOf) -> list[Validated]:
    """The validated, with accepted reports over the daily budget of their party refused.

    Reports about each subject are only counted from the party's n-th report of the day on, where n is the limit for
    one subject: no subject can exceed it earlier.
    """
    accepted = [one for one in validated if isinstance(one, Accepted)]
    if not accepted:
        return list(validated)
    spent = await _spend(connection, accepted)
    many = {day for day, before in spent.items() if before[0] >= budget_of(day[0]).reports_about_one_a_day}
    spent_on = await _spend_on(connection, [one for one in accepted if _day_of(one) in many])
    return [_judged(one, spent, spent_on, budget_of) if isinstance(one, Accepted) else one for one in validated]


async def _spend(connection: Connection, accepted: Sequence[Accepted]) -> dict[Day, list[int]]:
    """Adds the accepted reports to each day; returns the [reports, bytes] of each before that."""
    days: dict[Day, list[int]] = {}
    for one in accepted:
        day = days.setdefault(_day_of(one), [0, 0])
        day[0] += one.weight
        day[1] += len(one.event.body)
    parties, dates = zip(*days, strict=True)
    reports, sizes = zip(*days.values(), strict=True)
    rows = await connection.fetch(_SPEND, list(parties), list(dates), list(reports), list(sizes))
    return {(row["party"], row["day"]): [row["reports"], row["bytes"]] for row in rows}


async def _spend_on(connection: Connection, accepted: Sequence[Accepted]) -> Counter[About]:
    """Adds the accepted reports to each subject's day; returns the count of each before that."""
    found = Counter(about for one in accepted for about in _subject_days(one))
    if not found:
        return found
    columns = [list(column) for column in zip(*found, strict=True)]
    rows = await connection.fetch(_SPEND_ON, *columns, list(found.values()))
    return Counter({(row["party"], row["day"], row["subject"]): row["reports"] for row in rows})


def _judged(one: Accepted, spent: Mapping[Day, list[int]], spent_on: Counter[About], budget_of: BudgetOf) -> Validated:
    """The verdict on one report, which is added to what was spent before it."""
    before, budget = spent[_day_of(one)], budget_of(one.party)
    was_within = _is_within(before, budget)
    before[0] += one.weight
    before[1] += len(one.event.body)
    if not _is_within(before, budget):
        if was_within:
            log.error("a party has spent its day's budget", party=one.party, day=str(_day_of(one)[1]))
        return _over(one, f"{budget.reports_a_day} reports and {budget.bytes_a_day} bytes a day")
    abouts = [about for about in _subject_days(one) if about in spent_on]
    spent_on.update(abouts)
    if any(spent_on[about] > budget.reports_about_one_a_day for about in abouts):
        return _over(one, f"{budget.reports_about_one_a_day} reports about one subject a day")
    return one


def _over(one: Accepted, most: str) -> Rejected:
    refusal = refused("over_budget", "$", f"at most {most}: send it again after 00:00 UTC")
    return reject_event(one.record, one.party, one.event, refusal)


def _is_within(spent: Sequence[int], budget: Budget) -> bool:
    return spent[0] <= budget.reports_a_day and spent[1] <= budget.bytes_a_day


def _day_of(one: Accepted) -> Day:
    return one.party, one.received_at.astimezone(UTC).date()


def _subject_days(one: Accepted) -> set[About]:
    party, day = _day_of(one)
    return {(party, day, subject) for subject, _ in one.links}
