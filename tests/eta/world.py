"""Worlds to try estimates in: on the same corridor each has its own true durations, habits of railways, and bad luck.

Invariant: a world follows from its seed alone; how its numbers are drawn is nothing that the fit knows.
"""

from __future__ import annotations

import math
import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Final

from contracts.corridor.corridor import Corridor
from contracts.corridor.routes import RouteVariant
from corridor.eta.journeys import Journey, Said
from services.tracking.domain.eta.ahead import Stay
from services.tracking.domain.eta.estimates import PLAN

BEGAN: Final = datetime(2026, 1, 5, tzinfo=UTC)
_EVERY_HOURS: Final = 60
# Stays and legs against their plan: how far off a world's own median is, and how much single ones vary.
_LEGS = (0.08, 0.15, (0.06, 0.22))
_STAYS = (0.35, 0.45, (0.25, 0.6))
_CLOSED = 0.03
_UNPLANNED = {"leg": 30.0, "stay": 2.0}


@dataclass(frozen=True, slots=True)
class Habit:
    """How a railway estimates: with which error for each hour ahead, and which bias."""

    error: float
    bias: float


@dataclass(frozen=True, slots=True)
class World:
    """True medians and spreads by stretch, and the habits of railways."""

    corridor: Corridor
    medians: dict[str, float]
    sigmas: dict[str, float]
    habits: dict[str, Habit]


def world(corridor: Corridor, seed: int) -> World:
    """The world of a seed."""
    draw = random.Random(seed)
    medians: dict[str, float] = {}
    sigmas: dict[str, float] = {}
    for key, planned, kind in _stretches(corridor):
        bias, apart, (least, most) = _LEGS if kind == "leg" else _STAYS
        medians[key] = (planned or _UNPLANNED[kind] * draw.uniform(0.5, 2)) * math.exp(draw.gauss(bias, apart))
        sigmas[key] = draw.uniform(least, most)
    habits = {r: Habit(draw.choice((0.04, 0.1, 0.3)), draw.gauss(0, 0.05)) for r in sorted(corridor.railways)}
    return World(corridor, medians, sigmas, habits)


def journeys(one: World, seed: int, count: int, variants: Sequence[str] = ("R1", "R1-south")) -> list[Journey]:
    """Journeys of a world, in turns on some route variants."""
    draw = random.Random(f"{seed} journeys")
    starts = (BEGAN + timedelta(hours=_EVERY_HOURS * n) for n in range(count))
    return [_journey(one, one.corridor.variant(variants[n % len(variants)]), at, draw) for n, at in enumerate(starts)]


def _journey(one: World, route: RouteVariant, departs: datetime, draw: random.Random) -> Journey:
    # What is slow at one stretch is often slow at the next.
    slow = draw.gauss(0, 0.5)
    stays: dict[str, Stay] = {route.calls[0]: Stay(None, departs)}
    now = departs
    for leg in route.legs:
        now += _took(one, leg.key, slow, draw)
        arrived_at = now
        now += _took(one, leg.end, slow, draw)
        if draw.random() < _CLOSED and route.dwell_hours(leg.end):
            now += timedelta(hours=draw.uniform(24, 120))
        stays[leg.end] = Stay(arrived_at, None if leg.end == route.calls[-1] else now)
    return Journey(route.name, stays, tuple(_said(one, route, stays, departs, draw)))


def _took(one: World, key: str, slow: float, draw: random.Random) -> timedelta:
    sigma = one.sigmas[key]
    score = math.sqrt(0.75) * draw.gauss(0, 1) + slow
    return timedelta(hours=one.medians[key] * math.exp(sigma * score))


def _said(
    one: World, route: RouteVariant, stays: dict[str, Stay], departs: datetime, draw: random.Random
) -> Iterator[Said]:
    """At each departure: what the railways of the next two calls say of them, and the plan with the delay there is."""
    for n, point in enumerate(route.calls[:-1]):
        left = stays[point].departed_at
        assert left is not None
        for call in route.calls[n + 1 : n + 3]:
            railway, actual = one.corridor.responsible_railway(call), stays[call].arrived_at
            if railway is not None and actual is not None:
                habit, ahead = one.habits[railway], actual - left
                yield Said(railway, call, left, actual + ahead * draw.gauss(habit.bias, habit.error))
        yield from delayed(route, n, left, departs)


def delayed(route: RouteVariant, n: int, left: datetime, departs: datetime) -> Iterator[Said]:
    """The plan and the delay that there is at the departure of the nth call."""
    planned = route.planned_offsets()
    here = planned[n].depart_hours
    for offset in planned[n + 1 :]:
        if here is not None and offset.arrive_hours is not None:
            yield Said(PLAN, offset.point, left, left + timedelta(hours=offset.arrive_hours - here))


def _stretches(corridor: Corridor) -> Iterator[tuple[str, float | None, str]]:
    known: set[str] = set()
    for variant in corridor.variants:
        legs = [(leg.key, leg.hours, "leg") for leg in variant.legs]
        for row in [*legs, *((call, variant.dwell_hours(call), "stay") for call in variant.calls)]:
            if row[0] not in known:
                known.add(row[0])
                yield row
