"""Who was with whom, when: wagons in trains, containers and goods on wagons, as intervals [start, end).

Invariant: an interval is derived from reports alone; a statement that says the same again changes nothing. At the
instant of a boundary the ranks of the codes decide what is inside: what is taken off where it arrives has arrived.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import zip_longest
from typing import Any, NamedTuple

from contracts.events.fields import is_date, utc_text
from contracts.events.operator import MilestoneReported
from services.tracking.domain.counted import Counted
from services.tracking.domain.reports import Report


@dataclass(frozen=True, slots=True)
class Interval:
    """From `start` up to, not including, `end`, each with the rank of what was said; open where `end` is None."""

    other: str
    start: datetime
    end: datetime | None = None
    start_rank: int = 0
    end_rank: int = 0

    @property
    def begins(self) -> tuple[datetime, int]:
        return self.start, self.start_rank

    @property
    def ends(self) -> tuple[datetime, int] | None:
        return None if self.end is None else (self.end, self.end_rank)

    def covers(self, instant: datetime) -> bool:
        return self.start <= instant and (self.end is None or instant < self.end)

    def has(self, report: Report) -> bool:
        """Whether a report is of the time in it."""
        at = report.order[:2]
        return self.begins <= at and (self.ends is None or at < self.ends)

    def as_json(self, relation: str) -> dict[str, Any]:
        return association(relation, self.other, self.start, self.end)


@dataclass(frozen=True, slots=True)
class Statement:
    """At `instant` the subject was with `other`, or, where that is None, no longer with `left` (any if "")."""

    instant: datetime
    rank: int
    identity: tuple[str, str]
    other: str | None
    left: str = ""
    point: str | None = None

    @property
    def order(self) -> tuple[datetime, int, bool, tuple[str, str], str]:
        # Leaving comes before joining where both are of one instant and rank.
        return self.instant, self.rank, self.other is not None, self.identity, self.other or self.left


@dataclass(frozen=True, slots=True, order=True)
class Mention:
    """What a consist says that a wagon carries, when it was made up."""

    instant: datetime
    rank: int
    identity: tuple[str, str]
    carried: tuple[str, ...]
    point: str | None = None


def association(relation: str, subject: str, start: datetime, end: datetime | None) -> dict[str, Any]:
    """An association as the picture shows it."""
    shown = {"relation": relation, "subject": subject, "start": utc_text(start)}
    return shown if end is None else shown | {"end": utc_text(end)}


class Course(NamedTuple):
    """Where something was, and the instants at which it was said to be in two places, with both of them."""

    intervals: list[Interval]
    clashes: list[tuple[datetime, frozenset[str]]]


def intervals(statements: Iterable[Statement]) -> list[Interval]:
    """The intervals that follow from statements in order of time."""
    return course(statements, lambda _, __: True).intervals


def course(statements: Iterable[Statement], may_change: Callable[[Statement, Statement], bool]) -> Course:
    """The intervals of one that is with one other at a time.

    Who joins another one where it cannot have come (`may_change`, of both statements) is with neither, until one of
    them is left or a third one is joined.
    """
    found: list[Interval] = []
    clashes: list[tuple[datetime, frozenset[str]]] = []
    since: Statement | None = None
    torn: dict[str, Statement] = {}
    for statement in sorted(statements, key=lambda s: s.order):
        if torn:
            since = _settled(torn, statement)
            torn = torn if since is None and _keeps_torn(torn, statement) else {}
            continue
        leaves = since is not None and statement.other is None and statement.left in ("", since.other)
        joins = statement.other is not None and (since is None or statement.other != since.other)
        if since is not None and (leaves or joins):
            found.append(_interval(since, statement))
        if joins and since is not None and not may_change(since, statement):
            torn = {s.other: s for s in (since, statement) if s.other}
            clashes.append((statement.instant, frozenset(torn)))
        since = None if torn or leaves else statement if joins else since
    if since is not None:
        found.append(_interval(since))
    return Course(found, clashes if torn else [])


def _settled(torn: Mapping[str, Statement], statement: Statement) -> Statement | None:
    """What one that was torn is with from a statement on: the other one when one is left, or a third one."""
    if statement.other is not None:
        return None if statement.other in torn else statement
    rest = [other for other in torn if statement.left not in ("", other)]
    return replace(statement, other=rest[0], left="") if len(rest) == 1 else None


def _keeps_torn(torn: Mapping[str, Statement], statement: Statement) -> bool:
    return statement.other in torn or (statement.other is None and statement.left not in ("", *torn))


def _interval(since: Statement, until: Statement | None = None) -> Interval:
    end, rank = (until.instant, until.rank) if until else (None, 0)
    return Interval(since.other or "", since.instant, end, since.rank, rank)


def truncated(found: Iterable[Interval]) -> list[Interval]:
    """Intervals with different others, each ended by the start of the next."""
    ordered = sorted(found, key=lambda i: (*i.begins, i.other))
    result = []
    for one, after in zip_longest(ordered, ordered[1:]):
        ends = [e for e in (one.ends, after.begins if after else None) if e is not None]
        end = min(ends, default=None)
        if end is None or end > one.begins:
            at, rank = end or (None, 0)
            result.append(Interval(one.other, one.start, at, one.start_rank, rank))
    return result


def listed(subject: str, mentions: Mapping[str, Sequence[Mention]]) -> list[Statement]:
    """What says on: consists that list a container, or goods without one, on a wagon; `mentions` are those of each."""
    return [
        Statement(one.instant, one.rank, one.identity, wagon, point=one.point)
        for wagon, of_wagon in sorted(mentions.items())
        for one in of_wagon
        if subject in one.carried
    ]


def left_out(subject: str, mentions: Mapping[str, Sequence[Mention]]) -> list[Statement]:
    """What says off: later consists that list other things on a wagon; `mentions` are those of each wagon."""
    return [
        Statement(one.instant, one.rank, one.identity, None, wagon)
        for wagon, of_wagon in sorted(mentions.items())
        for one in of_wagon
        if one.carried and subject not in one.carried
    ]


def loading(reports: Iterable[Report]) -> list[Statement]:
    """Statements of a subject's own milestones: on and off wagons.

    Of a bare date it was loaded at the beginning of that day, and taken off at its end; of one that names both, it was
    taken off before.
    """
    reports = list(reports)
    off = {r.occurred_at for r in reports if r.code == "DISC" and is_date(r.occurred_at)}
    found = []
    for report in reports:
        identity, wagon = (report.source, report.event_id), report.extras.get("wagon")
        instant, rank = report.order[:2]
        if report.code == "LOAD" and wagon:
            begins = instant if report.occurred_at in off else start_of(report.occurred_at, instant)
            found.append(Statement(begins, rank, identity, wagon, point=report.point))
        elif report.code == "DISC":
            found.append(Statement(instant, rank, identity, None, wagon or ""))
        elif report.code in ("GTOT", "DLVD", "STRP", "MTRT"):
            found.append(Statement(instant, rank, identity, None))
    return found


def start_of(occurred_at: str, instant: datetime) -> datetime:
    """From when on something holds that was said to have begun then: of a bare date, the whole day."""
    return instant - timedelta(days=1) + timedelta(microseconds=1) if is_date(occurred_at) else instant


def acts_of(counted: Iterable[Counted], *codes: str) -> list[Counted]:
    """Milestones of other subjects that name this one, of the given codes, that have occurred."""
    return [
        one
        for one in counted
        if isinstance(one.data, MilestoneReported) and one.data.classifier == "ACT" and one.data.code in codes
    ]
