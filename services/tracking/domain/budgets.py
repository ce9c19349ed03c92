"""How much of one subject a fold takes in, so that nobody can make it cost more than others can bear.

Invariant: what is over is kept and parked, and what the broker took first counts first, whatever the order of folds.
"""

from collections.abc import Iterable, Sequence
from typing import Any, Final, NamedTuple, cast

from contracts.events.operator import MilestoneReported, TrainComposed
from services.chassis.projection.fold import StoredRevision
from services.tracking.domain.counted import Counted

REPORTS_OF_A_PARTY: Final = 250
"""Milestones of one party on one subject; bare positions apart, of which only the newest counts."""
CONSISTS_OF_A_TRAIN: Final = 100
BOOKINGS_OF_A_PARTY: Final = 250
"""The newest bookings of one party that name one unit: more than it carries of one party's goods in its years."""
WAGONS_OF_A_TRAIN: Final = 400
"""Distinct wagons in all consists of a train together."""

FACTS_SHOWN: Final = 800
"""The newest facts of a timeline; all are read over the API."""
MOVES_CARRIED: Final = 1600
"""The moves of all containers together that have gone on with other goods; each has the newest of its own."""
ROWS_SHOWN: Final = 200
"""Exceptions, parked reports and claimants of a picture."""


class Split(NamedTuple):
    """What counts, and what is over the budget."""

    within: Sequence[Counted]
    over: Sequence[Counted]


def milestones_within(counted: Iterable[Counted], subject: str) -> Split:
    """The milestones of a subject by each party, up to its number of them, and everything that is no such milestone."""
    within: list[Counted] = []
    over: list[Counted] = []
    of_party: dict[str, int] = {}
    newest: dict[str, Counted] = {}
    for one in sorted(counted, key=_received):
        if one.revision.subject != subject or not isinstance(one.data, MilestoneReported):
            within.append(one)
        elif _is_position(one):
            held = newest.get(one.revision.party)
            if held is None or (held.instant, held.revision.identity) < (one.instant, one.revision.identity):
                newest[one.revision.party] = one
        else:
            number = of_party[one.revision.party] = of_party.get(one.revision.party, 0) + 1
            (within if number <= REPORTS_OF_A_PARTY else over).append(one)
    return Split([*within, *newest.values()], over)


def consists_within(counted: Iterable[Counted]) -> Split:
    """The consists of a train, as many as it may have, and no more wagons in all of them than a train can have."""
    within: list[Counted] = []
    over: list[Counted] = []
    wagons: set[str] = set()
    for one in sorted(counted, key=_received):
        listed = {w.wagon for w in cast(TrainComposed, one.data).wagons}
        if len(within) >= CONSISTS_OF_A_TRAIN or len(wagons | listed) > WAGONS_OF_A_TRAIN:
            over.append(one)
        else:
            within.append(one)
            wagons |= listed
    return Split(within, over)


def bookings_within(bookings: Iterable[Sequence[StoredRevision]]) -> list[Sequence[StoredRevision]]:
    """The bookings that name a unit, each with its revisions: of each party the ones that the broker took last."""
    of_party: dict[str, list[Sequence[StoredRevision]]] = {}
    for same in bookings:
        of_party.setdefault(same[0].party, []).append(same)
    newest = (sorted(found, key=_first_received)[-BOOKINGS_OF_A_PARTY:] for found in of_party.values())
    return [same for found in newest for same in found]


def _first_received(same: Sequence[StoredRevision]) -> tuple[Any, ...]:
    return min(r.received_at for r in same), same[0].identity


def _is_position(one: Counted) -> bool:
    data = cast(MilestoneReported, one.data)
    return data.code == "PASS" and data.point is None and data.position is not None and data.classifier == "ACT"


def _received(one: Counted) -> tuple[Any, ...]:
    return one.revision.received_at, one.revision.identity
