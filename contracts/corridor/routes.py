"""Route variants: the points in order, the legs between them, and the plan in hours.

Invariant: legs chain, every point occurs once, and what nobody has estimated is None and makes everything
that rests on it None.
"""

from collections import Counter
from functools import cached_property
from itertools import pairwise
from typing import Annotated, Literal, NamedTuple

from pydantic import Field, model_validator

from contracts.corridor.borders import JurisdictionKey, Procedure
from contracts.corridor.data_files import Frozen
from contracts.corridor.locations import PointKey

Hours = Annotated[float, Field(ge=0, le=10_000)]


class Leg(Frozen):
    """From one planned call to the next. `via` are points on the way without planned times of their own."""

    start: PointKey = Field(alias="from")
    end: PointKey = Field(alias="to")
    via: tuple[PointKey, ...] = ()
    km: Annotated[float, Field(gt=0)] | None
    gauge_mm: Literal[1676, 1520, 1435]
    hours: Hours | None

    @property
    def key(self) -> str:
        """`start>end`."""
        return f"{self.start}>{self.end}"

    @property
    def points(self) -> tuple[str, ...]:
        """Start, points on the way, end."""
        return (self.start, *self.via, self.end)


class Dwell(Frozen):
    """Planned hours between arrival and departure at a call; None where nobody has estimated them."""

    point: PointKey
    hours: Hours | None


class Buffer(Frozen):
    """Hours that announcements add to the plan, from the least to the most quoted."""

    least: Hours
    most: Hours


class Regime(Frozen):
    """A customs regime of the goods, from the point where it begins to that where it ends, both included."""

    jurisdiction: JurisdictionKey
    procedure: Procedure
    begins: PointKey
    ends: PointKey


class PlannedOffset(NamedTuple):
    """A planned call, in hours from the departure of the first point; the first call has no arrival."""

    point: str
    arrive_hours: float | None
    depart_hours: float | None


def _sum(*hours: float | None) -> float | None:
    known = [value for value in hours if value is not None]
    return sum(known) if len(known) == len(hours) else None


class RouteVariant(Frozen):
    """One way through the corridor, in the direction of travel."""

    name: str
    description: str
    planned_total_hours: Hours | None
    buffer_hours: Buffer | None
    legs: Annotated[tuple[Leg, ...], Field(min_length=1)]
    dwell: tuple[Dwell, ...]
    regimes: Annotated[tuple[Regime, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> "RouteVariant":
        for one, other in pairwise(self.legs):
            if one.end != other.start:
                raise ValueError(f"{self.name}: {other.key} does not begin where {one.key} ends")
        repeated = [point for point, count in Counter(self.points).items() if count > 1]
        if repeated:
            raise ValueError(f"{self.name} passes {', '.join(repeated)} twice")
        if len(self._dwell) != len(self.dwell) or not self._dwell.keys() <= set(self.calls):
            raise ValueError(f"{self.name}: a dwell belongs to a call, and each call has one at most")
        total = self.planned_offsets()[-1].depart_hours
        if total != self.planned_total_hours:
            raise ValueError(f"{self.name}: the plan has {total} hours, not {self.planned_total_hours}")
        self._check_regimes()
        return self

    def _check_regimes(self) -> None:
        ends = [point for regime in self.regimes for point in (regime.begins, regime.ends)]
        if not set(ends) <= set(self.points):
            raise ValueError(f"{self.name}: a regime begins or ends off the route")
        places = [self.index(point) for point in ends]
        if places != sorted(places) or places[0] != 0 or places[-1] != len(self.points) - 1:
            raise ValueError(f"{self.name}: the regimes do not follow one another from end to end")

    @cached_property
    def calls(self) -> tuple[str, ...]:
        """The points with planned times, in order."""
        return (self.legs[0].start, *(leg.end for leg in self.legs))

    @cached_property
    def points(self) -> tuple[str, ...]:
        """All points, in order."""
        return (self.legs[0].start, *(point for leg in self.legs for point in leg.points[1:]))

    def index(self, point_key: str) -> int:
        """The place of a point on the route; raises `ValueError` for one that is off it."""
        return self.points.index(point_key)

    def leg_from(self, point_key: str) -> Leg | None:
        """The leg that a train at this point is on, or sets out on; None at the end and off the route."""
        return next((leg for leg in self.legs if point_key in leg.points[:-1]), None)

    def dwell_hours(self, point_key: str) -> float | None:
        """Planned hours at a call: 0 where the plan has no stop, None where it has one of unknown length."""
        return self._dwell.get(point_key, 0.0)

    def planned_offsets(self) -> list[PlannedOffset]:
        """Each call in order; the times behind an unknown leg or dwell are None."""
        depart: float | None = 0.0
        offsets = [PlannedOffset(self.calls[0], None, depart)]
        for leg in self.legs:
            arrive = _sum(depart, leg.hours)
            depart = _sum(arrive, self.dwell_hours(leg.end))
            offsets.append(PlannedOffset(leg.end, arrive, depart))
        return offsets

    def hours_between(self, start: str, end: str) -> float | None:
        """Planned hours from the departure of one call to the arrival at a later one.

        None where a part is unknown; raises `ValueError` where either is no call or they are out of order.
        """
        first, last = self.calls.index(start), self.calls.index(end)
        if first >= last:
            raise ValueError(f"{end} does not come after {start}")
        legs = self.legs[first:last]
        return _sum(*(leg.hours for leg in legs), *(self.dwell_hours(leg.end) for leg in legs[:-1]))

    @cached_property
    def _dwell(self) -> dict[str, float | None]:
        return {dwell.point: dwell.hours for dwell in self.dwell}
