"""Who was with whom, when: wagons in trains, containers and goods on wagons, as intervals [start, end).

Invariant: an interval is derived from reports alone; a statement that says the same again changes nothing.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import zip_longest
from typing import Any, cast

from contracts.catalogue import COMPOSED
from contracts.events.fields import utc_text
from contracts.events.operator import MilestoneReported, TrainComposed
from services.tracking.domain.counted import Counted
from services.tracking.domain.reports import Report


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` up to, not including, `end`; open where `end` is None."""

    other: str
    start: datetime
    end: datetime | None = None

    def as_json(self, relation: str) -> dict[str, Any]:
        return association(relation, self.other, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Statement:
    """At `instant` the subject was with `other`, or, where that is None, no longer with `left` (any if "")."""

    instant: datetime
    identity: tuple[str, str]
    other: str | None
    left: str = ""

    @property
    def order(self) -> tuple[datetime, bool, tuple[str, str], str]:
        # Leaving comes before joining where both happen at one instant.
        return self.instant, self.other is not None, self.identity, self.other or self.left


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """What a consist says that a wagon carries, when it was made up."""

    instant: datetime
    identity: tuple[str, str]
    carried: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Consist:
    """A consist as it counts: which wagons, in order, with what they carry."""

    instant: datetime
    identity: tuple[str, str]
    train: str
    point: str | None
    wagons: tuple[tuple[str, tuple[str, ...]], ...]


def association(relation: str, subject: str, start: datetime, end: datetime | None) -> dict[str, Any]:
    """An association as the picture shows it."""
    shown = {"relation": relation, "subject": subject, "start": utc_text(start)}
    return shown if end is None else shown | {"end": utc_text(end)}


def intervals(statements: Iterable[Statement]) -> list[Interval]:
    """The intervals that follow from statements in order of time."""
    found: list[Interval] = []
    other, since = None, None
    for statement in sorted(statements, key=lambda s: s.order):
        leaves = statement.other is None and other is not None and statement.left in ("", other)
        joins = statement.other is not None and statement.other != other
        if other is not None and since is not None and (leaves or joins):
            found.append(Interval(other, since, statement.instant))
            other = None
        if joins:
            other, since = statement.other, statement.instant
    if other is not None and since is not None:
        found.append(Interval(other, since))
    return found


def consists(counted: Iterable[Counted]) -> list[Consist]:
    """The consists among events, in order of time."""
    found = [_consist(one) for one in counted if one.revision.type == COMPOSED]
    return sorted(found, key=lambda c: (c.instant, c.identity))


def wagons_of_train(train: str, consists_of: Sequence[Consist], moves: Iterable[Counted]) -> dict[str, list[Interval]]:
    """When each wagon was in a train, from its consists and from wagons put in and cut out.

    A consist is the whole train: a wagon that was listed or put in before and that it does not list has left.
    """
    statements: dict[str, list[Statement]] = {}
    joining: list[tuple[datetime, str]] = []
    for move in moves:
        joins = cast(MilestoneReported, move.data).code == "ATCH"
        one = Statement(move.instant, move.revision.identity, train if joins else None, train)
        statements.setdefault(move.revision.subject, []).append(one)
        if joins:
            joining.append((move.instant, move.revision.subject))
    joining.sort(reverse=True)
    present: set[str] = set()
    for consist in consists_of:
        while joining and joining[-1][0] <= consist.instant:
            present.add(joining.pop()[1])
        here = {w for w, _ in consist.wagons}
        for wagon in here | present:
            one = Statement(consist.instant, consist.identity, train if wagon in here else None, train)
            statements.setdefault(wagon, []).append(one)
        present = here
    return {wagon: intervals(said) for wagon, said in sorted(statements.items())}


def truncated(found: Iterable[Interval]) -> list[Interval]:
    """Intervals with different others, each ended by the start of the next."""
    ordered = sorted(found, key=lambda i: (i.start, i.other))
    result = []
    for one, after in zip_longest(ordered, ordered[1:]):
        ends = [e for e in (one.end, after.start if after else None) if e is not None]
        end = min(ends, default=None)
        if end is None or end > one.start:
            result.append(Interval(one.other, one.start, end))
    return result


def said_of(subject: str, counted: Iterable[Counted], moved: Iterable[Statement]) -> list[Statement]:
    """What says when a container, or goods without one, was on which wagon: loadings, and consists that list it."""
    statements = list(moved)
    for consist in consists(counted):
        for wagon, carried in consist.wagons:
            if subject in carried:
                statements.append(Statement(consist.instant, consist.identity, wagon))
    return statements


def left_out(subject: str, mentions: Mapping[str, Sequence[Mention]]) -> list[Statement]:
    """What says off: later consists that list other things on a wagon; `mentions` are those of each wagon."""
    return [
        Statement(one.instant, one.identity, None, wagon)
        for wagon, of_wagon in sorted(mentions.items())
        for one in of_wagon
        if one.carried and subject not in one.carried
    ]


def loading(reports: Iterable[Report]) -> list[Statement]:
    """Statements of a subject's own milestones: on and off wagons."""
    found = []
    for report in reports:
        identity, wagon = (report.source, report.event_id), report.extras.get("wagon")
        if report.code == "LOAD" and wagon:
            found.append(Statement(report.instant, identity, wagon))
        elif report.code == "DISC":
            found.append(Statement(report.instant, identity, None, wagon or ""))
        elif report.code in ("GTOT", "DLVD", "STRP", "MTRT"):
            found.append(Statement(report.instant, identity, None))
    return found


def acts_of(counted: Iterable[Counted], *codes: str) -> list[Counted]:
    """Milestones of other subjects that name this one, of the given codes, that have occurred."""
    return [
        one
        for one in counted
        if isinstance(one.data, MilestoneReported) and one.data.classifier == "ACT" and one.data.code in codes
    ]


def _consist(one: Counted) -> Consist:
    wagons = sorted(cast(TrainComposed, one.data).wagons, key=lambda w: w.position)
    return Consist(
        one.instant,
        one.revision.identity,
        one.revision.subject,
        one.point,
        tuple((w.wagon, (*w.containers, *((w.consignment,) if w.consignment else ()))) for w in wagons),
    )
