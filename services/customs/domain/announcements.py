"""Announcements: what is coming to each country, unit by unit, as it comes near.

Invariant: a unit is announced at the next border on its way, whatever others of its goods do: a border behind it
silences none ahead, and one that stays behind keeps none open that it is not expected at. Nothing is expected in the
past: what has passed is left out.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from contracts.corridor.borders import Border
from contracts.events.fields import as_shown, utc_text
from services.customs.domain.movement import Position
from services.customs.domain.passage import Passage, Unit

_INSTANT = timedelta(microseconds=1)


@dataclass(frozen=True, slots=True)
class _Coming:
    """A unit at a border: when it came there, or from when until when it is expected, as far as anybody can tell."""

    unit: Unit
    border: Border
    came: datetime | None = None
    arrived: bool = False
    first: datetime | None = None
    last: datetime | None = None


def announcements(
    passage: Passage, as_of: datetime, before: Sequence[Mapping[str, Any]]
) -> tuple[list[dict[str, Any]], datetime | None]:
    """What is announced to each country that the goods come to, and when that changes by itself."""
    if passage.consignment.status == "cancelled" or not any(u.under_way for u in passage.units):
        return [], None
    if all(u.lost for u in passage.units):
        told = [dict(a) for a in before if "announcement" in a]
        return sorted(told, key=lambda a: _place_of(a["entry_point"], passage.units[0])), None
    dues: list[datetime] = []
    coming: dict[str, list[_Coming]] = {}
    for unit in passage.units:
        if unit.under_way and unit.way.has_customs:
            for one in _of_unit(passage, unit, as_of, dues):
                coming.setdefault(passage.corridor.point(one.border.entry.point).country, []).append(one)
    found = [_announcement(passage, country, units) for country, units in coming.items()]
    return found, min(dues, default=None)


def _place_of(point: str, unit: Unit) -> int:
    """How far on the way a point is; behind all others one that is not on it."""
    place = unit.way.index(point)
    return len(unit.way.route.points) if place is None else place


def _of_unit(passage: Passage, unit: Unit, as_of: datetime, dues: list[datetime]) -> Iterator[_Coming]:
    """A unit at the borders behind it, and at the next one if that is near; `dues` gets when more is to be said.

    One that has gone on with other goods is expected nowhere; of one whose way is lost nobody can say how far it came.
    """
    for border in unit.way.borders:
        entry = unit.way.route.index(border.entry.point)
        if entry <= unit.first and unit.way.first is None:
            continue
        came = unit.came_to(entry)
        if came is not None or unit.lost:
            yield _Coming(unit, border, came, arrived=True)
            continue
        if unit.gone:
            return
        if border.key in unit.way.sure and (one := _expected(passage, unit, border, as_of, dues)) is not None:
            yield one
        return


def _expected(passage: Passage, unit: Unit, border: Border, as_of: datetime, dues: list[datetime]) -> _Coming | None:
    window = _estimate(unit, border)
    if window is None:
        return _Coming(unit, border)
    first, last = window
    announced = first - timedelta(hours=passage.corridor.thresholds.announcement_horizon_hours)
    if announced > as_of:
        dues.append(announced)
        return None
    dues += [instant + _INSTANT for instant in window if instant >= as_of]
    return _Coming(unit, border, first=first if first >= as_of else None, last=last if last >= as_of else None)


def _estimate(unit: Unit, border: Border) -> tuple[datetime, datetime] | None:
    """The planned hours from where a unit was seen last, its stay there included while it stands."""
    route = unit.way.route
    called = [one for one in unit.places if one.move.point in route.calls]
    if not called:
        return None
    here = called[-1]
    stay = route.dwell_hours(here.move.point) if here.kind == "arrives" and here is unit.places[-1] else 0.0
    running = _hours(here, border, unit)
    if running is None or stay is None:
        return None
    hours = running + stay
    spare = route.buffer_hours.most if route.buffer_hours else 0
    total = route.planned_total_hours or hours or 1
    first = here.move.instant + timedelta(hours=hours)
    return first, first + timedelta(hours=spare * min(1.0, max(hours, 1) / total))


def _hours(here: Position, border: Border, unit: Unit) -> float | None:
    """Planned hours to the entry station; None where the plan does not tell."""
    route = unit.way.route
    if border.entry.point not in route.calls or route.index(border.entry.point) <= here.index:
        return None
    return route.hours_between(here.move.point, border.entry.point)


def _announcement(passage: Passage, country: str, units: Sequence[_Coming]) -> dict[str, Any]:
    waiting = [one for one in units if not one.arrived]
    arrived = not waiting
    border = (waiting or units)[0].border
    laws = passage.entry_laws(country)
    firsts = [one.first for one in waiting if one.first is not None]
    lasts = [one.last for one in waiting if one.last is not None]
    first = min(firsts) if firsts and len(firsts) == len(waiting) else None
    shown = {
        "announcement": f"arrival:{passage.consignment.consignment}/{country}",
        "consignment": passage.consignment.consignment,
        "country": country,
        "jurisdiction": passage.corridor.laws_in(country)[0],
        "entry_point": border.entry.point,
        "exit_point": border.exit.point,
        "state": "arrived" if arrived else "expected",
        "expected_from": utc_text(first) if first else None,
        "expected_to": utc_text(max(lasts)) if lasts else None,
        "arrived_at": _last(one.came for one in units) if arrived else None,
        "rests_on": "observed" if arrived else "planned hours from the last observation",
        "filed": passage.regimes.filed(laws),
        "cases": passage.regimes.of(laws),
        "units": [_shown(one) for one in sorted(units, key=lambda u: (u.unit.train or "", u.unit.subject))],
    }
    return {name: value for name, value in shown.items() if value is not None}


def _last(instants: Iterable[datetime | None]) -> str | None:
    last = max((i for i in instants if i is not None), default=None)
    return utc_text(last) if last else None


def _shown(one: _Coming) -> dict[str, Any]:
    track = one.unit.inside.track
    shown = {
        "subject": one.unit.subject,
        "seals": list(one.unit.seals),
        "point": track.point,
        "last_seen": track.last_seen,
        "moving": track.moving,
        "state": "arrived" if one.arrived else "expected",
        "train": one.unit.train,
        "expected_from": one.first,
        "expected_to": one.last,
        "arrived_at": one.came,
    }
    return as_shown(shown)
