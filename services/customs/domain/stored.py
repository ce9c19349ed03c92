"""How it is stored what subjects share and cases remember: written and read here alone.

Invariant: what lacks something, or has it in another form, is not read: the fold fails, and is tried again when the
subject that shares it has been drawn anew.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from contracts.events.fields import utc_text
from services.chassis.projection.fold import Inputs
from services.chassis.projection.shapes import MAYBE_TEXT, Kind, members, row
from services.customs.domain.holds import Hold
from services.customs.domain.shared import (
    Case,
    Claim,
    Consignment,
    Inside,
    Memory,
    Move,
    SealMark,
    Step,
    Track,
    Unit,
)

# --- What is read


def unit_of(inputs: Inputs, unit: str) -> Unit | None:
    """What a unit shares; None for one that has no picture yet."""
    given = inputs.shared.get(unit)
    return _read_unit(orjson.loads(given.text)) if given else None


def consignment_of(inputs: Inputs, about: str) -> Consignment | None:
    """What a consignment shares, or a document number of its own; None where there is none yet."""
    given = inputs.shared.get(about)
    return _read_consignment(given.text) if given else None


def cases_of(inputs: Inputs) -> dict[str, Case]:
    """The cases that are read."""
    return {s: _read_case(orjson.loads(g.text)) for s, g in inputs.shared.items() if s.startswith("case:")}


def read_memory(value: Any) -> Memory:
    """What a case remembers; nothing where there is none."""
    if value is None:
        return Memory()
    (refused,) = members(value, {"refused": list})
    return Memory(frozenset((source, event_id) for source, event_id in (row(r, str, str) for r in refused)))


# --- What is written


def write_unit(unit: Unit) -> dict[str, Any]:
    """A unit as it is stored."""
    claims = [[c.consignment, utc_text(c.start), _text(c.end)] for c in unit.claims]
    return _track(unit.track) | {"holds": write_holds(unit.holds), "claims": claims, "journey": unit.journey}


def write_consignment(one: Consignment) -> dict[str, Any]:
    """A consignment as it is stored."""
    return {
        "consignment": one.consignment,
        "known": one.known,
        "status": one.status,
        "parties": list(one.parties),
        "declarants": list(one.declarants),
        "former": {party: utc_text(until) for party, until in one.former.items()},
        "route": list(one.route),
        "route_variant": one.route_variant,
        "origin": one.origin,
        "destination": one.destination,
        "units": {unit: _inside(inside) for unit, inside in one.units.items()},
        "own": _track(one.own),
        "holds": write_holds(one.holds),
    }


def write_case(case: Case) -> dict[str, Any]:
    """A case as it is stored."""
    return {
        "steps": _steps(case.steps),
        "filed": case.filed,
        "consignment": case.consignment,
        "containers": list(case.containers),
        "apart": {unit: _steps(steps) for unit, steps in case.apart.items()},
        "seals": _seals(case.seals),
    }


def write_holds(holds: Iterable[Hold]) -> list[dict[str, Any]]:
    """Holds as they are stored, and as the pictures of units and consignments have them."""
    return [
        asdict(hold)
        | {
            "placed_at": utc_text(hold.placed_at),
            "lifted_at": _text(hold.lifted_at),
            "jurisdictions": list(hold.jurisdictions),
        }
        for hold in holds
    ]


def write_memory(memory: Memory) -> dict[str, Any] | None:
    """What a case remembers, as it is stored; None for nothing."""
    return {"refused": sorted(list(one) for one in memory.refused)} if memory.refused else None


# --- How it is stored

_TRACK: Final[Mapping[str, Kind]] = {
    "facts": list,
    "seals": list,
    "point": MAYBE_TEXT,
    "moving": bool,
    "last_seen": MAYBE_TEXT,
}
_UNIT: Final[Mapping[str, Kind]] = {"holds": list, "claims": list, "journey": int}
_INSIDE: Final[Mapping[str, Kind]] = {"holds": list, "gone": bool, "lost": bool}
_CONSIGNMENT: Final[Mapping[str, Kind]] = {
    "consignment": str,
    "known": bool,
    "status": str,
    "parties": list,
    "declarants": list,
    "former": dict,
    "route": list,
    "route_variant": MAYBE_TEXT,
    "origin": MAYBE_TEXT,
    "destination": MAYBE_TEXT,
    "units": dict,
    "own": dict,
    "holds": list,
}
_CASE: Final[Mapping[str, Kind]] = {
    "steps": list,
    "filed": bool,
    "consignment": MAYBE_TEXT,
    "containers": list,
    "apart": dict,
    "seals": list,
}
_HOLD: Final[Mapping[str, Kind]] = {
    **dict.fromkeys(("hold", "party", "authority", "scope", "reason", "placed_at"), str),
    "lifted_at": MAYBE_TEXT,
    "jurisdictions": list,
    **dict.fromkeys(("office", "officer", "country"), MAYBE_TEXT),
}


def _track(track: Track) -> dict[str, Any]:
    return {
        "facts": [
            [m.code, m.point, *map(utc_text, (m.instant, m.begins, m.ends)), m.confidence, m.train] for m in track.moves
        ],
        "seals": _seals(track.seals),
        "point": track.point,
        "moving": track.moving,
        "last_seen": _text(track.last_seen),
    }


def _seals(seals: Iterable[SealMark]) -> list[Any]:
    return [[utc_text(mark.instant), mark.number, mark.removed, list(mark.units)] for mark in seals]


def _steps(steps: Iterable[Step]) -> list[Any]:
    return [[step.state, utc_text(step.begins), utc_text(step.ends)] for step in steps]


def _inside(inside: Inside) -> dict[str, Any]:
    return _track(inside.track) | {"holds": write_holds(inside.holds), "gone": inside.gone, "lost": inside.lost}


def _read_track(value: Any) -> Track:
    facts, seals, point, moving, last_seen = members(value, _TRACK)
    return Track(tuple(map(_read_move, facts)), _read_seals(seals), point, moving, _instant(last_seen))


def _read_move(value: Any) -> Move:
    code, point, at, begins, ends, confidence, train = row(value, str, str, str, str, str, str, MAYBE_TEXT)
    instant, first, last = (datetime.fromisoformat(text) for text in (at, begins, ends))
    return Move(code, point, instant, first, last, confidence, train)


def _read_seals(values: Iterable[Any]) -> tuple[SealMark, ...]:
    marks = (row(mark, str, str, bool, list) for mark in values)
    return tuple(SealMark(datetime.fromisoformat(at), number, off, tuple(units)) for at, number, off, units in marks)


def _read_steps(values: Iterable[Any]) -> tuple[Step, ...]:
    steps = (row(step, str, str, str) for step in values)
    return tuple(Step(state, *map(datetime.fromisoformat, (begins, ends))) for state, begins, ends in steps)


def _read_unit(value: Any) -> Unit:
    holds, claims, journey = members(value, _UNIT)
    found = (row(claim, str, str, MAYBE_TEXT) for claim in claims)
    carried = tuple(Claim(name, datetime.fromisoformat(start), _instant(end)) for name, start, end in found)
    return Unit(_read_track(value), _read_holds(holds), carried, journey)


def _read_inside(value: Any) -> Inside:
    # Builds before left out what was not so, and knew nothing of what had gone on.
    before = {"holds": [], "gone": False, "lost": value.get("gone", False)}
    holds, gone, lost = members(before | value, _INSIDE)
    return Inside(_read_track(value), _read_holds(holds), gone, lost)


# The cases and the way of a consignment are mostly folded one after the other.
@lru_cache(maxsize=64)
def _read_consignment(text: str) -> Consignment:
    key, known, status, parties, declarants, former, route, variant, origin, destination, units, own, holds = members(
        orjson.loads(text), _CONSIGNMENT
    )
    return Consignment(
        key,
        known,
        status,
        tuple(parties),
        tuple(declarants),
        {party: datetime.fromisoformat(until) for party, until in former.items()},
        tuple(route),
        variant,
        origin,
        destination,
        {unit: _read_inside(inside) for unit, inside in units.items()},
        _read_track(own),
        _read_holds(holds),
    )


def _read_case(value: Any) -> Case:
    steps, filed, consignment, containers, apart, seals = members(value, _CASE)
    by_unit = {unit: _read_steps(own) for unit, own in apart.items()}
    return Case(_read_steps(steps), filed, consignment, tuple(containers), by_unit, _read_seals(seals))


def _read_holds(values: Iterable[Any]) -> tuple[Hold, ...]:
    return tuple(map(_read_hold, values))


def _read_hold(value: Any) -> Hold:
    hold, party, authority, scope, reason, placed_at, lifted_at, jurisdictions, *wrote = members(value, _HOLD)
    placed, lifted = datetime.fromisoformat(placed_at), _instant(lifted_at)
    return Hold(hold, party, authority, scope, reason, placed, lifted, tuple(jurisdictions), *wrote)


def _text(instant: datetime | None) -> str | None:
    return utc_text(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
