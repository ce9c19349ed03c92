"""Customs events that count, with the instants at which they occurred.

Invariant: one statement for each identity. A bare date is the whole day: among what is said of that day the kind of
statement decides the order, never the id of the event.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime
from types import MappingProxyType
from typing import Any, Final, cast
from zoneinfo import ZoneInfo

from contracts.corridor.corridor import Corridor
from contracts.events.authority import DecisionIssued
from contracts.events.base import Data, Observed
from contracts.events.declarant import DeclarationCancelled, DeclarationLodged
from contracts.events.fields import is_date, moment
from contracts.identifiers.subjects import parse_case
from services.chassis.projection.fold import StoredRevision, by_identity, effective
from services.customs.domain.transitions import ORDER

# A declarant cancels and lodges again before customs accept, and again after they rejected.
_PLACES: Final[Mapping[str, int]] = MappingProxyType({trigger: 10 * n for n, trigger in enumerate(ORDER)})
_CANCELLED: Final = _PLACES["lodge"] + 1
_AGAIN: Final = _PLACES["reject"] + 1
_HOLD: Final = _PLACES["release"] - 1


@dataclass(frozen=True, slots=True)
class Counted:
    """One identity's revision that counts, the case or unit that it is about, and when it occurred.

    It may have occurred from `begins` to `ends`: on a whole day where only the date is known, counting from its start,
    so that what is dated today is known today. `instant` is where it stands among the others.
    """

    revision: StoredRevision
    data: Data
    subject: str
    instant: datetime
    begins: datetime
    ends: datetime

    @property
    def day(self) -> str | None:
        """The date, where nothing more is known."""
        occurred = cast(Observed, self.data).occurred_at
        return occurred if is_date(occurred) else None

    @property
    def order(self) -> tuple[datetime, int, tuple[str, str]]:
        return self.instant, self.rank, self.revision.identity

    @property
    def rank(self) -> int:
        """Where it comes among statements of one instant or day."""
        if isinstance(self.data, DecisionIssued):
            return _PLACES[self.data.decision]
        if isinstance(self.data, DeclarationLodged):
            trigger = "advise" if self.data.stage == "advance" else "lodge"
            return _AGAIN if self.data.attempt > 1 else _PLACES[trigger]
        return _CANCELLED if isinstance(self.data, DeclarationCancelled) else _HOLD


def count(
    subject: str, revisions: Iterable[StoredRevision], corridor: Corridor
) -> tuple[list[Counted], list[StoredRevision]]:
    """What counts of a subject, in order of occurrence, and the newest revision of each identity in conflict."""
    counted: list[Counted] = []
    conflicts: list[StoredRevision] = []
    for same in by_identity(revisions).values():
        counts, conflict = effective(same)
        if conflict:
            conflicts.append(max(same, key=lambda r: (r.updated_at, r.content_hash)))
        if counts is not None:
            one = as_counted(counts, corridor)
            # A later revision may be about another case or unit than the one before.
            if one.subject == subject:
                counted.append(one)
    return in_order(counted), conflicts


def in_order(counted: Iterable[Counted]) -> list[Counted]:
    """Statements in order of occurrence: one of which only the day is known comes behind all of that day that it may
    follow by its kind, or else at the start of the day.
    """
    given = list(counted)
    timed = [c for c in given if c.day is None]
    return sorted((c if c.day is None else _placed(c, timed) for c in given), key=lambda c: c.order)


def _placed(one: Counted, timed: Iterable[Counted]) -> Counted:
    before = (c.instant for c in timed if one.begins <= c.instant <= one.ends and c.rank <= one.rank)
    return replace(one, instant=max(before, default=one.begins))


def as_counted(revision: StoredRevision, corridor: Corridor) -> Counted:
    """What a revision states, and when; a date stands at its start until it is put in order."""
    data = revision.read()
    zone = _zone_of(revision, data, corridor)
    occurred = cast(Observed, data).occurred_at
    begins, ends = day_of(occurred, zone) if is_date(occurred) else (moment(occurred, zone),) * 2
    return Counted(revision, data, _subject(revision, data), begins, begins, ends)


def day_of(date_only: str, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The first and the last instant of a day in a zone, in UTC."""
    day = date.fromisoformat(date_only)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC), moment(date_only, zone)


def _zone_of(revision: StoredRevision, data: Data, corridor: Corridor) -> ZoneInfo:
    """The zone in which a sender's dates are meant: that of its country, or else of the law's first one."""
    law = _law(revision, data)
    country = revision.country or (corridor.countries(law)[0] if law else None)
    zones = zones_in(corridor, (country,) if country else ())
    return zones[0] if zones else ZoneInfo("UTC")


def zones_in(corridor: Corridor, countries: tuple[str, ...]) -> tuple[ZoneInfo, ...]:
    """The time zones of the points in some countries, in the order of the corridor data."""
    return tuple(dict.fromkeys(p.zone_info for p in corridor.points if p.country in countries))


def _subject(revision: StoredRevision, data: Data) -> str:
    if isinstance(data, DeclarationLodged | DeclarationCancelled):
        return data.case(revision.subject).key
    return revision.subject


def _law(revision: StoredRevision, data: Data) -> str | None:
    named: Any = getattr(data, "jurisdiction", None)
    if named:
        return str(named)
    if revision.subject.startswith("case:"):
        return parse_case(revision.subject).jurisdiction
    return min(revision.jurisdictions, default=None)


def of_type(counted: Sequence[Counted], *types: str) -> list[Counted]:
    """The statements of some types, in order."""
    return [c for c in counted if c.revision.type in types]
