"""Violations: what left a border, or a store at its destination, without the permission that it takes.

Invariant: a violation rests on a movement and says whether that was observed, told second-hand or inferred. It is
raised at once on what is known, and withdrawn when the fold no longer has it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from contracts.corridor.borders import Border, CustomsPost
from contracts.events.fields import utc_text
from services.customs.domain.movement import leavings
from services.customs.domain.passage import (
    LEFT_WITHOUT_PERMISSION,
    LEFT_ZONE_WITHOUT_RELEASE,
    Passage,
    Unit,
)
from services.customs.domain.regimes import Law
from services.customs.domain.shared import Move
from services.customs.domain.transitions import LET_GO, LET_OUT, UNDER_TRANSIT
from services.customs.domain.units import DELIVERED

_GATE = ("GTOT", DELIVERED)


@dataclass(frozen=True, slots=True)
class _Gate:
    """Where goods need a permission: under which laws, in which states; `usual` is the law that is named if none is
    there. `place` is the border or the point that the violation is known by.
    """

    rule: str
    place: str
    usual: Law
    laws: Mapping[Law, Collection[str]]

    def permits(self, passage: Passage, unit: Unit, move: Move) -> bool:
        """Whether any case permits a unit to move here."""
        return any(passage.regimes.permit(unit.subject, {law}, states, move) for law, states in self.laws.items())


def violations(passage: Passage, before: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """Every departure without the permission that it takes; `before` is what held so far."""
    lost = {u.subject for u in passage.units if u.lost}
    found = [dict(v) for v in before if "violation" in v and v["subject"] in lost]
    for unit in passage.units:
        if not unit.lost and unit.way.has_customs:
            found += _of_unit(passage, unit)
    return sorted(found, key=lambda v: str(v["violation"]))


def _of_unit(passage: Passage, unit: Unit) -> Iterator[dict[str, Any]]:
    route, destination = unit.way.route, passage.corridor.resolve(passage.consignment.destination or "")
    cleared = destination is None
    for border in unit.way.borders:
        if border.key not in unit.way.sure or route.index(border.exit.point) < unit.first:
            continue
        if border.exit.customs is not None:
            left = leavings(unit.places, route.index(border.exit.point), border.exit.point)
            yield from _judged(passage, unit, _at_exit(passage, border, border.exit.customs), left)
        if border.entry.customs is not None:
            end = max(border.entry_zone, key=lambda p: unit.way.index(p) or 0)
            left = leavings(unit.places, unit.way.index(end) or 0, end)
            in_zone = destination is not None and destination.key in border.entry_zone
            left += _taken_out(passage, unit) if in_zone else []
            cleared = cleared or in_zone
            yield from _judged(passage, unit, _at_entry(passage, border, border.entry.customs), left)
    if not cleared:
        yield from _judged(passage, unit, _at_destination(passage), _taken_out(passage, unit))


def _at_exit(passage: Passage, border: Border, post: CustomsPost) -> _Gate:
    country = passage.corridor.point(border.exit.point).country
    laws = dict.fromkeys(passage.exit_laws(country), LET_OUT)
    return _Gate(LEFT_WITHOUT_PERMISSION, border.key, (post.jurisdiction, post.procedure), laws)


def _at_entry(passage: Passage, border: Border, post: CustomsPost) -> _Gate:
    country = passage.corridor.point(border.entry.point).country
    laws = dict.fromkeys(passage.entry_laws(country), LET_GO)
    return _Gate(LEFT_ZONE_WITHOUT_RELEASE, border.key, (post.jurisdiction, post.procedure), laws)


def _at_destination(passage: Passage) -> _Gate:
    """Where a transit has ended the goods are stored until they are released; a transit of the country itself that is
    still under way may go on.
    """
    point = passage.corridor.resolve(passage.consignment.destination or "")
    assert point is not None
    own = passage.corridor.laws_in(point.country)[-1]
    laws = {(own, "IMPORT"): LET_GO, (own, "TRANSIT"): UNDER_TRANSIT}
    return _Gate(LEFT_ZONE_WITHOUT_RELEASE, point.key, (own, "IMPORT"), laws)


def _taken_out(passage: Passage, unit: Unit) -> list[Move]:
    """When goods were taken out of the store at their destination: by the gate, or to who gets them."""
    corridor = passage.corridor
    destination = corridor.resolve(passage.consignment.destination or "")
    if destination is None:
        return []
    there = [m for m in unit.inside.track.moves if m.code in _GATE]
    delivered = [m for m in there if m.code == DELIVERED and _country(passage, m) == destination.country]
    return [m for m in there if m.point == destination.key or m in delivered]


def _country(passage: Passage, move: Move) -> str | None:
    point = passage.corridor.locations.find(move.point)
    return point.country if point else None


def _judged(passage: Passage, unit: Unit, gate: _Gate, left: Iterable[Move]) -> Iterator[dict[str, Any]]:
    """The first departure that nothing permits."""
    unpermitted = (m for m in sorted(left, key=lambda m: m.instant) if not gate.permits(passage, unit, m))
    if (move := next(unpermitted, None)) is not None:
        yield _violation(passage, unit, gate, move)


def _violation(passage: Passage, unit: Unit, gate: _Gate, left: Move) -> dict[str, Any]:
    law, procedure = gate.usual
    regimes, consignment = passage.regimes, passage.consignment.consignment
    usual = regimes.over(unit.subject, {gate.usual}) or regimes.of({gate.usual})
    cases = usual or regimes.over(unit.subject, [one for one in gate.laws if one[0] == law])
    # A container goes the same way again with other goods, so its key alone would not do.
    goods = "" if unit.subject == consignment else f"/{consignment}"
    return {
        "violation": f"violation:{gate.rule}/{gate.place}/{unit.subject}{goods}",
        "rule": gate.rule,
        "case": cases[0] if cases else "",
        "jurisdiction": law,
        "subject": unit.subject,
        "point": left.point,
        "instant": utc_text(left.instant),
        "rests_on": left.confidence,
        "detail": f"{law} {procedure} was not {'let out' if gate.rule == LEFT_WITHOUT_PERMISSION else 'released'}",
    }
