"""A consignment's passage over the borders: its units, their ways, and what was told of it before.

Invariant: each unit passes by itself, also one that has since gone on with other goods. What held of one goes on to
hold until it is told what befell it before.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from contracts.corridor.corridor import Corridor
from contracts.identifiers.subjects import parse_case
from services.customs.domain import movement, seals
from services.customs.domain.movement import Position
from services.customs.domain.regimes import Law, Regimes
from services.customs.domain.shared import Consignment, Inside, Move
from services.customs.domain.units import DELIVERED
from services.customs.domain.ways import Way, way_of, ways_between

LEFT_WITHOUT_PERMISSION: Final = "LEFT_WITHOUT_PERMISSION"
LEFT_ZONE_WITHOUT_RELEASE: Final = "LEFT_ZONE_WITHOUT_RELEASE"
RULES: Final = (LEFT_WITHOUT_PERMISSION, LEFT_ZONE_WITHOUT_RELEASE)
"""The rules of which violations are raised."""
WITHDRAWN: Final[Mapping[str, str]] = MappingProxyType({"state": "withdrawn"})
"""What closes an announcement or a violation that no longer holds."""


@dataclass(frozen=True, slots=True)
class Unit:
    """A unit of a consignment, as it was while it carried it, on its way; `seals` are the numbers of those on it."""

    subject: str
    inside: Inside
    way: Way
    places: tuple[Position, ...]
    seals: tuple[str, ...]

    @property
    def gone(self) -> bool:
        """Whether it has gone on with other goods."""
        return self.inside.gone

    @property
    def lost(self) -> bool:
        """Whether it has gone on, and nothing is told yet of its way with these."""
        return self.inside.lost

    @property
    def under_way(self) -> bool:
        """Whether it has been seen at all."""
        return bool(self.inside.track.moves) or self.gone

    @property
    def delivered(self) -> Move | None:
        """The delivery of its goods, if they were delivered on their way."""
        ends = (m for m in self.inside.track.moves if m.code == DELIVERED and self.way.index(m.point) is not None)
        return next(ends, None)

    def came_to(self, place: int) -> datetime | None:
        """When it came to a place of its way, or beyond; delivered goods have come wherever they were delivered."""
        end = self.delivered
        there = end is not None and (self.way.index(end.point) or 0) >= place
        return movement.came_to(self.places, place) or (end.instant if end and there else None)

    @property
    def first(self) -> int:
        """The place at which its way begins: the origin, or where it was seen first if nobody knows that."""
        if self.way.first is not None:
            return self.way.first
        return min((one.index for one in self.places), default=0)

    @property
    def train(self) -> str | None:
        """The train that it was seen in last."""
        moves = self.inside.track.moves
        return moves[-1].train if moves else None


@dataclass(frozen=True, slots=True)
class Passage:
    """A consignment with its cases on the corridor: all that announcements and violations rest on."""

    consignment: Consignment
    regimes: Regimes
    corridor: Corridor
    units: tuple[Unit, ...]

    def entry_laws(self, country: str) -> frozenset[Law]:
        """The laws under which goods are let into a country."""
        return frozenset((law, p) for law in self.corridor.laws_in(country) for p in ("TRANSIT", "IMPORT"))

    def exit_laws(self, country: str) -> frozenset[Law]:
        """The laws under which goods are let out of a country: those of all with which it shares its territory."""
        countries = self.corridor.territory(country)
        laws = {law for one in countries for law in self.corridor.laws_in(one)}
        return frozenset((law, p) for law in laws for p in ("TRANSIT", "EXPORT"))


def passage_of(consignment: Consignment, regimes: Regimes, corridor: Corridor) -> Passage:
    """The passage of a consignment; without units where no way leads from its origin to its destination."""
    named = consignment.route_variant
    ways = ways_between(consignment.origin, consignment.destination, named, corridor) if consignment.known else []
    inside = {s: i for s, i in consignment.units.items() if s.startswith("container:")}
    # Goods without any container move by themselves.
    inside = inside or {consignment.consignment: Inside(consignment.own)}
    units = (_unit(subject, one, way, regimes, len(inside) == 1) for subject, one, way in _ways(inside, ways, named))
    return Passage(consignment, regimes, corridor, tuple(units))


def _ways(inside: Mapping[str, Inside], ways: list[Way], named: str | None) -> list[tuple[str, Inside, Way]]:
    found = ((s, i, way_of((m.point for m in i.track.moves), ways, named)) for s, i in sorted(inside.items()))
    return [(subject, one, way) for subject, one, way in found if way is not None]


def _unit(subject: str, inside: Inside, way: Way, regimes: Regimes, alone: bool) -> Unit:
    places = tuple(movement.positions(inside.track.moves, way))
    on_it = seals.on_now([*inside.track.seals, *regimes.seals_of(subject, alone=alone)])
    return Unit(subject, inside, way, places, tuple(on_it))


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
    """The law that was broken: that of the case; where there is none, of the place that it is named by: a side of a
    border, or the destination.

    None where the corridor has no such place any more.
    """
    if violation["case"]:
        return parse_case(violation["case"]).jurisdiction
    named = violation["violation"].split("/")[1]
    border = next((b for b in corridor.borders if b.key == named), None)
    if border is None:
        point = corridor.locations.find(named)
        laws = corridor.laws_in(point.country) if point else ()
        return laws[-1] if laws else None
    side = border.exit if violation["rule"] == LEFT_WITHOUT_PERMISSION else border.entry
    return side.customs.jurisdiction if side.customs else None
