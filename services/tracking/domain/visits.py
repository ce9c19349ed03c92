"""Visits: which reports of a point are one fact, and of which stay.

Invariant: visits come from the best-ranking party that reported anything there: the railway that the corridor data
names for the point, then the other side, other railways, terminals, others; second-hand last. Everybody else's report
attaches to the nearest visit; a report further off than the tolerance makes the fact disputed.
"""

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from contracts.corridor.corridor import Corridor
from contracts.events.fields import is_date
from contracts.identifiers.schemes import same_seal
from contracts.milestones.codes import ARRIVALS
from contracts.roles import BEGINS, ENDS
from services.tracking.domain.reports import Report
from services.tracking.domain.stays import Elsewhere, seen_in_stays, stays

_ROLE_RANK = {"railway": 2, "terminal": 3}
_SECOND_HAND = 5

Ranked = tuple[int, Report]
"""The place of a report's speaker among those of the point, and the report."""


@dataclass(slots=True)
class Fact:
    """One fact: the report that leads it, the others that say the same, and the visit and journey it belongs to.

    `code` is what it is known by, whoever leads it: an arrival at a border station is BARR. With `out_of_order` nothing
    follows from it.
    """

    lead: Report
    visit: int
    nth: int = 1
    journey: int = 1
    also: list[Report] = field(default_factory=list)
    disputed: bool = False
    out_of_order: bool = False
    code: str = ""

    def __post_init__(self) -> None:
        self.code = self.code or self.lead.code

    @property
    def order(self) -> tuple[datetime, int, str, str]:
        return self.lead.order

    @property
    def movement(self) -> str | None:
        return None if self.out_of_order else self.lead.movement


def facts_of(reports: Iterable[Report], corridor: Corridor) -> list[Fact]:
    """The timeline: every fact once, in order."""
    placed: dict[str, list[Report]] = {}
    facts: list[Fact] = []
    for report in reports:
        if report.point is None:
            facts.append(Fact(report, 1))
        else:
            placed.setdefault(report.point, []).append(report)
    tolerance = timedelta(minutes=corridor.thresholds.conflict_tolerance_minutes)
    elsewhere = Elsewhere(r for here in placed.values() for r in here)
    for here in placed.values():
        members = [v for use in _uses(here, tolerance) for v in _visits(use, elsewhere, tolerance, corridor)]
        for number, visit in enumerate(members, start=1):
            facts += _facts_in(number, visit, tolerance, corridor)
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


def apart(one: Report, other: Report, tolerance: timedelta) -> bool:
    """Whether two reports of one fact are further apart than the tolerance; of bare dates, whether the days differ."""
    if is_date(one.occurred_at) or is_date(other.occurred_at):
        return abs(one.instant - other.instant) >= timedelta(days=1)
    return abs(one.instant - other.instant) > tolerance


def _uses(here: Sequence[Report], tolerance: timedelta) -> list[list[Report]]:
    """The reports of a point, cut where a unit that was delivered there is taken for the next load.

    Clocks differ: what begins within the tolerance behind a delivery was before it.
    """
    found: list[list[Report]] = [[]]
    ended: datetime | None = None
    for report in sorted(here, key=lambda r: r.order):
        if ended is not None and report.code in BEGINS and not report.claimed and report.instant > ended + tolerance:
            found.append([])
            ended = None
        elif report.code in ENDS and not report.claimed:
            ended = report.instant
        found[-1].append(report)
    return found


def _visits(
    here: Sequence[Report], elsewhere: Elsewhere, tolerance: timedelta, corridor: Corridor
) -> list[list[Ranked]]:
    """The reports of each visit: the best speaker's stays, with everybody else's reports at the nearest of them."""
    speakers: dict[tuple[int, str], list[Report]] = {}
    for report in here:
        speakers.setdefault((rank_of(report, corridor), report.party), []).append(report)
    ranked = sorted(speakers)
    visits = stays(speakers[ranked[0]], elsewhere, tolerance)
    members: list[list[Ranked]] = [[(0, r) for r in visit] for visit in visits]
    starts, ends = [visit[0].instant for visit in visits], [visit[-1].instant for visit in visits]
    for place, speaker in enumerate(ranked[1:], start=1):
        for report in speakers[speaker]:
            members[_nearest(report.instant, starts, ends)].append((place, report))
    return members


def _nearest(instant: datetime, starts: Sequence[datetime], ends: Sequence[datetime]) -> int:
    """The stay that an instant is in or nearest to, the earlier of two; stays are in order and do not overlap."""
    after = bisect_left(ends, instant)
    if after == 0 or (after < len(ends) and starts[after] <= instant):
        return after
    before = bisect_left(ends, ends[after - 1])
    if after < len(ends) and starts[after] - instant < instant - ends[before]:
        return after
    return before


def _facts_in(visit: int, members: Sequence[Ranked], tolerance: timedelta, corridor: Corridor) -> list[Fact]:
    by_code: dict[str, list[Ranked]] = {}
    for place, report in seen_in_stays(members):
        by_code.setdefault(_known_by(report, corridor), []).append((place, report))
    found: list[Fact] = []
    for code, ranked in by_code.items():
        apart_said = _by_seals(ranked) if code == "SEAL" else [ranked]
        facts = sorted((f for one in apart_said for f in _merged(visit, code, one, tolerance)), key=lambda f: f.order)
        for nth, fact in enumerate(facts, start=1):
            fact.nth = nth
        found += facts
    return found


def _by_seals(ranked: Sequence[Ranked]) -> list[list[Ranked]]:
    """Sealings, apart where they name other seals: each of them is a fact."""
    by_numbers: dict[frozenset[tuple[str, bool]], list[Ranked]] = {}
    for place, report in ranked:
        seals = report.extras.get("seals", ())
        numbers = frozenset((same_seal(str(s["number"])), bool(s.get("removed"))) for s in seals)
        by_numbers.setdefault(numbers, []).append((place, report))
    return list(by_numbers.values())


def _known_by(report: Report, corridor: Corridor) -> str:
    """The code of the fact: arrived at a border station and arrived are one there."""
    if report.code in ARRIVALS and report.point is not None and corridor.border_at(report.point) is not None:
        return "BARR"
    return report.code


def _merged(visit: int, code: str, ranked: Sequence[Ranked], tolerance: timedelta) -> list[Fact]:
    """The best speaker's reports of a code are the facts; everybody else's attach to the nearest of them.

    A stay has one arrival and one departure: of several by the best speaker the first one leads. A sighting is a fact.
    """
    best = min(place for place, _ in ranked)
    own = sorted((r for place, r in ranked if place == best), key=lambda r: r.order)
    leads = own[:1] if own[0].movement in ("arrives", "departs") else own
    leads = sorted({*leads, *(r for _, r in ranked if r.sighting)}, key=lambda r: r.order)
    facts = [Fact(lead, visit, nth, code=code) for nth, lead in enumerate(leads, start=1)]
    instants = [lead.instant for lead in leads]
    leading = set(leads)
    for _, report in sorted(ranked, key=lambda pair: (pair[0], pair[1].order)):
        if report not in leading:
            fact = facts[_nearest(report.instant, instants, instants)]
            fact.also.append(report)
            fact.disputed = fact.disputed or apart(fact.lead, report, tolerance)
    return facts
