"""Consists: which lists of a train count, from when on, and which wagons were in it by them.

Invariant: a consist belongs to the train's stay at its point, whenever it was written: it holds before the train leaves
that stay, and of several for one stay the newest counts.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

from contracts.catalogue import COMPOSED
from contracts.events.operator import MilestoneReported, TrainComposed
from contracts.milestones.lookup import rank
from services.tracking.domain.associations import Interval, Statement, intervals, start_of
from services.tracking.domain.counted import Counted
from services.tracking.domain.visits import Fact

COMPOSED_RANK: Final = rank("COMP")


@dataclass(frozen=True, slots=True)
class Consist:
    """A consist: which wagons, in order, with what they carry; `instant` is that from which on it holds."""

    instant: datetime
    identity: tuple[str, str]
    train: str
    point: str | None
    wagons: tuple[tuple[str, tuple[str, ...]], ...]
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class _Stay:
    """A train's stay at a point: when it came and when it left, as far as that was told."""

    visit: int
    came: datetime | None
    left: datetime | None

    def distance(self, instant: datetime) -> float:
        start, end = self.came or self.left, self.left or self.came
        assert start is not None and end is not None
        return max((start - instant).total_seconds(), (instant - end).total_seconds(), 0.0)


def consists(counted: Iterable[Counted], facts: Sequence[Fact]) -> list[Consist]:
    """The consists among events, in order of time, each from when on it holds by the movements of its train."""
    stays = _stays(facts)
    found = [_consist(one) for one in counted if one.revision.type == COMPOSED]
    return sorted((_held(c, stays.get(c.point or "", ())) for c in found), key=lambda c: (c.instant, c.identity))


def standing(found: Sequence[Consist], facts: Sequence[Fact]) -> list[Consist]:
    """The consists that count: of several for one stay the one of the newest `updated_at`."""
    stays = _stays(facts)
    newest: dict[tuple[str | None, int], Consist] = {}
    for one in found:
        stay = _nearest(one.instant, stays.get(one.point or "", ()))
        key = one.point, stay.visit if stay else 0
        before = newest.get(key)
        if before is None or _newness(before) < _newness(one):
            newest[key] = one
    return sorted(newest.values(), key=lambda c: (c.instant, c.identity))


def wagons_of_train(train: str, found: Sequence[Consist], moves: Iterable[Counted]) -> dict[str, list[Interval]]:
    """When each wagon was in a train, from its consists and from wagons put in and cut out.

    A consist is the whole train: a wagon that was listed or put in before and that it does not list has left.
    """
    statements: dict[str, list[Statement]] = {}
    joining: list[tuple[datetime, str]] = []
    for move in moves:
        data = cast(MilestoneReported, move.data)
        joins = data.code == "ATCH"
        instant = start_of(data.occurred_at, move.instant) if joins else move.instant
        one = Statement(instant, rank(data.code), move.revision.identity, train if joins else None, train)
        statements.setdefault(move.revision.subject, []).append(one)
        if joins:
            joining.append((instant, move.revision.subject))
    joining.sort(reverse=True)
    present: set[str] = set()
    for consist in found:
        while joining and joining[-1][0] <= consist.instant:
            present.add(joining.pop()[1])
        here = {w for w, _ in consist.wagons}
        for wagon in here | present:
            one = Statement(consist.instant, COMPOSED_RANK, consist.identity, train if wagon in here else None, train)
            statements.setdefault(wagon, []).append(one)
        present = here
    return {wagon: intervals(said) for wagon, said in sorted(statements.items())}


def _newness(one: Consist) -> tuple[datetime, datetime, tuple[str, str]]:
    return one.updated_at, one.instant, one.identity


def _stays(facts: Sequence[Fact]) -> dict[str, list[_Stay]]:
    """The stays of a train at each point, by its movements."""
    times: dict[tuple[str, int], tuple[list[datetime], list[datetime]]] = {}
    for fact in facts:
        if fact.lead.point is not None and fact.movement in ("arrives", "departs", "passes"):
            came, left = times.setdefault((fact.lead.point, fact.visit), ([], []))
            (came if fact.movement == "arrives" else left).append(fact.lead.instant)
    found: dict[str, list[_Stay]] = {}
    for (point, visit), (came, left) in times.items():
        found.setdefault(point, []).append(_Stay(visit, min(came, default=None), min(left, default=None)))
    return found


def _nearest(instant: datetime, stays: Sequence[_Stay]) -> _Stay | None:
    return min(stays, key=lambda s: (s.distance(instant), s.visit), default=None)


def _held(one: Consist, stays: Sequence[_Stay]) -> Consist:
    """A consist from when on it holds: not before its train has come there, and not after it has left."""
    stay = _nearest(one.instant, stays)
    if stay is None:
        return one
    instant = max(one.instant, stay.came) if stay.came else one.instant
    return replace(one, instant=min(instant, stay.left) if stay.left else instant)


def _consist(one: Counted) -> Consist:
    data = cast(TrainComposed, one.data)
    wagons = sorted(data.wagons, key=lambda w: w.position)
    return Consist(
        start_of(data.occurred_at, one.instant),
        one.revision.identity,
        one.revision.subject,
        one.point,
        tuple((w.wagon, (*w.containers, *((w.consignment,) if w.consignment else ()))) for w in wagons),
        one.revision.updated_at,
    )
