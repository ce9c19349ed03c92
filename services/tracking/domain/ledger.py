"""The delay ledger: where the hours between plan and actual went, each hour in exactly one interval.

Invariant: the delays of all intervals add up to the delay at the last one's end, whatever was reported and in which
order. An end that nobody reported is put between its neighbours in proportion to the plan, and said to be inferred.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Final, Literal, NamedTuple

from contracts.corridor.corridor import Corridor
from contracts.corridor.routes import RouteVariant
from contracts.events.fields import utc_text
from services.tracking.domain.eta.ahead import Stay

_HOUR: Final = timedelta(hours=1)
_CAUSES: Final = frozenset({"DLAY", "STOP", "HREF", "CHLD", "DRLM", "DAMG", "TAMP"})

Kind = Literal["departure", "leg", "stay"]
Key = tuple[Kind, str]
"""What begins at an end: a stay at a point, a leg `start>end`, the wait for departure."""
Plan = dict[Key, timedelta]
"""How long behind the departure each leg and stay begins, in order."""
Fact = Mapping[str, Any]


class End(NamedTuple):
    """The beginning of an interval and end of the one before: when it was planned, and when it was."""

    planned: timedelta
    actual: datetime
    is_inferred: bool


@dataclass(frozen=True, slots=True)
class Interval:
    """A stay or leg that is over, or the wait for departure: how much longer it took than was planned.

    `delay` is negative where time was made up. `party` is the railway that is responsible there, `causes` are what was
    reported meanwhile, `facts` the ids of the reports that it rests on.
    """

    kind: Kind
    place: str
    start: datetime
    end: datetime
    planned: timedelta
    party: str | None
    causes: tuple[str, ...]
    facts: tuple[str, ...]
    is_inferred: bool

    @property
    def delay(self) -> timedelta:
        return self.end - self.start - self.planned

    def as_json(self) -> dict[str, Any]:
        """The interval as the API shows it; hours to two places."""
        shown = {
            "kind": self.kind,
            "place": self.place,
            "start": utc_text(self.start),
            "end": utc_text(self.end),
            "planned_hours": round(self.planned / _HOUR, 2),
            "delay_hours": round(self.delay / _HOUR, 2),
            "party": self.party,
            "causes": list(self.causes) or None,
            "facts": list(self.facts) or None,
            "confidence": "inferred" if self.is_inferred else "observed",
        }
        return {name: value for name, value in shown.items() if value is not None}


def ledger(
    plan: Plan, stays: Mapping[str, Stay], facts: Sequence[Fact], departs: datetime | None, corridor: Corridor
) -> list[Interval]:
    """The intervals from the planned departure, or the first known one, to the last end that was observed.

    `stays` are when each point was come to and left, `departs` is when the journey was planned to begin.
    """
    ends = _ends(plan, stays, departs)
    return [_interval(*pair, facts, corridor) for pair in pairwise(ends.items())]


def total(intervals: Iterable[Interval]) -> timedelta:
    """The delay at the end of the last interval."""
    return sum((one.delay for one in intervals), timedelta())


def planned_on(route: RouteVariant) -> Plan:
    """The plan of a route variant; what nobody has planned takes no time."""
    found: Plan = {}
    now = timedelta()
    for leg in route.legs:
        found["leg", leg.key] = now
        now += timedelta(hours=leg.hours or 0.0)
        found["stay", leg.end] = now
        now += timedelta(hours=route.dwell_hours(leg.end) or 0.0)
    return found | {("departure", route.calls[-1]): now}


def planned_by(calls: Sequence[Mapping[str, Any]]) -> Plan:
    """The plan of a train, by its calls as its picture has them; empty where one lacks its times."""
    points = [call["point"] for call in calls]
    instants = [
        [datetime.fromisoformat(call[name]) for name in ("arrival", "departure") if name in call] for call in calls
    ]
    if len(set(points)) < len(points) or not all(instants):
        return {}
    began = max(instants[0])
    found: Plan = {}
    for (start, left), (end, came) in pairwise(zip(points, instants, strict=True)):
        found["leg", f"{start}>{end}"] = max(left) - began
        found["stay", end] = min(came) - began
    return found


def _ends(plan: Plan, stays: Mapping[str, Stay], departs: datetime | None) -> dict[Key, End]:
    """The ends in order by what begins there, up to the last that was observed."""
    order = list(plan)
    known = {key: at for key in order if (at := _observed(key, stays)) is not None}
    if not known:
        return {}
    first, last = (order.index(key) for key in (next(iter(known)), list(known)[-1]))
    found: dict[Key, End] = {}
    if departs is not None and first == 0:
        found["departure", _point(order[0])] = End(timedelta(), departs, False)
    latest: datetime | None = None
    for key in order[first : last + 1]:
        at = known.get(key)
        actual = at or _between(key, plan, known)
        # Reports may be of another order than the way: time does not run back.
        latest = actual if latest is None else max(latest, actual)
        found[key] = End(plan[key], latest, at is None)
    return found


def _observed(key: Key, stays: Mapping[str, Stay]) -> datetime | None:
    stay = stays.get(_point(key), Stay(None, None))
    return stay.arrived_at if key[0] == "stay" else stay.departed_at


def _point(key: Key) -> str:
    """The point at which something begins."""
    return key[1].partition(">")[0]


def _between(key: Key, plan: Plan, known: Mapping[Key, datetime]) -> datetime:
    """Between the nearest ends that were observed, as far along as by the plan."""
    order = list(plan)
    place = order.index(key)
    before = next(k for k in reversed(order[:place]) if k in known)
    after = next(k for k in order[place:] if k in known)
    whole, part = plan[after] - plan[before], plan[key] - plan[before]
    share = part / whole if whole else 1.0
    return known[before] + (known[after] - known[before]) * share


def _interval(one: tuple[Key, End], other: tuple[Key, End], facts: Sequence[Fact], corridor: Corridor) -> Interval:
    (kind, place), start = one
    end = other[1]
    meanwhile = [f for f in facts if start.actual <= datetime.fromisoformat(f["instant"]) < end.actual]
    causes = [f.get("cause") or f["code"] for f in meanwhile if f["code"] in _CAUSES]
    at_ends = [f["fact_id"] for f in facts if datetime.fromisoformat(f["instant"]) in (start.actual, end.actual)]
    return Interval(
        kind,
        place,
        start.actual,
        end.actual,
        end.planned - start.planned,
        corridor.responsible_railway(_point(one[0])),
        tuple(dict.fromkeys(causes)),
        tuple(at_ends),
        start.is_inferred or end.is_inferred,
    )
