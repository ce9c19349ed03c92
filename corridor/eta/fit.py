"""Durations from past journeys: shrunk medians and spreads, and bands that are as wide as past errors ask for.

Invariant: the same journeys give the same durations. What few journeys have told is drawn towards what others of its
class took against their plan, and that towards what is assumed of a corridor of which nothing is known.
"""

import math
import statistics
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from contracts.corridor.corridor import Corridor
from contracts.corridor.durations import Band, Durations, Record, Spread
from corridor.eta.journeys import Guess, Journey, guesses, stretches_behind
from services.tracking.domain.eta.estimates import OURS

_DIGITS: Final = 4
# How many journeys what is drawn towards counts as: of a class for one stretch, of the assumption for a class.
_CLASS_COUNTS: Final = 4
_ASSUMED_COUNTS: Final = 10
# Assumed of legs and of stays: the logarithm of actual to planned hours, and its standard deviation (E).
_ASSUMED: Final = {"leg": (0.1, 0.35), "stay": (0.15, 0.6)}
# Taken for planned where nobody has planned anything, and where the plan has no time of its own for it (E).
_UNPLANNED_HOURS: Final = 24.0
_LEAST_HOURS: Final = 1.0
_BANDS: Final = (12.0, 48.0, 120.0, 240.0, 10_000.0)
_LOW, _HIGH = 0.1, 0.9
_ASSUMED_BAND: Final = (-1.3, 1.5)
# Of the journeys, every third says how wide the bands have to be, and the others how long things take.
_CALIBRATES: Final = 3
# An estimate was right that was no further off than this, or than a tenth of what was ahead.
_RIGHT_HOURS: Final = 2.0


class _Class(NamedTuple):
    """Of a class of stretches: the logarithm of actual to planned hours, and its variance."""

    mean: float
    variance: float


def fit(corridor: Corridor, journeys: Sequence[Journey], version: int = 1) -> Durations:
    """The durations of a corridor, from journeys in any order."""
    ordered = sorted(journeys, key=_first)
    learns = [j for n, j in enumerate(ordered) if n % _CALIBRATES]
    raw = _durations(corridor, learns, version, len(ordered))
    paced = raw.model_copy(update={"pace": _pace(corridor, learns, raw)})
    calibrates = [j for n, j in enumerate(ordered) if not n % _CALIBRATES]
    found = [guess for journey in calibrates for guess in guesses(journey, corridor, paced)]
    banded = paced.model_copy(update={"bands": tuple(_bands(found))})
    return banded.model_copy(update={"records": tuple(_records(corridor, ordered, banded))})


def _first(journey: Journey) -> tuple[str, str]:
    return str(min(i for stay in journey.stays.values() for i in stay if i)), journey.variant


def _durations(corridor: Corridor, journeys: Iterable[Journey], version: int, count: int) -> Durations:
    """What each leg and stay takes; one band for all, that of a normal variable."""
    hours: dict[str, list[float]] = {}
    for journey in journeys:
        for key, took in stretches_behind(journey, corridor, max(i for s in journey.stays.values() for i in s if i)):
            hours.setdefault(key, []).append(math.log(took))
    planned = _planned(corridor)
    classes = {kind: _class_of(kind, planned[kind], hours) for kind in planned}
    spreads = {
        kind: {key: _spread(plan, classes[kind], hours.get(key, ())) for key, plan in of_kind.items()}
        for kind, of_kind in planned.items()
    }
    low, high = _ASSUMED_BAND
    return Durations(
        corridor=corridor.id,
        corridor_version=corridor.version,
        version=version,
        journeys=count,
        legs=spreads["leg"],
        stays=spreads["stay"],
        bands=(Band(up_to_hours=_BANDS[-1], low=low, high=high),),
    )


def _planned(corridor: Corridor) -> dict[str, dict[str, float]]:
    """The planned hours of all legs and stays of a corridor, or what is assumed of them."""
    legs = {leg.key: leg.hours for variant in corridor.variants for leg in variant.legs}
    stays = {call: variant.dwell_hours(call) for variant in corridor.variants for call in variant.calls}
    return {"leg": dict(_assumed(legs)), "stay": dict(_assumed(stays))}


def _assumed(planned: Mapping[str, float | None]) -> Iterator[tuple[str, float]]:
    for key, hours in planned.items():
        yield key, _UNPLANNED_HOURS if hours is None else max(hours, _LEAST_HOURS)


def _class_of(kind: str, planned: Mapping[str, float], hours: Mapping[str, Sequence[float]]) -> _Class:
    bias, sigma = _ASSUMED[kind]
    ratios = [[took - math.log(planned[key]) for took in hours[key]] for key in planned if key in hours]
    count = sum(map(len, ratios))
    mean = (sum(map(sum, ratios)) + _ASSUMED_COUNTS * bias) / (count + _ASSUMED_COUNTS)
    within = sum(statistics.variance(one) * len(one) for one in ratios if len(one) > 1)
    return _Class(mean, (within + _ASSUMED_COUNTS * sigma**2) / (count + _ASSUMED_COUNTS))


def _spread(planned: float, of_class: _Class, took: Sequence[float]) -> Spread:
    n = len(took)
    mean = (sum(took) + _CLASS_COUNTS * (math.log(planned) + of_class.mean)) / (n + _CLASS_COUNTS)
    own = statistics.variance(took) if n > 1 else 0.0
    sigma = math.sqrt((n * own + _CLASS_COUNTS * of_class.variance) / (n + _CLASS_COUNTS))
    return Spread(median=round(math.exp(mean), _DIGITS), sigma=round(max(sigma, 0.01), _DIGITS), n=n)


def _pace(corridor: Corridor, journeys: Iterable[Journey], durations: Durations) -> float:
    """How much of its slowness so far a journey keeps: the slope through the origin, between 0 and 1."""
    products = squares = 0.0
    for journey in journeys:
        last = max(i for stay in journey.stays.values() for i in stay if i)
        soft = 0.0
        for nth, (key, took) in enumerate(stretches_behind(journey, corridor, last)):
            spread = durations.legs.get(key) or durations.stays[key]
            score = math.log(took / spread.median) / spread.sigma
            before = soft / (nth + 2)
            products, squares, soft = products + before * score, squares + before**2, soft + score
    return round(min(max(products / squares, 0.0), 1.0), _DIGITS) if squares else 0.0


def _bands(found: Sequence[Guess]) -> list[Band]:
    bands = []
    below = 0.0
    for up_to in _BANDS:
        scores = sorted(g.score for g in found if below < g.ahead <= up_to)
        low, high = (_percentile(scores, _LOW), _percentile(scores, _HIGH)) if len(scores) >= 20 else _ASSUMED_BAND
        bands.append(Band(up_to_hours=up_to, low=round(min(low, 0.0), _DIGITS), high=round(max(high, 0.0), _DIGITS)))
        below = up_to
    return bands


def _percentile(scores: Sequence[float], share: float) -> float:
    """The percentile of a finite sample on the safe side, as conformal prediction has it."""
    n = len(scores)
    place = math.floor((n + 1) * share) if share < 0.5 else math.ceil((n + 1) * share)
    return scores[min(max(place - 1, 0), n - 1)]


def _records(corridor: Corridor, journeys: Iterable[Journey], durations: Durations) -> list[Record]:
    """How often each source was right about arrivals at each point."""
    right: dict[tuple[str, str], list[bool]] = {}
    for journey in journeys:
        for guess in guesses(journey, corridor, durations):
            right.setdefault((guess.arrival.point, OURS), []).append(is_right(guess.error, guess.ahead))
        for said in journey.said:
            actual = journey.stays[said.point].arrived_at if said.point in journey.stays else None
            if actual is not None and said.made_at < actual:
                error, ahead = (actual - said.expected).total_seconds() / 3600, _hours_ahead(said.made_at, actual)
                right.setdefault((said.point, said.source), []).append(is_right(error, ahead))
    return [Record(point=p, source=s, right=sum(told), n=len(told)) for (p, s), told in sorted(right.items())]


def _hours_ahead(made_at: datetime, actual: datetime) -> float:
    return (actual - made_at).total_seconds() / 3600


def is_right(error: float, ahead: float) -> bool:
    """Whether an estimate that was off by so many hours counts as right."""
    return abs(error) <= max(_RIGHT_HOURS, ahead / 10)
