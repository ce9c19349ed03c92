"""The physical order of things: what cannot have happened as it was told.

Invariant: nothing that is told is dropped; what cannot be is marked, and what follows from it is left out.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from math import asin, cos, radians, sin, sqrt
from typing import Final

from contracts.corridor.corridor import Corridor
from contracts.roles import BEGINS, ENDS
from services.tracking.domain.visits import Fact

FASTEST_KMH: Final = 120
"""No freight train of the corridor is faster in a straight line."""
_EARTH_KM: Final = 6371.0
_MOVES: Final = ("arrives", "departs", "passes")


def mark(facts: Sequence[Fact]) -> None:
    """Marks the movements behind a delivery, by which nothing has moved.

    A unit that was delivered goes nowhere until it is taken for the next load or returned empty: its gate-out was typed
    afterwards, or another clock was behind.
    """
    delivered = False
    for fact in facts:
        if fact.lead.claimed:
            continue
        if fact.lead.code in ENDS:
            delivered = True
        elif fact.lead.code in BEGINS:
            delivered = False
        elif delivered and fact.lead.movement:
            fact.out_of_order = True


def impossible(facts: Sequence[Fact], corridor: Corridor) -> list[Fact]:
    """The facts of a subject's own that cannot be true together with the one before; each is marked where it is behind.

    A subject that has left a point leaves it again only when it was elsewhere or has come back: under one name two have
    left. Who has arrived behind a border has left its other side before.
    """
    tolerance = timedelta(minutes=corridor.thresholds.conflict_tolerance_minutes)
    moves = [f for f in facts if f.movement in _MOVES and f.lead.point and not f.lead.inferred]
    found = []
    for one, after in pairwise(moves):
        if after.movement != "departs" or after.lead.via is not None:
            continue
        if one.movement == "departs" and one.lead.point == after.lead.point:
            found += [after] if after.lead.instant - one.lead.instant > tolerance else []
        elif one.movement == "arrives" and _leads_to(after, one, corridor):
            after.out_of_order = True
            found.append(after)
    return found


def reaches(start: str | None, end: str | None, elapsed: timedelta, corridor: Corridor) -> bool:
    """Whether something can have come from one point to another in a time; of places unknown to us, that it can."""
    if start is None or end is None or start == end:
        return True
    one, other = corridor.point(start).position, corridor.point(end).position
    if one is None or other is None:
        return True
    hours = elapsed.total_seconds() / 3600
    return _kilometres((one.lat, one.lon), (other.lat, other.lon)) <= FASTEST_KMH * hours


def _kilometres(one: tuple[float, float], other: tuple[float, float]) -> float:
    """The great circle between two places in degrees."""
    (north, east), (other_north, other_east) = (map(radians, place) for place in (one, other))
    half = sin((other_north - north) / 2) ** 2 + cos(north) * cos(other_north) * sin((other_east - east) / 2) ** 2
    return 2 * _EARTH_KM * asin(sqrt(half))


def _leads_to(departure: Fact, arrival: Fact, corridor: Corridor) -> bool:
    """Whether a departure from one side of a border leads to an arrival at the other."""
    border = corridor.border_at(arrival.lead.point or "")
    return border is not None and {departure.lead.point, arrival.lead.point} == set(border.points)
