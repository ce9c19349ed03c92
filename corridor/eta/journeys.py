"""Past journeys, as durations are made from them: when each point of a route was come to and left.

Invariant: a journey says only what was observed; what was said ahead of it is apart.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.corridor.corridor import Corridor
from contracts.corridor.durations import Durations
from contracts.corridor.routes import RouteVariant
from services.tracking.domain.eta.ahead import Here, Passed, Stay, passed
from services.tracking.domain.eta.estimates import Arrival, arrivals

_HOUR: Final = timedelta(hours=1)
_LEAST_HOURS: Final = 0.05


class Said(NamedTuple):
    """What somebody said of an arrival ahead of it, and when."""

    source: str
    point: str
    made_at: datetime
    expected: datetime


class Journey(NamedTuple):
    """A journey on a route variant: its stays by point, in order, and what was said ahead of it."""

    variant: str
    stays: Mapping[str, Stay]
    said: Sequence[Said] = ()

    def route(self, corridor: Corridor) -> RouteVariant:
        return corridor.variant(self.variant)

    def behind(self, instant: datetime) -> dict[str, Stay]:
        """What was known of the stays at an instant."""
        return {
            point: known for point, stay in self.stays.items() if (known := _until(stay, instant)) != Stay(None, None)
        }

    def heres(self) -> Iterator[Here]:
        """Each place that the journey was at, as of when it came there or left."""
        for point, stay in self.stays.items():
            if stay.arrived_at:
                yield Here(point, stay.arrived_at, moving=False)
            if stay.departed_at:
                yield Here(point, stay.departed_at, moving=True)


class Guess(NamedTuple):
    """What we would have said of an arrival at an instant, and when it came."""

    made_at: datetime
    arrival: Arrival
    actual: datetime

    @property
    def ahead(self) -> float:
        """How far ahead of the estimate the arrival was expected, in hours."""
        return (self.arrival.range.expected - self.made_at) / _HOUR

    @property
    def error(self) -> float:
        """How much later than expected it came, in hours."""
        return (self.actual - self.arrival.range.expected) / _HOUR

    @property
    def score(self) -> float:
        """The error in standard deviations."""
        return self.error / max(self.arrival.deviation, _LEAST_HOURS)

    @property
    def is_inside(self) -> bool:
        """Whether it came within the range."""
        return self.arrival.range.earliest <= self.actual <= self.arrival.range.latest


def guesses(journey: Journey, corridor: Corridor, durations: Durations) -> Iterator[Guess]:
    """What we would have said of each arrival ahead, at each place that the journey was at."""
    route = journey.route(corridor)
    for here in journey.heres():
        behind = stretches_behind(journey, corridor, here.since)
        for one in arrivals(route, durations, here, route.calls[-1], behind, here.since):
            actual = journey.stays[one.point].arrived_at if one.point in journey.stays else None
            if actual is not None and actual > here.since:
                yield Guess(here.since, one, actual)


def stretches_behind(journey: Journey, corridor: Corridor, instant: datetime) -> list[Passed]:
    """The legs and stays that were behind at an instant."""
    return list(passed(journey.route(corridor), journey.behind(instant)))


def once(journeys: Iterable[Journey]) -> list[Journey]:
    """Journeys that are not the same: what came on one train tells no more than one of its units."""
    known: dict[tuple[object, ...], Journey] = {}
    for journey in journeys:
        known.setdefault((journey.variant, *journey.stays.items()), journey)
    return list(known.values())


def _until(stay: Stay, instant: datetime) -> Stay:
    arrived_at = stay.arrived_at if stay.arrived_at and stay.arrived_at <= instant else None
    departed_at = stay.departed_at if stay.departed_at and stay.departed_at <= instant else None
    return Stay(arrived_at, departed_at)
