"""What customs must announce and raise on a journey, worked out from the rules alone.

Invariant: a second, plain reading of the rules, which shares no code with the service: only the corridor's data. Each
unit is followed by itself, from the origin to the destination of its goods.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from contracts.corridor.borders import Border
from contracts.corridor.routes import RouteVariant
from tests.customs.journeys import CORRIDOR, Journey, Paper, Report

NEVER = datetime(1, 1, 1, tzinfo=UTC)
EVER = datetime(9999, 1, 1, tzinfo=UTC)
ARRIVALS = {"ARRI", "BARR", "GTIN"}
DEPARTURES = {"DEPA", "GTOT", "XBRD"}
LETS_IN = {"release", "start_transit", "present", "let_out", "discharge"}
LETS_OUT = {"let_out", "discharge"}
# What has to be decided before.
AFTER = {
    "release": {"accept", "inspect"},
    "start_transit": {"release"},
    "present": {"start_transit"},
    "let_out": {"present"},
    "discharge": {"let_out"},
    "inspect": {"release"},
}


@dataclass(frozen=True, slots=True)
class Span:
    """Two instants, both included."""

    start: datetime
    end: datetime


@dataclass(frozen=True, slots=True)
class Sign:
    """A unit at a place of the route, and whether it was leaving it."""

    place: int
    leaves: bool
    stands: bool
    span: Span
    instant: datetime


@dataclass(frozen=True, slots=True)
class Trip:
    """One unit on one variant, between two places of it; `certain` are the borders that all possible ways share."""

    unit: str
    route: RouteVariant
    first: int
    last: int
    signs: Sequence[Sign]
    certain: frozenset[str]

    def borders(self) -> list[Border]:
        found = CORRIDOR.borders_of(self.route.name)
        place = self.route.index
        return [b for b in found if self.first <= place(b.exit.point) and place(b.entry.point) <= self.last]


def span_of(at: str, zone: ZoneInfo) -> Span:
    """What a time means: an instant, or all of a day."""
    if len(at) > 10:
        instant = datetime.fromisoformat(at).astimezone(UTC)
        return Span(instant, instant)
    day = datetime.combine(datetime.fromisoformat(at).date(), time(), zone)
    return Span(day.astimezone(UTC), (day + timedelta(days=1)).astimezone(UTC) - timedelta(microseconds=1))


def trips(journey: Journey) -> list[Trip]:
    """The units on their ways; none where goods stay in one customs territory."""
    leading = [r for r in CORRIDOR.variants if _leads(r, journey)]
    found = [_trip(unit, told, leading, journey) for unit, told in journey.reports.items()]
    return [trip for trip in found if any(b.exit.customs for b in trip.borders())]


def _leads(route: RouteVariant, journey: Journey) -> bool:
    points = route.points
    ends = journey.origin, journey.destination
    return all(p in points for p in ends) and points.index(ends[0]) < points.index(ends[1])


def _trip(unit: str, told: Sequence[Report], leading: Sequence[RouteVariant], journey: Journey) -> Trip:
    moves = _moves(told)
    known = {r.point for r in moves if any(r.point in route.points for route in leading)}
    fitting = [r for r in leading if known <= set(r.points)] or leading
    fitting = [r for r in fitting if r.name == journey.variant] or fitting
    route = fitting[0]
    first, last = (route.points.index(p) for p in (journey.origin, journey.destination))
    bare = [
        Trip(unit, r, r.points.index(journey.origin), r.points.index(journey.destination), (), frozenset())
        for r in fitting
    ]
    certain = frozenset.intersection(*(frozenset(b.key for b in one.borders()) for one in bare))
    return Trip(unit, route, first, last, _signs(moves, route), certain)


def _moves(told: Sequence[Report]) -> list[Report]:
    return [r for r in told if not r.claim and r.code in ARRIVALS | DEPARTURES | {"PASS", "DLVD"}]


def _keys(route: RouteVariant, journey: Journey) -> frozenset[str]:
    first, last = (route.points.index(p) for p in (journey.origin, journey.destination))
    return frozenset(one.key for one in Trip("", route, first, last, (), frozenset()).borders())


def _signs(moves: Sequence[Report], route: RouteVariant) -> list[Sign]:
    found: list[Sign] = []
    for report in moves:
        if report.point not in route.points or report.code == "DLVD":
            continue
        place = route.points.index(report.point)
        if report.code == "PASS" and found and found[-1].stands and found[-1].place == place:
            continue
        span = span_of(report.at, CORRIDOR.zone(report.point))
        found.append(Sign(place, report.code in DEPARTURES, report.code in ARRIVALS, span, report.instant))
    return found


# --- Violations


def violations(journey: Journey) -> set[tuple[str, str, str]]:
    """(rule, border or point, unit) of everything that left without the permission that it takes."""
    return {found for trip in trips(journey) for found in _of_trip(trip, journey)}


def _of_trip(trip: Trip, journey: Journey) -> Iterator[tuple[str, str, str]]:
    gate = _gate(trip, journey)
    for border in trip.borders():
        if border.key not in trip.certain or not border.exit.customs:
            continue
        out, into = (CORRIDOR.point(side.point).country for side in (border.exit, border.entry))
        exit_at = trip.route.index(border.exit.point)
        if any(not _let(journey, trip.unit, span, _exit_laws(out), LETS_OUT) for span in _left(trip.signs, exit_at)):
            yield "LEFT_WITHOUT_PERMISSION", border.key, trip.unit
        zone = max(trip.route.index(p) for p in border.entry_zone)
        spans = [*_left(trip.signs, zone), *(gate if journey.destination in border.entry_zone else [])]
        if any(not _let(journey, trip.unit, span, _entry_laws(into), LETS_IN) for span in spans):
            yield "LEFT_ZONE_WITHOUT_RELEASE", border.key, trip.unit
    if not any(journey.destination in border.entry_zone for border in trip.borders() if border.exit.customs):
        own = CORRIDOR.laws_in(CORRIDOR.point(journey.destination).country)[-1]
        for span in gate:
            under_way = _let(journey, trip.unit, span, {(own, "TRANSIT")}, {"release", "start_transit"})
            if not under_way and not _let(journey, trip.unit, span, {(own, "IMPORT")}, LETS_IN):
                yield "LEFT_ZONE_WITHOUT_RELEASE", journey.destination, trip.unit


def _gate(trip: Trip, journey: Journey) -> list[Span]:
    """When the unit was taken out of the store at its destination."""
    told = [r for r in journey.reports[trip.unit] if not r.claim and r.code in ("GTOT", "DLVD")]
    country = CORRIDOR.point(journey.destination).country
    there = [
        r
        for r in told
        if r.point == journey.destination or (r.code == "DLVD" and CORRIDOR.point(r.point).country == country)
    ]
    return [span_of(r.at, CORRIDOR.zone(r.point)) for r in there]


def _left(signs: Sequence[Sign], place: int) -> list[Span]:
    """From when until when a unit left a place for what is beyond, each time."""
    spans: list[Span] = []
    departed: Span | None = None
    last_here, was_beyond = NEVER, False
    for sign in signs:
        is_beyond = sign.place > place
        if is_beyond and not was_beyond:
            spans.append(departed or Span(last_here, sign.span.end))
        if not is_beyond:
            last_here = sign.span.start
            if not (sign.leaves and sign.place == place):
                departed = None
            elif departed is None:
                departed = sign.span
        else:
            departed = None
        was_beyond = is_beyond
    return spans if departed is None else [*spans, departed]


def _exit_laws(country: str) -> set[tuple[str, str]]:
    union = CORRIDOR.territory(country)
    laws = {law.key for law in CORRIDOR.jurisdictions if set(law.countries) <= union}
    return {(law, procedure) for law in laws for procedure in ("EXPORT", "TRANSIT")}


def _entry_laws(country: str) -> set[tuple[str, str]]:
    laws = {law.key for law in CORRIDOR.jurisdictions if country in law.countries}
    return {(law, procedure) for law in laws for procedure in ("IMPORT", "TRANSIT")}


def _let(journey: Journey, unit: str, span: Span, laws: set[tuple[str, str]], acts: set[str]) -> bool:
    """Whether some paper of the laws may have let a unit go in a span."""
    for law in laws:
        papers = [p for p in journey.papers if (p.law, p.procedure) == law and (not p.units or unit in p.units)]
        if any(start <= span.end and span.start <= end for start, end in _permitted(papers, acts)):
            return True
    return False


def _permitted(papers: Sequence[Paper], acts: set[str]) -> Iterator[tuple[datetime, datetime]]:
    """When papers permit something: from the first instant that one may mean up to the last of what ends it."""
    counted: list[tuple[str, Span]] = []
    for paper in papers:
        if paper.act == "lodge" or _counts(paper, counted):
            zone = next(p.zone_info for p in CORRIDOR.points if p.country == paper.country)
            counted.append((paper.act, span_of(paper.at, zone)))
    for place, (act, span) in enumerate(counted):
        if act in acts:
            yield span.start, _ends(counted[place + 1][1]) if place + 1 < len(counted) else EVER


def _ends(span: Span) -> datetime:
    by_day = span.start != span.end
    return span.end if by_day else span.start - timedelta(microseconds=1)


def _counts(paper: Paper, counted: Sequence[tuple[str, Span]]) -> bool:
    last = counted[-1][0] if counted else None
    if paper.act == "accept":
        return last == "lodge"
    if paper.procedure == "IMPORT" and paper.act == "discharge":
        return last == "release"
    return last in AFTER[paper.act]


# --- Announcements


def announcements(journey: Journey) -> dict[str, dict[str, Any]]:
    """For each country: the state, and each announced unit with its state and when it is expected."""
    found: dict[str, dict[str, Any]] = {}
    for trip in trips(journey):
        if not any(
            not r.claim and r.code not in ("OFFR", "LOAD", "DISC", "HACC", "SEAL") for r in journey.reports[trip.unit]
        ):
            continue
        for country, state in _announced(trip, journey):
            found.setdefault(country, {})[trip.unit] = state
    return {
        country: {
            "state": "arrived" if _all_there(units) else "expected",
            "units": units,
        }
        for country, units in found.items()
    }


def _all_there(units: Mapping[str, Any]) -> bool:
    return all(state == ("arrived",) for state in units.values())


def _announced(trip: Trip, journey: Journey) -> Iterator[tuple[str, tuple[Any, ...]]]:
    for border in trip.borders():
        entry = trip.route.index(border.entry.point)
        country = CORRIDOR.point(border.entry.point).country
        if (trip.signs and trip.signs[-1].place >= entry) or _delivered(trip, journey, entry):
            yield country, ("arrived",)
            continue
        expected = _expected(trip, border)
        near = journey.as_of + timedelta(hours=CORRIDOR.thresholds.announcement_horizon_hours)
        if border.key in trip.certain and (expected is None or expected <= near):
            shown = expected if expected and expected >= journey.as_of else None
            yield country, ("expected", shown)
        return


def _delivered(trip: Trip, journey: Journey, entry: int) -> bool:
    """Whether the goods were delivered at a place of the way, or beyond: there they have come."""
    told = (r.point for r in journey.reports[trip.unit] if r.code == "DLVD" and not r.claim)
    return any(p in trip.route.points and trip.route.index(p) >= entry for p in told)


def _expected(trip: Trip, border: Border) -> datetime | None:
    """When a unit is planned at the entry station, from the last call at which it was seen; None for no such plan."""
    plan = {offset.point: offset for offset in trip.route.planned_offsets()}
    called = [s for s in trip.signs if trip.route.points[s.place] in plan]
    if not called:
        return None
    here = plan[trip.route.points[called[-1].place]]
    stands = called[-1].stands and called[-1] is trip.signs[-1]
    hours = _hours(trip.route, here.point, border.entry.point, stays=stands)
    return None if hours is None else called[-1].instant + timedelta(hours=hours)


def _hours(route: RouteVariant, start: str, end: str, *, stays: bool) -> float | None:
    if end not in route.calls:
        return None
    total: float = 0
    for leg in route.legs:
        if route.index(start) <= route.index(leg.start) < route.index(end):
            is_first = leg.start == start
            stay = route.dwell_hours(leg.start) if stays or not is_first else 0
            if leg.hours is None or stay is None:
                return None
            total += leg.hours + stay
    return total
