"""The plan of a run: which fault, when, on whom, for how long.

Invariant: a function of its arguments alone, so that a failing seed is thrown again in the same way. Every kind has
its turn before any is drawn a second time.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from deploy.services import SERVICES

COPY = "copy"
# Tables have to have grown before they can be kept from growing.
_LATE: Final = ("full-disk",)
_PUT_BACK: Final = "put-back"
# A copy is put back that is a minute old, or so many faults where they follow each other quickly.
_COPY_AGE_SECONDS: Final = 60.0
_COPY_AGE_FAULTS: Final = 4


@dataclass(frozen=True, slots=True)
class Planned:
    """One fault: seconds after the start, how long it lasts, and a number whose meaning is its kind's."""

    number: int
    at: float
    kind: str
    on: str
    seconds: float = 0.0
    amount: float = 0.0


@dataclass(frozen=True, slots=True)
class Draw:
    """How a fault of a kind is drawn: on what, how often beside the others, how long, how much."""

    on: Sequence[str]
    weight: int
    seconds: Callable[[random.Random, float], float] = lambda chance, spacing: 0.0
    amount: Callable[[random.Random], float] = lambda chance: 0.0


def plan(
    seed: int, faults: int, spacing: float, copies: Sequence[str], session: float, without: Sequence[str] = ()
) -> list[Planned]:
    """So many faults about `spacing` seconds apart, `without` some kinds; with the copies that are to be put back."""
    chance = random.Random(f"{seed}/schedule")
    draws = {kind: draw for kind, draw in _draws(copies, session).items() if kind not in without}
    kinds = _kinds(chance, draws, faults)
    planned = []
    for number, kind in enumerate(kinds, start=1):
        draw = draws[kind]
        at = round(spacing * (number - 1 + chance.uniform(0.0, 0.6)), 2)
        seconds = round(draw.seconds(chance, spacing), 2)
        planned.append(Planned(number, at, kind, chance.choice(draw.on), seconds, draw.amount(chance)))
        if kind == _PUT_BACK:
            age = min(_COPY_AGE_SECONDS, _COPY_AGE_FAULTS * spacing)
            planned.append(Planned(number, max(0.0, at - age), COPY, "postgres"))
    return sorted(planned, key=lambda one: (one.at, one.number))


def _draws(copies: Sequence[str], session: float) -> Mapping[str, Draw]:
    links = [f"{service}>{server}" for service in SERVICES for server in ("kafka", "postgres")]
    brief = _between(0.3, 1.5)
    return {
        "kill": Draw(copies, 4, brief),
        "term": Draw(copies, 3, brief),
        # Sometimes for longer than the group waits for a member.
        "freeze": Draw(copies, 3, lambda chance, _: chance.choice((1.0, 2.5, session + 1.5))),
        "twin": Draw(copies, 1),
        "storm": Draw(copies, 2, amount=lambda chance: chance.randint(2, 4)),
        "clock": Draw(copies, 4, amount=lambda chance: chance.random()),
        "rolling": Draw(SERVICES, 1, _between(0.5, 2.0)),
        "kafka-kill": Draw(["kafka"], 2, _between(0.0, 2.0)),
        "kafka-away": Draw(["kafka"], 1, lambda _, spacing: min(60.0, 2.7 * spacing)),
        "postgres-kill": Draw(["postgres"], 2, _between(0.0, 2.0)),
        _PUT_BACK: Draw(["postgres"], 2),
        "full-disk": Draw(["postgres"], 1, _between(2.0, 6.0)),
        "cut": Draw(links, 2),
        "refuse": Draw(links, 2, _between(1.0, 5.0)),
        "delay": Draw(links, 2, _between(3.0, 8.0), lambda chance: chance.choice((0.05, 0.2, 0.5))),
        "swallow": Draw(links, 2, _between(1.0, 6.0)),
        "slow": Draw(links, 2, _between(3.0, 8.0), lambda chance: chance.choice((2_000, 20_000))),
    }


def _kinds(chance: random.Random, draws: Mapping[str, Draw], faults: int) -> list[str]:
    """Each kind once, as far as they go, then as often as its weight says; in any order."""
    kinds = chance.sample(list(draws), min(faults, len(draws)))
    rest = faults - len(kinds)
    kinds += chance.choices(list(draws), [draw.weight for draw in draws.values()], k=rest)
    chance.shuffle(kinds)
    late = [number for number, kind in enumerate(kinds) if kind in _LATE and number < faults // 2]
    for number in late:
        other = chance.randrange(faults // 2, faults)
        kinds[number], kinds[other] = kinds[other], kinds[number]
    return kinds


def _between(least: float, most: float) -> Callable[[random.Random, float], float]:
    return lambda chance, _: chance.uniform(least, most)
