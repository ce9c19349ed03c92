"""The journeys of a store: what tracking's pictures tell of containers that have come to their destination.

Invariant: nothing is written; what was on one train is one journey.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime
from itertools import pairwise
from typing import Any, Final

import asyncpg
import orjson

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.fields import moment
from contracts.milestones.lookup import milestone
from corridor.eta.journeys import Journey, Said, once
from services.tracking.domain.eta.ahead import Stay
from services.tracking.domain.eta.estimates import FORETELL_ARRIVAL, PLAN

# Containers tell where they were all the way, trains what was expected of them.
_PICTURES: Final = """
SELECT subject, content::text AS content FROM picture
WHERE split_part(subject, ':', 1) IN ('container', 'train') AND content IS NOT NULL
"""
_REPORTS: Final = (
    "SELECT subject, party, body FROM event WHERE type = $1 AND NOT retracted AND position($2 IN body) > 0"
)
_ESTIMATED: Final = b'"EST"'


async def read_journeys(url: str, corridor: Corridor) -> list[Journey]:
    """The journeys of a store, each once."""
    connection = await asyncpg.connect(url)
    try:
        pictures = await connection.fetch(_PICTURES)
        reports = await connection.fetch(_REPORTS, catalogue.MILESTONE, _ESTIMATED)
    finally:
        await connection.close()
    told: dict[str, list[Said]] = {}
    for row in reports:
        told.setdefault(row["subject"], []).extend(_said(row["party"], orjson.loads(row["body"]), corridor))
    found = (journey_of(orjson.loads(row["content"]), corridor, told.get(row["subject"], ())) for row in pictures)
    return once(journey for journey in found if journey is not None)


def journey_of(picture: Mapping[str, Any], corridor: Corridor, told: Sequence[Said] = ()) -> Journey | None:
    """The journey that a picture tells, on the variant that has most of its points in their order; None for none."""
    stays = stays_of(picture.get("timeline", ()))
    best = max(corridor.variants, key=lambda v: (_in_order(v.points, stays), v.name))
    on_route = {point: stay for point, stay in stays.items() if point in best.points}
    if len(on_route) < 2:
        return None
    return Journey(best.name, on_route, (*told, *_planned(picture.get("calls", ()))))


def stays_of(timeline: Iterable[Mapping[str, Any]]) -> dict[str, Stay]:
    """When the last stay at each point began and ended, of a timeline as it is published."""
    found: dict[str, Stay] = {}
    for fact in timeline:
        point, at = fact.get("point"), datetime.fromisoformat(fact["instant"])
        moves = milestone(fact["code"]).movement
        if point is None or moves is None or any(fact.get(n) for n in ("claim", "sighting", "out_of_order")):
            continue
        if moves == "arrives":
            found[point] = Stay(at, None)
        elif moves == "departs":
            found[point] = found.get(point, Stay(None, None))._replace(departed_at=at)
        elif moves == "passes":
            found[point] = Stay(at, at)
    return found


def _in_order(points: tuple[str, ...], stays: Mapping[str, Stay]) -> int:
    """How many pairs of points that follow one another do so on the route as well."""
    places = [points.index(point) for point in stays if point in points]
    return sum(one < other for one, other in pairwise(places))


def _said(party: str, report: Mapping[str, Any], corridor: Corridor) -> Iterator[Said]:
    """An arrival that a party expected."""
    point = corridor.resolve(report["point"]) if report.get("point") else None
    if report.get("classifier") == "EST" and report["code"] in FORETELL_ARRIVAL and point is not None:
        expected = moment(report["occurred_at"], point.zone_info)
        yield Said(party, point.key, datetime.fromisoformat(report["updated_at"]), expected)


def _planned(calls: Sequence[Mapping[str, Any]]) -> Iterator[Said]:
    """What the plan and the delay at each departure led one to expect of the calls behind it."""
    for n, call in enumerate(calls):
        if "departure" not in call or "actual_departure" not in call:
            continue
        planned, actual = (datetime.fromisoformat(call[name]) for name in ("departure", "actual_departure"))
        for later in calls[n + 1 :]:
            if "arrival" in later:
                yield Said(PLAN, later["point"], actual, datetime.fromisoformat(later["arrival"]) + (actual - planned))
