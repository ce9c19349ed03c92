"""Generated journeys: what is told of units on a way, and what customs of the countries on it decide.

Both directions, all variants, any origin and destination on them; units that part, stop, turn back or are seen twice;
reports that are missing, known by their day, claimed or about what moves nothing; decisions on all units or on some,
in time or late, on a day, and taken back.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn

from contracts.corridor.borders import Border
from contracts.corridor.corridor import load_corridor
from contracts.corridor.routes import RouteVariant
from contracts.events.fields import moment
from contracts.milestones.lookup import rank
from tests.support import builders as b

CORRIDOR = load_corridor("pk-ru")
UNITS = tuple(b.container(n) for n in (1, 2, 3))
COURSE = ("accept", "release", "start_transit", "present", "let_out", "discharge")
# What moves nothing, wherever it is said to have been.
STILL = ("OFFR", "LOAD", "DISC", "HACC", "SEAL")


@dataclass(frozen=True, slots=True)
class Report:
    """A fact of a unit's timeline; `at` is an instant or a date, `instant` where it stands in the timeline."""

    code: str
    point: str
    at: str
    instant: datetime
    claim: bool = False


@dataclass(frozen=True, slots=True)
class Paper:
    """What was lodged or decided under a law; `units` are those that it names, none for all."""

    law: str
    procedure: str
    act: str
    at: str
    country: str
    units: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Journey:
    """All that is told of one consignment, as of an instant."""

    origin: str
    destination: str
    variant: str | None
    reports: Mapping[str, Sequence[Report]]
    papers: Sequence[Paper]
    as_of: datetime


@st.composite
def journeys(draw: DrawFn) -> Journey:
    """A journey along a variant, which its booking may leave out."""
    route = draw(st.sampled_from(CORRIDOR.variants))
    first = draw(st.integers(0, len(route.points) // 2))
    last = draw(st.integers(first + 1, len(route.points) - 1))
    origin, destination = route.points[first], route.points[last]
    units = UNITS[: draw(st.integers(1, 3))]
    as_of = b.START + timedelta(hours=draw(st.sampled_from([30, 90, 200, 400, 900])))
    reports = {unit: _known(_reports(draw, route, first, last), as_of) for unit in units}
    borders = [one for one in CORRIDOR.borders_of(route.name) if _inside(one, route, first, last)]
    papers = _papers(draw, route, borders, first, last, units)
    named = draw(st.sampled_from([route.name, route.name, None]))
    return Journey(origin, destination, named, reports, [p for p in papers if _begins(p.at) <= as_of], as_of)


def _inside(border: Border, route: RouteVariant, first: int, last: int) -> bool:
    return first <= route.index(border.exit.point) and route.index(border.entry.point) <= last


def _begins(at: str) -> datetime:
    """The first instant that a time may mean anywhere on the corridor."""
    return (
        datetime.fromisoformat(at) if len(at) > 10 else datetime.fromisoformat(f"{at}T00:00:00Z") - timedelta(hours=5)
    )


def _known(reports: Sequence[Report], as_of: datetime) -> Sequence[Report]:
    told = [r for r in reports if r.instant <= as_of]
    return sorted(told, key=lambda r: (r.instant, rank(r.code)))


def _reports(draw: DrawFn, route: RouteVariant, first: int, last: int) -> list[Report]:
    """The reports of one unit: it goes on from stop to stop, as far as it goes."""
    stations = {p for border in CORRIDOR.borders for p in border.points}
    inside = route.points[first : last + 1]
    stops = [p for p in inside if p in (*route.calls, *stations, inside[0], inside[-1]) or draw(st.booleans())]
    found: list[Report] = []
    hour = draw(st.integers(0, 30))
    reached = stops[: draw(st.integers(1, len(stops)))]
    for place, stop in enumerate(reached):
        arrives = "BARR" if stop in stations else "ARRI"
        kind = draw(st.sampled_from(["none"] * 4 + ["seen", "seen", "claimed", "still", "shunted", "back"]))
        stay = draw(st.integers(21 if kind in ("shunted", "back") else 0, 50))
        if place:
            found += _told(draw, arrives, stop, hour)
        found += _disturbances(draw, kind, route, stop, hour, stay, stops[max(place - 1, 0)])
        hour += stay
        if stop == stops[-1]:
            found += _told(draw, "GTOT", stop, hour + 1) + _told(draw, "DLVD", stop, hour + 5)
        elif stop != reached[-1] or draw(st.booleans()):
            found += _told(draw, draw(st.sampled_from(["DEPA"] * 6 + ["XBRD", "PASS"])), stop, hour)
        hour += draw(st.integers(1, 40))
    return found


def _disturbances(
    draw: DrawFn, kind: str, route: RouteVariant, stop: str, hour: int, stay: int, before: str
) -> Iterator[Report]:
    """What is told beside the course of things."""
    ahead = st.sampled_from(route.points)
    if kind == "seen" and stay:
        yield from _told(draw, "PASS", stop, hour + draw(st.integers(0, stay)))
    elif kind == "claimed":
        code = draw(st.sampled_from(["ARRI", "DEPA", "GTOT", "DLVD", "CUSS", "CHLD"]))
        yield _report(code, draw(ahead), hour, claim=True)
    elif kind == "still":
        yield _report(draw(st.sampled_from(STILL)), draw(ahead), hour)
    elif kind in ("shunted", "back"):
        yield _report("DEPA", stop, hour + 2)
        yield _report("ARRI", stop if kind == "shunted" else before, hour + 6)
        if kind == "back" and before != stop:
            yield _report("DEPA", before, hour + 8)
            yield from _told(draw, "ARRI", stop, hour + 15)


def _told(draw: DrawFn, code: str, point: str, hour: int) -> list[Report]:
    """A report that is mostly sent, and sometimes with the day alone."""
    kind = draw(st.sampled_from(["sent"] * 8 + ["day", "lost"]))
    return [] if kind == "lost" else [_report(code, point, hour, day=kind == "day")]


def _report(code: str, point: str, hour: int, *, claim: bool = False, day: bool = False) -> Report:
    at = b.hours(hour)
    zone = CORRIDOR.zone(point)
    if day:
        at = datetime.fromisoformat(at).astimezone(zone).date().isoformat()
    return Report(code, point, at, moment(at, zone), claim)


def _papers(
    draw: DrawFn, route: RouteVariant, borders: Sequence[Border], first: int, last: int, units: Sequence[str]
) -> list[Paper]:
    """Papers under the laws of the way: each is filed or not, and goes as far as it goes."""
    countries = list(dict.fromkeys(CORRIDOR.point(p).country for p in route.points[first : last + 1]))
    laws: dict[tuple[str, str], tuple[str, str]] = {}
    for border in borders:
        if border.exit.customs and border.entry.customs:
            out, into = (CORRIDOR.point(side.point).country for side in (border.exit, border.entry))
            laws |= _law(draw, "EXPORT", out, countries) | _law(draw, "IMPORT", into, countries)
    if laws:
        own = CORRIDOR.laws_in(countries[-1])[-1]
        laws.setdefault((own, "IMPORT"), (countries[-1],) * 2)
    chosen = [law for law in laws if draw(st.integers(0, 5))]
    return [paper for law in chosen for paper in _case(draw, *law, laws[law], units)]


def _law(draw: DrawFn, procedure: str, country: str, way: Sequence[str]) -> dict[tuple[str, str], tuple[str, str]]:
    """A law under which goods may go out of a country or come into it, and where its transit begins and ends."""
    shared, own = CORRIDOR.laws_in(country)[0], CORRIDOR.laws_in(country)[-1]
    if draw(st.integers(0, 3)) == 0:
        return {(own, procedure): (country, country)}
    passed = [c for c in way if c in CORRIDOR.countries(shared)]
    return {(shared, "TRANSIT"): (passed[0], passed[-1])}


def _case(draw: DrawFn, law: str, procedure: str, ends: tuple[str, str], units: Sequence[str]) -> Iterator[Paper]:
    hour = draw(st.integers(-250, 60))
    yield Paper(law, procedure, "lodge", b.hours(hour), ends[0])
    course = ("accept", "release", "discharge") if procedure == "IMPORT" else COURSE
    hour += draw(st.integers(0, 20))
    yield Paper(law, procedure, "accept", b.hours(hour), ends[0])
    groups: list[tuple[str, ...]] = [()]
    if len(units) > 1 and draw(st.integers(0, 2)) == 0:
        groups = [tuple(units[:1]), tuple(units[1:])]
    for group in groups:
        yield from _course(draw, law, procedure, ends, hour, course[1:], group)


def _course(
    draw: DrawFn,
    law: str,
    procedure: str,
    ends: tuple[str, str],
    hour: int,
    course: Sequence[str],
    group: tuple[str, ...],
) -> Iterator[Paper]:
    recalls = draw(st.integers(0, 7)) == 0
    whole = len(course)
    for act in course[: draw(st.sampled_from([whole] * 5 + [*range(whole)]))]:
        hour += draw(st.integers(0, 50))
        country = ends[1] if act in ("let_out", "discharge") else ends[0]
        yield Paper(law, procedure, act, _time(draw, hour, country), country, group)
        if act == "release" and recalls:
            hour += 60
            yield Paper(law, procedure, "inspect", _time(draw, hour, country), country, group)
            hour += 60
            if draw(st.booleans()):
                return
            yield Paper(law, procedure, "release", _time(draw, hour, country), country, group)


def _time(draw: DrawFn, hour: int, country: str) -> str:
    at = b.hours(hour)
    if draw(st.integers(0, 4)):
        return at
    zone = next(p.zone_info for p in CORRIDOR.points if p.country == country)
    return datetime.fromisoformat(at).astimezone(zone).date().isoformat()
