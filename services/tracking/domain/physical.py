"""The physical order of things: what cannot have happened as it was told.

Invariant: nothing that is told is dropped; what cannot be is marked, and what follows from it is left out.
"""

from collections.abc import Sequence
from datetime import timedelta
from itertools import pairwise
from typing import Final

from contracts.corridor.corridor import Corridor
from contracts.roles import BEGINS, ENDS
from services.tracking.domain.visits import Fact

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


def _leads_to(departure: Fact, arrival: Fact, corridor: Corridor) -> bool:
    """Whether a departure from one side of a border leads to an arrival at the other."""
    border = corridor.border_at(arrival.lead.point or "")
    return border is not None and {departure.lead.point, arrival.lead.point} == set(border.points)
