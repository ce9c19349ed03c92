"""On which wagons a container or goods were, and what they take over from there.

Invariant: what is handed on ends with the interval in which the wagon carried the subject.
"""

from collections.abc import Callable, Iterable
from datetime import datetime

from contracts.identifiers.subjects import local
from services.chassis.projection.fold import Inputs
from services.tracking.domain import associations, reports, stored
from services.tracking.domain.associations import Interval
from services.tracking.domain.reports import Report


class Carriage:
    """The wagons of a subject by its own loadings and by consists."""

    def __init__(self, inputs: Inputs, acts: Iterable[Report]) -> None:
        self._wagons = stored.wagons_of(inputs)
        mentions = {name: wagon.mentions for name, wagon in self._wagons.items()}
        on, off = associations.listed(inputs.subject, mentions), associations.left_out(inputs.subject, mentions)
        self._said = [*associations.loading(acts), *on, *off]
        self.intervals = associations.intervals(self._said)

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
        said = (s for s in self._said if s.other == wagon or (s.other is None and s.left in ("", wagon)))
        return any(_covers(interval, instant) for interval in associations.intervals(said))

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
