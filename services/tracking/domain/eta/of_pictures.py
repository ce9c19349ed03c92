"""The arrivals that a picture shows: from its place, its plan and its forecasts; of a consignment, from its units.

Invariant: who is announced is who was right most often about arrivals at that point; all others are shown beside. A
consignment comes when the last of its units does.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

from contracts.corridor.durations import Durations
from contracts.events.fields import utc_text
from services.tracking.domain.eta.ahead import Here, Stay, passed, stretches
from services.tracking.domain.eta.estimates import FORETELL_ARRIVAL, OURS, PLAN, Arrival, Range, arrivals, looked_at
from services.tracking.domain.eta.goes import Goes
from services.tracking.domain.visits import Fact

_HOUR: Final = timedelta(hours=1)
_OVER: Final = frozenset({"delivered", "ended", "cancelled", "unknown"})

Picture = Mapping[str, Any]


class Said(NamedTuple):
    """What the plan or a party expects; `report` is the (source, id) of a party's."""

    source: str
    expected: datetime
    report: tuple[str, str] | None = None


class Expected(NamedTuple):
    """The arrivals of a picture, and the instant at which they move by themselves."""

    arrivals: list[dict[str, Any]]
    due: datetime | None


def expected(
    picture: Picture, facts: Sequence[Fact], way: Goes | None, durations: Durations | None, as_of: datetime
) -> Expected:
    """When a subject comes to the points ahead of it, as its picture shows it."""
    if way is None or durations is None or picture["status"] in _OVER:
        return Expected([], None)
    here = _here(picture.get("place"))
    if here is None or picture["kind"] == "consignment":
        return _of_units(picture, way, durations, as_of)
    basis, due = _basis(way, durations, here, as_of)
    behind = list(passed(way.route, _stays(facts)))
    found = arrivals(way.route, durations, here, way.destination, behind, basis)
    shown = [_shown(one, _said(one.point, picture, basis), picture, durations, basis) for one in found]
    return Expected(shown, due if found else None)


def _of_units(picture: Picture, way: Goes, durations: Durations, as_of: datetime) -> Expected:
    """The last of the units counts: of each, what is expected of it by where it was last."""
    latest: dict[str, Arrival] = {}
    based: list[datetime] = []
    dues: list[datetime] = []
    for here in _places(picture):
        basis, due = _basis(way, durations, here, as_of)
        found = arrivals(way.route, durations, here, way.destination, (), basis)
        for one in found:
            before = latest.get(one.point, one)
            later = Range(*map(max, before.range, one.range))
            latest[one.point] = one._replace(range=later, journeys=min(before.journeys, one.journeys))
        if found:
            based.append(basis)
            dues += [due] if due else []
    order = sorted(latest, key=way.route.points.index)
    shown = [_shown(latest[point], [], picture, durations, max(based)) for point in order]
    return Expected(shown, min(dues, default=None))


def _places(picture: Picture) -> Iterator[Here]:
    """Where the units are, or the goods where they have none."""
    units = [m for m in picture.get("members", ()) if m["subject"].startswith("container:")]
    if not units and (here := _here(picture.get("place"))):
        yield here
    for one in units:
        if one["status"] in ("in_transit", "at_point") and "point" in one:
            yield Here(one["point"], datetime.fromisoformat(one["instant"]), one["status"] == "in_transit")


def _here(place: Picture | None) -> Here | None:
    return Here(place["point"], datetime.fromisoformat(place["observed_at"]), place["moving"]) if place else None


def _basis(way: Goes, durations: Durations, here: Here, as_of: datetime) -> tuple[datetime, datetime | None]:
    """As of when the estimate is made, and when it moves by itself."""
    first = next(stretches(way.route, durations, here, way.destination), None)
    awaited = here.since + first.spread.median * _HOUR if first else None
    looked, due = looked_at(awaited, as_of)
    return looked or here.since, due


def _stays(facts: Iterable[Fact]) -> dict[str, Stay]:
    """When the subject last came to each point, and left it."""
    found: dict[str, Stay] = {}
    for fact in facts:
        point, at = fact.lead.point, fact.lead.instant
        if point is None:
            continue
        if fact.movement == "arrives":
            found[point] = Stay(at, None)
        elif fact.movement == "departs":
            found[point] = found.get(point, Stay(None, None))._replace(departed_at=at)
        elif fact.movement == "passes":
            found[point] = Stay(at, at)
    return found


def _said(point: str, picture: Picture, basis: datetime) -> list[Said]:
    """What the plan and parties expect of an arrival."""
    found = [_plan_of(point, picture.get("calls", ()), basis)]
    found += [
        Said(f["party"], datetime.fromisoformat(f["instant"]), (f["source"], f["event_id"]))
        for f in picture.get("forecasts", ())
        if f["code"] in FORETELL_ARRIVAL and f.get("point") == point and f["classifier"] == "EST"
    ]
    return [one for one in found if one is not None]


def _plan_of(point: str, calls: Sequence[Picture], basis: datetime) -> Said | None:
    """The plan with the delay that there is at the last call that was made."""
    ahead = next((c for c in calls if c["point"] == point and c.get("arrival") and "actual_arrival" not in c), None)
    if ahead is None:
        return None
    made = [(c[f"actual_{n}"], c[n]) for c in calls for n in ("arrival", "departure") if n in c and f"actual_{n}" in c]
    late = timedelta()
    if made:
        actual, planned = map(datetime.fromisoformat, max(made))
        late = actual - planned
    return Said(PLAN, max(datetime.fromisoformat(ahead["arrival"]) + late, basis))


def _shown(
    one: Arrival, said: Sequence[Said], picture: Picture, durations: Durations, basis: datetime
) -> dict[str, Any]:
    """An arrival as `contracts.events.tracking.Estimate`."""
    every = [Said(OURS, one.range.expected), *said]
    best = max(every, key=lambda s: (durations.share_right(s.source, one.point), s.source == OURS, s.source))
    planned = next((c["arrival"] for c in picture.get("calls", ()) if c["point"] == one.point and "arrival" in c), None)
    shown = {
        "point": one.point,
        "expected": utc_text(best.expected),
        "earliest": utc_text(min(one.range.earliest, best.expected)),
        "latest": utc_text(max(one.range.latest, best.expected)),
        "source": best.source,
        "made_at": utc_text(basis),
        "planned": planned,
        "journeys": one.journeys,
        "about": picture["place"]["fact_id"] if picture.get("place") else None,
        "others": [_other(s) for s in sorted(every) if s is not best],
    }
    return {name: value for name, value in shown.items() if value not in (None, [])}


def _other(said: Said) -> dict[str, Any]:
    source, event_id = said.report or (None, None)
    shown = {"source": said.source, "expected": utc_text(said.expected), "event_source": source, "event_id": event_id}
    return {name: value for name, value in shown.items() if value is not None}
