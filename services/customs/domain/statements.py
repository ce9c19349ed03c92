"""Customs events that count, with the instants at which they occurred.

Invariant: one statement for each identity; a bare date sorts at the end of that day where the law rules.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.base import Data, Observed
from contracts.events.declarant import DeclarationCancelled, DeclarationLodged
from contracts.events.fields import is_date, moment
from contracts.identifiers.subjects import parse_case
from services.chassis.projection.fold import StoredRevision, by_identity, effective

# At one instant a declaration comes before a hold, a hold before a decision.
_RANK = {
    catalogue.LODGED: 0,
    catalogue.CANCELLED: 1,
    catalogue.HOLD_PLACED: 2,
    catalogue.HOLD_LIFTED: 3,
    catalogue.DECISION: 4,
}


@dataclass(frozen=True, slots=True)
class Counted:
    """One identity's revision that counts, the case or unit that it is about, and when it occurred.

    `begins` is the first instant at which it may have occurred: the start of the day where only the date is known.
    It counts from then on, so that what is dated today is known today.
    """

    revision: StoredRevision
    data: Data
    subject: str
    instant: datetime
    begins: datetime

    @property
    def order(self) -> tuple[datetime, int, tuple[str, str]]:
        return self.instant, _RANK.get(self.revision.type, 9), self.revision.identity


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
    return sorted(counted, key=lambda c: c.order), conflicts


def as_counted(revision: StoredRevision, corridor: Corridor) -> Counted:
    """What a revision states, and when."""
    data = revision.read()
    zone = zone_of(_law(revision, data), corridor)
    occurred = cast(Observed, data).occurred_at
    return Counted(revision, data, _subject(revision, data), moment(occurred, zone), _begins(occurred, zone))


def zone_of(jurisdiction: str | None, corridor: Corridor) -> ZoneInfo:
    """The zone in which a law's dates are meant: that of its first country."""
    return _zone(corridor, jurisdiction) if jurisdiction else ZoneInfo("UTC")


def _begins(occurred: str, zone: ZoneInfo) -> datetime:
    if not is_date(occurred):
        return moment(occurred, zone)
    day = date.fromisoformat(occurred)
    return datetime(day.year, day.month, day.day, tzinfo=zone).astimezone(UTC)


def _zone(corridor: Corridor, jurisdiction: str) -> ZoneInfo:
    country = corridor.countries(jurisdiction)[0]
    point = next((p for p in corridor.points if p.country == country), None)
    return point.zone_info if point else ZoneInfo("UTC")


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
