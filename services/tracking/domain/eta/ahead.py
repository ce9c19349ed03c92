"""What a subject has before it and behind it on its route: legs and stays, each with how long it takes or took.

Invariant: what has begun is there with the hours that have passed; points on the way share their leg by their place
in it, since nobody plans a time for them.
"""

import math
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.corridor.durations import Durations, Spread
from contracts.corridor.routes import RouteVariant

_HOUR: Final = timedelta(hours=1)
# What nobody has estimated or planned is taken for a move within a station.
_SHORT: Final = Spread(median=1.0, sigma=1.0)
# A stay or leg that took no time at all is one that was reported late or together.
LEAST_HOURS: Final = 0.1


@dataclass(frozen=True, slots=True)
class Here:
    """Where a subject is: at a point since an instant, or on its way from it."""

    point: str
    since: datetime
    moving: bool


class Stretch(NamedTuple):
    """A leg or a stay that is ahead, or what is left of it; `arrives` is the point at the end of a leg."""

    spread: Spread
    begun: bool
    arrives: str | None = None


class Passed(NamedTuple):
    """A leg (`start>end`) or a stay (a point) that is behind, and how many hours it took."""

    key: str
    hours: float


class Stay(NamedTuple):
    """When a subject came to a point and left it."""

    arrived_at: datetime | None
    departed_at: datetime | None


def stretches(route: RouteVariant, durations: Durations, here: Here, destination: str) -> Iterator[Stretch]:
    """The stretches from a place to a destination in order; none off the route, against it or at its end."""
    points = route.points
    if here.point not in points or destination not in points:
        return
    start, end = points.index(here.point), points.index(destination)
    for leg in route.legs:
        first, last = points.index(leg.start), points.index(leg.end)
        if last <= start or first >= end:
            continue
        if first > start or (first == start and not here.moving):
            yield Stretch(durations.stays.get(leg.start, _SHORT), first == start)
        share = (min(end, last) - max(start, first)) / (last - first)
        spread = durations.legs.get(leg.key, _SHORT)
        left = spread.model_copy(update={"median": spread.median * share})
        yield Stretch(left, here.moving and start >= first, points[min(end, last)])


def passed(route: RouteVariant, stays: Mapping[str, Stay]) -> Iterator[Passed]:
    """The legs and stays that are behind, as far as both their ends are known."""
    for leg in route.legs:
        start, end = stays.get(leg.start), stays.get(leg.end)
        if start and start.arrived_at and start.departed_at:
            yield Passed(leg.start, _hours(start.arrived_at, start.departed_at))
        if start and end and start.departed_at and end.arrived_at:
            yield Passed(leg.key, _hours(start.departed_at, end.arrived_at))


def slowness(behind: Iterable[Passed], durations: Durations) -> float:
    """By how much, on the scale of logarithms, a subject was slower than others so far; few stretches count less."""
    found = []
    for key, hours in behind:
        spread = durations.legs.get(key) or durations.stays.get(key)
        if spread is not None:
            found.append(math.log(hours / spread.median) / spread.sigma)
    return sum(found) / (len(found) + 2)


def _hours(start: datetime, end: datetime) -> float:
    return max((end - start) / _HOUR, LEAST_HOURS)
