"""Visits: which reports of a point are one fact, and at which stay.

Invariant: visits come from the best-ranking party that reported anything there: the railway that the corridor
data names for the point, then the other side, other railways, terminals, others; second-hand last. Everybody
else's report attaches to the nearest visit; further off than the tolerance makes the fact disputed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.corridor.corridor import Corridor
from contracts.events.fields import is_date
from services.tracking.domain.reports import Report

_ROLE_RANK = {"railway": 2, "terminal": 3}
_SECOND_HAND = 5


@dataclass(slots=True)
class Fact:
    """One fact: the report that leads it, the others that say the same, and the visit and journey it belongs to."""

    lead: Report
    visit: int
    nth: int = 1
    journey: int = 1
    also: list[Report] = field(default_factory=list)
    disputed: bool = False

    @property
    def order(self) -> tuple[datetime, int, str, str]:
        return self.lead.order


def facts_of(reports: Iterable[Report], corridor: Corridor) -> list[Fact]:
    """The timeline: every fact once, in order."""
    placed: dict[str, list[Report]] = {}
    facts: list[Fact] = []
    for report in reports:
        if report.point is None:
            facts.append(Fact(report, 1))
        else:
            placed.setdefault(report.point, []).append(report)
    for point, here in placed.items():
        facts += _facts_at(point, here, corridor)
    return sorted(facts, key=lambda f: f.order)


def rank_of(report: Report, corridor: Corridor) -> int:
    """How much a report's party counts at its point; 0 counts most."""
    if report.second_hand:
        return _SECOND_HAND
    if report.point is not None:
        if report.party == corridor.responsible_railway(report.point):
            return 0
        if report.party == corridor.other_side(report.point):
            return 1
    return _ROLE_RANK.get(report.role, 4)


def stays(reports: Sequence[Report]) -> list[list[Report]]:
    """One party's reports of one point, cut into stays: a stay ends with a departure, or before an arrival
    that it already has."""
    found: list[list[Report]] = []
    gone = True
    for report in sorted(reports, key=lambda r: r.order):
        again = not gone and report.movement is not None and any(r.code == report.code for r in found[-1])
        if gone or again:
            found.append([])
        found[-1].append(report)
        gone = report.movement in ("departs", "passes")
    return found


def _facts_at(point: str, here: Sequence[Report], corridor: Corridor) -> list[Fact]:
    speakers: dict[tuple[int, str], list[Report]] = {}
    for report in here:
        speakers.setdefault((rank_of(report, corridor), report.party), []).append(report)
    ranked = sorted(speakers)
    visits = stays(speakers[ranked[0]])
    if len(ranked) == 1:
        return [fact for n, visit in enumerate(visits, start=1) for fact in _alone(n, visit)]
    members: list[list[tuple[int, Report]]] = [[(0, r) for r in visit] for visit in visits]
    starts, ends = [visit[0].instant for visit in visits], [visit[-1].instant for visit in visits]
    for place, speaker in enumerate(ranked[1:], start=1):
        for report in speakers[speaker]:
            members[_nearest(report.instant, starts, ends)].append((place, report))
    tolerance = timedelta(minutes=corridor.thresholds.conflict_tolerance_minutes)
    return [f for n, visit in enumerate(members, start=1) for f in _facts_in(n, visit, tolerance)]


def _alone(visit: int, reports: Sequence[Report]) -> Iterator[Fact]:
    """The facts of a visit that nobody else speaks of."""
    count: dict[str, int] = {}
    for report in reports:
        count[report.code] = count.get(report.code, 0) + 1
        yield Fact(report, visit, count[report.code])


def _nearest(instant: datetime, starts: Sequence[datetime], ends: Sequence[datetime]) -> int:
    """The stay that an instant is in or nearest to, the earlier of two; stays are in order and do not overlap."""
    after = bisect_left(ends, instant)
    if after == 0 or (after < len(ends) and starts[after] <= instant):
        return after
    before = bisect_left(ends, ends[after - 1])
    if after < len(ends) and starts[after] - instant < instant - ends[before]:
        return after
    return before


def _facts_in(visit: int, members: Sequence[tuple[int, Report]], tolerance: timedelta) -> list[Fact]:
    by_code: dict[str, list[tuple[int, Report]]] = {}
    for place, report in members:
        by_code.setdefault(report.code, []).append((place, report))
    return [fact for ranked in by_code.values() for fact in _merged(visit, ranked, tolerance)]


def _merged(visit: int, ranked: Sequence[tuple[int, Report]], tolerance: timedelta) -> list[Fact]:
    """The best speaker's reports of a code are the facts; everybody else's attach to the nearest of them."""
    if len(ranked) == 1:
        return [Fact(ranked[0][1], visit)]
    best = min(place for place, _ in ranked)
    leads = sorted((r for place, r in ranked if place == best), key=lambda r: r.order)
    facts = [Fact(lead, visit, nth) for nth, lead in enumerate(leads, start=1)]
    instants = [lead.instant for lead in leads]
    for place, report in sorted(ranked, key=lambda pair: (pair[0], pair[1].order)):
        if place != best:
            fact = facts[_nearest(report.instant, instants, instants)]
            fact.also.append(report)
            fact.disputed = fact.disputed or _apart(fact.lead, report, tolerance)
    return facts


def _apart(one: Report, other: Report, tolerance: timedelta) -> bool:
    if is_date(one.occurred_at) or is_date(other.occurred_at):
        return abs(one.instant - other.instant) >= timedelta(days=1)
    return abs(one.instant - other.instant) > tolerance
