"""Records out of the golden examples, each spoilt in one or several ways.

Invariant: seeded: the same seed gives the same records, and one that breaks us can be made again from its number.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Final

from contracts.tooling.gates import Mode
from contracts.topics import TABLE
from deploy.provision import read_parties, topics_of
from tests.fuzz.draft import Draft, Headers
from tests.fuzz.ways import WAYS
from tests.support.examples import Example, as_record, load_examples

_SHOWN: Final = 400
# The others repeat the example, or say something else under its id.
_OF_ITS_OWN: Final = 0.4
INGRESS: Final = ("milestones-", "declarations-", "customs-decisions-")
OWN: Final = ("tracking-events", "customs-events")


@dataclass(frozen=True, slots=True)
class Spoilt:
    """One record, where it is sent, and in which ways it was spoilt."""

    seed: int
    number: int
    example: Example
    topic: str
    key: bytes | None
    headers: Headers
    value: bytes | None
    ways: tuple[str, ...]

    def __str__(self) -> str:
        again = f"make fuzz SEED={self.seed} ONLY={self.number}"
        body = repr(self.value)
        shown = body if len(body) <= _SHOWN else f"{body[:_SHOWN]}… ({len(self.value or b'')} bytes)"
        headers = repr(self.headers)[:_SHOWN]
        return f"{self.example.name} ({', '.join(self.ways)}) on {self.topic}: {headers} {shown}; again by {again}"


def spoilt(seed: int, number: int) -> Spoilt:
    """The record of that number."""
    draw = random.Random(f"{seed}/{number}")
    example = draw.choice(load_examples())
    headers, value = as_record(example, "structured" if draw.random() < 0.4 else "binary")
    topic = _topic(example, draw)
    draft = Draft(topic, example.event.subject.encode(), list(headers), value, draw)
    if draw.random() < _OF_ITS_OWN:
        draft.set("id", f"fuzz-{number}".encode())
    ways = [draw.choice(list(WAYS)) for _ in range(draw.choice((0, 1, 1, 1, 2, 3)))]
    for way in ways:
        WAYS[way](draft)
    return Spoilt(seed, number, example, topic, draft.key, draft.headers, draft.value, tuple(ways))


def many(seed: int, count: int) -> Iterator[Spoilt]:
    """The first records of a seed."""
    return (spoilt(seed, number) for number in range(count))


def untouched() -> Iterator[Spoilt]:
    """The golden examples as they are, in both modes, on their own topics."""
    modes: tuple[Mode, ...] = ("binary", "structured")
    for number, (example, mode) in enumerate((e, m) for e in load_examples() for m in modes):
        headers, value = as_record(example, mode)
        topic = _topic(example, random.Random(number))
        yield Spoilt(0, number, example, topic, example.event.subject.encode(), list(headers), value, ())


def _topic(example: Example, draw: random.Random) -> str:
    """Where its sender would send it; now and then another party's topic, or one of another kind."""
    row = next(row for row in TABLE if example.type in row.types)
    chance = draw.random()
    if row.name in OWN and chance < 0.9:
        return row.name
    if not row.ingress or chance < 0.07:
        return draw.choice(_ingress())
    alike = [topic for topic in _ingress() if topic.startswith(row.name.partition("<")[0])]
    own = row.of(example.event.source.split(":")[2])
    return draw.choice(alike) if chance < 0.15 or own not in alike else own


@cache
def _ingress() -> tuple[str, ...]:
    """The topics that parties may write, in an order that is always the same."""
    return tuple(sorted(name for name, _ in topics_of(read_parties()) if name.startswith(INGRESS)))
