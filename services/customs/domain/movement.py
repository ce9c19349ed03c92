"""How a unit moved on its way: where it was in order, when it left a station behind, where it is now.

Invariant: only arrivals, departures and crossings move a unit over a border, and a passage where it does not stand. To
be seen in a stay ends none; a departure that leads back leaves nothing.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Final, Literal, cast

from contracts.milestones.lookup import MILESTONES, MilestoneCode
from services.customs.domain.shared import Move
from services.customs.domain.ways import Way

_EVER: Final = datetime.min.replace(tzinfo=UTC)

Kind = Literal["arrives", "departs", "passes"]


@dataclass(frozen=True, slots=True)
class Position:
    """A unit at a place on the route."""

    index: int
    kind: Kind
    move: Move


def positions(moves: Iterable[Move], way: Way) -> list[Position]:
    """The places of a unit on its way, oldest first; `moves` are in order."""
    found: list[Position] = []
    for move in moves:
        index, kind = way.index(move.point), _kind(move)
        if index is None or kind is None:
            continue
        stands = found and found[-1].kind == "arrives" and found[-1].index == index
        if not (kind == "passes" and stands):
            found.append(Position(index, kind, move))
    return found


def _kind(move: Move) -> Kind | None:
    movement = MILESTONES[cast(MilestoneCode, move.code)].movement
    return "departs" if movement == "crosses" else movement


def leavings(places: Sequence[Position], index: int, point: str) -> list[Move]:
    """When a unit left a station for what lies beyond: by departures that do not lead back, or the first sign beyond.

    A departure that nobody reported is inferred: it was between the last sign here and the first one beyond.
    """
    found: list[Move] = []
    left: Move | None = None
    since, beyond = _EVER, False
    for one in places:
        if one.index > index:
            if not beyond:
                found.append(left or _inferred(one.move, point, since))
            left, beyond = None, True
            continue
        since, beyond = one.move.begins, False
        departs_here = one.index == index and one.kind == "departs"
        left = (left or one.move) if departs_here else None
    return [*found, left] if left else found


def _inferred(sign: Move, point: str, since: datetime) -> Move:
    return sign._replace(point=point, begins=since, confidence="inferred")


def came_to(places: Sequence[Position], index: int) -> datetime | None:
    """When a unit came to a place or beyond, if it is still there or beyond."""
    came: datetime | None = None
    for one in places:
        came = (came or one.move.instant) if one.index >= index else None
    return came
