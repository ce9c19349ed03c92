"""A consignment's way over the borders: what is announced to the country ahead, and what left unpermitted.

Invariant: a violation rests on a movement and says whether that was observed or inferred; it is raised at once on
what is known and withdrawn when the fold no longer has it. What held of a unit that has since gone on with other
goods goes on to hold: its movements from then are no longer to be seen.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType
from typing import Any, Final

from contracts.corridor.borders import Border, BorderSide
from contracts.corridor.corridor import Corridor
from contracts.corridor.routes import RouteVariant
from contracts.events.fields import as_shown, utc_text
from contracts.identifiers.subjects import parse_case
from services.customs.domain.shared import Case, Consignment, Inside, Move
from services.customs.domain.transitions import LET_GO

LEFT_WITHOUT_PERMISSION: Final = "LEFT_WITHOUT_PERMISSION"
WITHDRAWN: Final[Mapping[str, str]] = MappingProxyType({"state": "withdrawn"})
"""What closes an announcement or a violation that no longer holds."""
_LEAVES = ("DEPA", "PASS", "GTOT")
_ENDED = frozenset({"DISCHARGED", "CLOSED"})


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a consignment, as it was while it carried it."""

    subject: str
    inside: Inside

    @property
    def moves(self) -> tuple[Move, ...]:
        """Its movements, oldest first."""
        return self.inside.track.moves

    @property
    def gone(self) -> bool:
        """Whether it has gone on with other goods."""
        return self.inside.gone


@dataclass(frozen=True, slots=True)
class Regimes:
    """The states of all cases of a consignment, by law and procedure."""

    cases: Mapping[str, Case]

    def of(self, jurisdiction: str, procedure: str) -> list[str]:
        found = [c for c in self.cases if _is_of(c, jurisdiction, procedure)]
        return sorted(found)

    def filed(self, jurisdiction: str, procedure: str) -> bool:
        return any(self.cases[c].filed for c in self.of(jurisdiction, procedure))

    def over(self, unit: Unit, jurisdiction: str, procedure: str) -> list[str]:
        """The cases that cover a unit: those whose declaration names it, or names no containers at all."""
        found = self.of(jurisdiction, procedure)
        if not unit.subject.startswith("container:"):
            return found
        named = {c: self.cases[c].containers for c in found}
        return [c for c in found if not named[c] or unit.subject in named[c]]

    def was_in(self, unit: Unit, jurisdiction: str, procedure: str, states: Iterable[str], instant: datetime) -> bool:
        """Whether some case that covers a unit was in one of the states at an instant."""
        wanted = set(states)
        cases = self.over(unit, jurisdiction, procedure)
        return any(self.cases[c].state_at(instant) in wanted for c in cases)


def units_of(consignment: Consignment) -> list[Unit]:
    """The containers of a consignment, or, for goods without any, the consignment itself."""
    found = [Unit(s, inside) for s, inside in consignment.units.items() if s.startswith("container:")]
    return found or [Unit(consignment.consignment, Inside(consignment.own))]


def held(told: Mapping[str, Mapping[str, Any]], corridor: Corridor) -> list[dict[str, Any]]:
    """The announcements and violations that hold, by what was told and not withdrawn."""
    found = []
    for data in told.values():
        if "announcement" in data:
            found.append(dict(data))
        elif data["form"] == "involved" and (law := law_of(data, corridor)) is not None:
            kept = {n: v for n, v in data.items() if n not in ("form", "state")}
            found.append(kept | {"jurisdiction": law})
    return found


def law_of(violation: Mapping[str, Any], corridor: Corridor) -> str | None:
    """The law that was broken: that of the case; where there is none, of the side of the border that it is named by.

    None where the corridor has no such border any more.
    """
    if violation["case"]:
        return parse_case(violation["case"]).jurisdiction
    named = violation["violation"].split("/")[1:2]
    border = next((b for b in corridor.borders if [b.key] == named), None)
    if border is None:
        return None
    side = border.exit if violation["rule"] == LEFT_WITHOUT_PERMISSION else border.entry
    return side.customs.jurisdiction if side.customs else None


def violations(
    consignment: Consignment,
    regimes: Regimes,
    corridor: Corridor,
    route: RouteVariant,
    before: Sequence[Mapping[str, Any]],
) -> list[dict[str, Any]]:
    """Every departure from a border without the permission that its data ask for; `before` is what held so far."""
    units = units_of(consignment)
    gone = {u.subject for u in units if u.gone}
    found = [dict(v) for v in before if "violation" in v and v["subject"] in gone]
    for border in corridor.borders_of(route.name):
        for unit in units:
            if not unit.gone:
                found += _at_exit(consignment, border, unit, regimes, route)
                found += _at_entry(consignment, border, unit, regimes, route)
    return sorted(found, key=lambda v: str(v["violation"]))


def announcements(
    consignment: Consignment,
    regimes: Regimes,
    corridor: Corridor,
    route: RouteVariant,
    as_of: datetime,
    before: Sequence[Mapping[str, Any]],
) -> tuple[list[dict[str, Any]], datetime | None]:
    """What is announced to each country that the consignment comes to, and when the next one is due."""
    units = units_of(consignment)
    under_way = [u for u in units if u.moves or u.gone]
    if not under_way or consignment.status == "cancelled":
        return [], None
    if all(u.gone for u in units):
        told = [dict(a) for a in before if "announcement" in a]
        return sorted(told, key=lambda a: _place_of(a["entry_point"], route)), None
    found, due = [], None
    for border in corridor.borders_of(route.name):
        entry = route.index(border.entry.point)
        arrived = [u for u in under_way if _furthest(u, route) >= entry]
        if arrived and len(arrived) == len(units):
            found.append(_announcement(consignment, border, regimes, corridor, units, "arrived", None, route))
            continue
        first, last = _expected(under_way, border, route)
        horizon = timedelta(hours=corridor.thresholds.announcement_horizon_hours)
        if first is not None and not arrived and first - horizon > as_of:
            due = first - horizon
        else:
            expected = (first, last)
            found.append(_announcement(consignment, border, regimes, corridor, units, "expected", expected, route))
        break
    return found, due


def _at_exit(
    consignment: Consignment, border: Border, unit: Unit, regimes: Regimes, route: RouteVariant
) -> list[dict[str, Any]]:
    side = border.exit
    if side.customs is None:
        return []
    left = _left(unit, side.point, route)
    states = _ENDED | ({"PRESENTED"} if side.customs.permission == "leave" else set())
    if left is None or regimes.was_in(unit, side.customs.jurisdiction, side.customs.procedure, states, left.instant):
        return []
    return [_violation(LEFT_WITHOUT_PERMISSION, consignment, side, unit, left, regimes, border)]


def _at_entry(
    consignment: Consignment, border: Border, unit: Unit, regimes: Regimes, route: RouteVariant
) -> list[dict[str, Any]]:
    side = border.entry
    if side.customs is None:
        return []
    zone_end = max(border.entry_zone, key=route.index)
    left = _left(unit, zone_end, route)
    if left is None or regimes.was_in(unit, side.customs.jurisdiction, side.customs.procedure, LET_GO, left.instant):
        return []
    return [_violation("LEFT_ZONE_WITHOUT_RELEASE", consignment, side, unit, left, regimes, border)]


def _left(unit: Unit, point: str, route: RouteVariant) -> Move | None:
    """The departure from a point, or the first sign of the unit further on."""
    departures = [m for m in unit.moves if m.point == point and m.code in _LEAVES]
    if departures:
        return departures[0]
    here = route.index(point)
    beyond = [m for m in unit.moves if m.point in route.points and route.index(m.point) > here]
    if not beyond:
        return None
    first = beyond[0]
    return Move(first.code, point, first.instant, "inferred")


def _violation(
    rule: str,
    consignment: Consignment,
    side: BorderSide,
    unit: Unit,
    left: Move,
    regimes: Regimes,
    border: Border,
) -> dict[str, Any]:
    assert side.customs is not None
    law, procedure = side.customs.jurisdiction, side.customs.procedure
    cases = regimes.over(unit, law, procedure) or regimes.of(law, procedure)
    # A container goes the same way again with other goods, so its key alone would not do.
    goods = "" if unit.subject == consignment.consignment else f"/{consignment.consignment}"
    return {
        "violation": f"violation:{rule}/{border.key}/{unit.subject}{goods}",
        "rule": rule,
        "case": cases[0] if cases else "",
        "jurisdiction": law,
        "subject": unit.subject,
        "point": left.point,
        "instant": utc_text(left.instant),
        "rests_on": "inferred" if left.confidence == "inferred" else "observed",
        "detail": f"{law} {procedure} was not {'ended' if rule == LEFT_WITHOUT_PERMISSION else 'released'}",
    }


def _announcement(
    consignment: Consignment,
    border: Border,
    regimes: Regimes,
    corridor: Corridor,
    units: Sequence[Unit],
    state: str,
    expected: tuple[datetime | None, datetime | None] | None,
    route: RouteVariant,
) -> dict[str, Any]:
    country = corridor.point(border.entry.point).country
    law = _law_of(country, corridor)
    procedure = border.entry.customs.procedure if border.entry.customs else "TRANSIT"
    first, last = expected or (None, None)
    shown = {
        "announcement": f"arrival:{consignment.consignment}/{country}",
        "consignment": consignment.consignment,
        "country": country,
        "jurisdiction": law,
        "entry_point": border.entry.point,
        "exit_point": border.exit.point,
        "state": state,
        "expected_from": utc_text(first) if first else None,
        "expected_to": utc_text(last) if last else None,
        "arrived_at": _all_arrived(units, border, route) if state == "arrived" else None,
        "rests_on": "observed" if state == "arrived" else "planned hours from the last observation",
        "filed": regimes.filed(law, procedure),
        "cases": regimes.of(law, procedure),
        "units": [_shown(u) for u in units],
    }
    return {name: value for name, value in shown.items() if value is not None}


def _all_arrived(units: Iterable[Unit], border: Border, route: RouteVariant) -> str | None:
    """When the last of the units was seen at the entry station or beyond; those that have gone on are seen no more."""
    entry = route.index(border.entry.point)
    came = [[m.instant for m in u.moves if m.point in route.points and route.index(m.point) >= entry] for u in units]
    last = max((min(instants) for instants in came if instants), default=None)
    return utc_text(last) if last else None


def _shown(unit: Unit) -> dict[str, Any]:
    track = unit.inside.track
    shown = {
        "subject": unit.subject,
        "seals": list(track.seals),
        "point": track.point,
        "last_seen": track.last_seen,
        "moving": track.moving,
    }
    return as_shown(shown)


def _expected(units: Sequence[Unit], border: Border, route: RouteVariant) -> tuple[datetime | None, datetime | None]:
    """From when until when the foremost unit is expected at the entry station."""
    ahead = [u for u in units if _furthest(u, route) < route.index(border.entry.point)]
    estimates = [_estimate(u, border, route) for u in ahead]
    known = [e for e in estimates if e is not None]
    if not known:
        return None, None
    return min(first for first, _ in known), max(last for _, last in known)


def _estimate(unit: Unit, border: Border, route: RouteVariant) -> tuple[datetime, datetime] | None:
    seen = [m for m in unit.moves if m.point in route.calls]
    if not seen:
        return None
    last = max(seen, key=lambda m: (route.index(m.point), m.instant))
    hours = route.hours_between(last.point, border.entry.point)
    if hours is None:
        return None
    spare = route.buffer_hours.most if route.buffer_hours else 0
    total = route.planned_total_hours or hours or 1
    first = last.instant + timedelta(hours=hours)
    return first, first + timedelta(hours=spare * min(1.0, max(hours, 1) / total))


def _place_of(point: str, route: RouteVariant) -> int:
    """How far on the way a point is; behind all others one that is not on it."""
    return route.index(point) if point in route.points else len(route.points)


def _furthest(unit: Unit, route: RouteVariant) -> int:
    if unit.gone:
        return len(route.points)
    return max((route.index(m.point) for m in unit.moves if m.point in route.points), default=-1)


def _is_of(key: str, jurisdiction: str, procedure: str) -> bool:
    case = parse_case(key)
    return case.jurisdiction == jurisdiction and case.procedure == procedure


def _law_of(country: str, corridor: Corridor) -> str:
    """The transit law of a country: the one it shares, where it shares one."""
    laws = [j for j in corridor.jurisdictions if country in j.countries]
    return str(max(laws, key=lambda j: len(j.countries)).key)
