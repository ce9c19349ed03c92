"""On which wagons a container or goods were, and what they take over from there.

Invariant: what is handed on ends with the interval in which the wagon carried the subject.
"""

from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime
from typing import Final

from contracts.corridor.corridor import Corridor
from contracts.identifiers.subjects import kind_of, local
from contracts.milestones.lookup import rank
from services.chassis.projection.fold import Inputs
from services.tracking.domain import associations, physical, reports, stored
from services.tracking.domain.associations import Interval, Statement
from services.tracking.domain.reports import Report

LOADED: Final = rank("LOAD")


class Carriage:
    """The wagons of a subject by its own loadings and by consists.

    A container is on one wagon at a time; `torn` are the instants at which it was said to be on two, with both. Goods
    may be on several.
    """

    def __init__(self, inputs: Inputs, acts: Iterable[Report], corridor: Corridor) -> None:
        self._wagons = stored.wagons_of(inputs)
        mentions = {name: wagon.mentions for name, wagon in self._wagons.items()}
        on, off = associations.listed(inputs.subject, mentions), associations.left_out(inputs.subject, mentions)
        self._said = [*associations.loading(acts), *on, *off]
        self._corridor = corridor
        if kind_of(inputs.subject) == "container":
            self.intervals, self.torn = associations.course(self._said, self._may_change)
        else:
            self.intervals, self.torn = self._on_each(), []

    def _may_change(self, before: Statement, after: Statement) -> bool:
        """Whether a container that was on a wagon can have come to where it is on another one."""
        if before.identity == after.identity or before.instant == after.instant:
            return False
        wagon = self._wagons.get(before.other or "")
        passed = [f for f in wagon.facts if f.point and f.instant <= after.instant] if wagon else []
        moves = [f for f in passed if f.movement and f.instant >= before.instant]
        last, since = (moves[-1].point, moves[-1].instant) if moves else (before.point, before.instant)
        if moves and moves[-1].movement in ("departs", "passes", "crosses") and last == after.point:
            return False
        return physical.reaches(last, after.point, after.instant - since, self._corridor)

    def _on_each(self) -> list[Interval]:
        """When goods were on each of their wagons: they may be on several at once.

        Where they are put on a wagon at a point, they are on none that stands there and was not loaded there.
        """
        wagons = sorted({s.other for s in self._said if s.other})
        found = [i for wagon in wagons for i in associations.intervals(self._said_of(wagon))]
        return sorted(found, key=lambda i: (*i.begins, i.other))

    def _said_of(self, wagon: str) -> list[Statement]:
        mine = [s for s in self._said if s.other == wagon or (s.other is None and s.left in ("", wagon))]
        joined = {s.point for s in mine if s.other}
        onward = [s for s in self._said if s.other not in (None, wagon) and s.rank == LOADED and s.point not in joined]
        moved = (s for s in onward if self._stands(wagon, s))
        return [*mine, *(replace(s, other=None, left=wagon) for s in moved)]

    def _stands(self, wagon: str, there: Statement) -> bool:
        """Whether a wagon was at the point of a statement, last, by its instant."""
        known = self._wagons.get(wagon)
        seen = [f for f in known.facts if f.places and f.instant <= there.instant] if known else []
        return bool(seen) and seen[-1].point == there.point

    def taken(self) -> list[Report]:
        """The facts of each wagon while it carried the subject."""
        return [
            report
            for interval in self.intervals
            if interval.other in self._wagons
            for report in reports.inherited(self._wagons[interval.other].facts, interval)
        ]

    def has_on(self, wagon: str, instant: datetime) -> bool:
        """Whether a carrier had put the subject on a wagon by an instant, and had not taken it off before."""
        return any(_covers(i, instant) for i in associations.intervals(self._said_of(wagon)))

    def railways(self, instant: datetime) -> frozenset[str]:
        """The railways in whose trains the subject was at an instant."""
        wagons = [i.other for i in self.intervals if _covers(i, instant) and i.other in self._wagons]
        return frozenset(r for w in wagons for r in railways_of(self._wagons[w].trains)(instant))


def railways_of(rides: Iterable[Interval]) -> Callable[[datetime], frozenset[str]]:
    """Which railways had a wagon in their trains at an instant."""
    rides = list(rides)

    def at(instant: datetime) -> frozenset[str]:
        return frozenset(railway_in(ride.other) for ride in rides if _covers(ride, instant))

    return at


def railway_in(train: str) -> str:
    """The railway that a train's key names."""
    return local(train).split("/")[0]


def _covers(interval: Interval, instant: datetime) -> bool:
    # The end is in it: what befalls a unit as it is taken off is still for the railway to tell.
    return interval.start <= instant and (interval.end is None or instant <= interval.end)
