"""How long legs and stays of a corridor take, as past journeys have it: what arrivals are estimated by.

Invariant: a file is made by `python -m corridor eta fit` and never edited; a corridor has one for each of its versions,
the newest of which counts. Hours are real, not planned ones.
"""

from functools import cached_property, lru_cache
from typing import Annotated

from pydantic import Field

from contracts.corridor import data_files
from contracts.corridor.data_files import Frozen
from contracts.corridor.locations import PointKey

Hours = Annotated[float, Field(gt=0, le=10_000)]


class Spread(Frozen):
    """A duration: its median in hours, its standard deviation on the scale of logarithms, and on how many it rests."""

    median: Hours
    sigma: Annotated[float, Field(gt=0, le=5)]
    n: Annotated[int, Field(ge=0)] = 0


class Band(Frozen):
    """How far actual arrivals lay from the estimate, up to so many hours ahead.

    `low` and `high` are the 10th and the 90th percentile, in standard deviations of the estimate.
    """

    up_to_hours: Hours
    low: Annotated[float, Field(ge=-20, le=0)]
    high: Annotated[float, Field(ge=0, le=20)]


class Record(Frozen):
    """How often an estimator of arrivals at a point was right, of so many times."""

    point: PointKey
    source: Annotated[str, Field(max_length=60)]
    right: Annotated[int, Field(ge=0)]
    n: Annotated[int, Field(ge=1)]


class Durations(Frozen):
    """The durations of a corridor: legs by `start>end`, stays by point, bands by how far ahead, records of estimators.

    `pace` says how much of a train's slowness so far it keeps.
    """

    corridor: str
    corridor_version: Annotated[int, Field(ge=1)]
    version: Annotated[int, Field(ge=1)]
    journeys: Annotated[int, Field(ge=0)]
    legs: dict[str, Spread]
    stays: dict[PointKey, Spread]
    pace: Annotated[float, Field(ge=0, le=1)] = 0.0
    bands: Annotated[tuple[Band, ...], Field(min_length=1)]
    records: tuple[Record, ...] = ()

    def band(self, hours: float) -> Band:
        """The band of what is so many hours ahead."""
        return next((band for band in self.bands if hours <= band.up_to_hours), self.bands[-1])

    def share_right(self, source: str, point: str) -> float:
        """How often a source is right about arrivals at a point; one half where nothing is known (Laplace's rule)."""
        known = self._records.get((source, point))
        return (known.right + 1) / (known.n + 2) if known else 0.5

    @cached_property
    def _records(self) -> dict[tuple[str, str], Record]:
        return {(record.source, record.point): record for record in self.records}


@lru_cache
def load_durations(corridor_id: str) -> Durations | None:
    """The newest durations of a corridor; None where none were made. Raises pydantic's `ValidationError`."""
    name = f"{corridor_id}{data_files.DURATIONS}"
    released = data_files.versions(name)
    return Durations.model_validate(data_files.read(name, released[-1])) if released else None
