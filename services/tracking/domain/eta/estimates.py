"""When a subject comes to the points ahead: a range by past journeys, what its plan and others say, and who is told.

Invariant: an estimate is a function of where the subject is, the durations in force, and the instant: it moves by
itself only once what was expected has not come, and then at instants that double.
"""

import math
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Final, NamedTuple

from contracts.corridor.durations import Durations
from contracts.corridor.routes import RouteVariant
from services.tracking.domain.eta import lognormal
from services.tracking.domain.eta.ahead import Here, Passed, Stretch, slowness, stretches
from services.tracking.domain.eta.lognormal import Moments

OURS: Final = "corridor"
PLAN: Final = "plan"
FORETELL_ARRIVAL: Final = frozenset({"ARRI", "BARR", "ETA"})
"""The codes of reports that say when a subject will arrive."""
_HOUR: Final = timedelta(hours=1)


class Range(NamedTuple):
    """The 10th percentile, the median and the 90th percentile of an arrival."""

    earliest: datetime
    expected: datetime
    latest: datetime


class Arrival(NamedTuple):
    """Our estimate of an arrival at a point.

    `deviation` is its standard deviation in hours, without the bands; `journeys` is on how many past ones it rests,
    by the stretch with fewest.
    """

    point: str
    range: Range
    deviation: float
    journeys: int


def arrivals(
    route: RouteVariant,
    durations: Durations,
    here: Here,
    destination: str,
    behind: Sequence[Passed],
    as_of: datetime,
) -> list[Arrival]:
    """The arrivals at the calls ahead and at the destination, in order."""
    ahead = list(stretches(route, durations, here, destination))
    slow = durations.pace * slowness(behind, durations)
    now = max(as_of, here.since)
    return list(_arrivals(ahead, durations, slow, (now - here.since) / _HOUR, now))


def _arrivals(
    ahead: Sequence[Stretch], durations: Durations, slow: float, elapsed: float, now: datetime
) -> Iterator[Arrival]:
    parts: list[Moments] = []
    for n, one in enumerate(ahead):
        fewest = min(before.spread.n for before in ahead[: n + 1])
        median = one.spread.median * math.exp(slow * one.spread.sigma)
        parts.append(lognormal.left_of(median, one.spread.sigma, elapsed if one.begun else 0.0))
        if one.arrives is not None:
            left = lognormal.total(parts)
            yield Arrival(one.arrives, _range(left, durations, now), math.sqrt(left.variance), fewest)


def _range(left: Moments, durations: Durations, now: datetime) -> Range:
    median, spread = left.median, math.sqrt(left.variance)
    band = durations.band(median)
    hours = (max(median + band.low * spread, 0.0), median, median + band.high * spread)
    return Range(*(now + timedelta(hours=h) for h in hours))


def looked_at(expected: datetime | None, as_of: datetime) -> tuple[datetime | None, datetime | None]:
    """The last instant up to `as_of` at which an overdue subject is looked at anew, and the next one.

    One, two, four hours and so on behind the next arrival or departure that was expected; None before the first.
    """
    if expected is None:
        return None, None
    last, step = None, _HOUR
    while expected + step <= as_of:
        last, step = expected + step, step * 2
    return last, expected + step
