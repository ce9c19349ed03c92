"""Reports that count: one for each identity, with its place and instant resolved.

Invariant: a report that cannot count yet is parked with what it waits for, never dropped; what is inherited
from a train or wagon looks like a report of the subject itself, with `via`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import Any, cast
from zoneinfo import ZoneInfo

from contracts import milestones
from contracts.catalogue import MILESTONE
from contracts.corridor import Corridor
from contracts.events.base import Data
from contracts.events.operator import ConsignmentBooked, MilestoneReported, TrainComposed, TrainPlanned
from contracts.fields import is_date, moment
from contracts.locations import Point
from services.chassis.fold import Inputs, Parked, StoredRevision, by_identity, effective

_UTC = ZoneInfo("UTC")
_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Report:
    """One statement that something occurred, or will."""

    source: str
    event_id: str
    code: str
    classifier: str
    point: str | None
    occurred_at: str
    instant: datetime
    party: str
    role: str
    reported_for: str | None
    channel: str
    updated_at: datetime
    via: str | None = None
    inferred: bool = False
    extras: Mapping[str, Any] = field(default_factory=dict)

    @property
    def second_hand(self) -> bool:
        return self.reported_for is not None and self.reported_for != self.party

    @property
    def confidence(self) -> str:
        return "inferred" if self.inferred else "second_hand" if self.second_hand else "observed"

    @property
    def order(self) -> tuple[datetime, int, str, str]:
        """Where it stands in a timeline: instant, rank of the code, identity."""
        # What is inferred has happened before that on which it rests: who has crossed and arrived has arrived.
        rank = 0 if self.inferred else milestones.rank(self.code)
        return self.instant, rank, self.source, self.event_id


@dataclass(frozen=True, slots=True)
class Counted:
    """One identity's revision that counts, with its data, and where and when it was."""

    revision: StoredRevision
    data: Data
    point: str | None
    instant: datetime


@dataclass(slots=True)
class Sorted:
    """The reports of a subject, sorted by what becomes of them."""

    acts: list[Report] = field(default_factory=list)
    forecasts: list[Report] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    due: list[datetime] = field(default_factory=list)
    conflicts: list[StoredRevision] = field(default_factory=list)
    others: list[Counted] = field(default_factory=list)


def read(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Sorted:
    """Sorts a subject's revisions; `others` holds what is no milestone of the subject itself."""
    found = Sorted()
    for revisions in by_identity(inputs.revisions).values():
        counts, conflict = effective(revisions)
        own = any(r.subject == inputs.subject for r in revisions)
        if conflict and own:
            found.conflicts.append(max(revisions, key=lambda r: (r.updated_at, r.content_hash)))
        if counts is not None:
            _sort(found, inputs.subject, counts, corridor, as_of)
    return found


def names(subject: str, revision: StoredRevision, data: Data) -> bool:
    """Whether a revision is about a subject: a later one may name others than the one before, which then forget it."""
    if revision.subject == subject:
        return True
    if isinstance(data, MilestoneReported):
        return subject in (data.wagon, data.train)
    if isinstance(data, TrainPlanned):
        return subject == data.run
    if isinstance(data, TrainComposed):
        return subject == data.run or any(subject in (w.wagon, w.consignment, *w.containers) for w in data.wagons)
    if isinstance(data, ConsignmentBooked):
        references = (r.key for r in data.references)
        return subject == data.run or subject in (*data.containers, *data.wagons, *references)
    return False


def _sort(found: Sorted, subject: str, revision: StoredRevision, corridor: Corridor, as_of: datetime) -> None:
    data = revision.read()
    if not names(subject, revision, data):
        return
    code = getattr(data, "point", None)
    point = corridor.resolve(code) if code else None
    if code and point is None:
        _park(found, subject, revision, f"a point known as {code}")
        return
    counted = Counted(revision, data, point.key if point else None, _instant(revision, data, point))
    starts = _counts_from(counted, corridor)
    if starts > as_of:
        _park(found, subject, revision, "the instant that it names")
        found.due.append(starts)
    elif revision.type == MILESTONE and revision.subject == subject:
        report = _report(counted, cast(MilestoneReported, data))
        (found.acts if report.classifier == "ACT" else found.forecasts).append(report)
    else:
        found.others.append(counted)


def _instant(revision: StoredRevision, data: Data, point: Point | None) -> datetime:
    occurred = getattr(data, "occurred_at", None)
    return moment(occurred, point.zone_info if point else _UTC) if occurred else revision.updated_at


def _counts_from(counted: Counted, corridor: Corridor) -> datetime:
    """From when on a report counts: what lies in the future beyond the skew would be the latest for ever."""
    occurred = getattr(counted.data, "occurred_at", None)
    if occurred is None or getattr(counted.data, "classifier", "ACT") != "ACT":
        return datetime.min.replace(tzinfo=UTC)
    # A bare date sorts at the end of its day, so it is no future report while that day lasts.
    begins = counted.instant - timedelta(days=1) if is_date(occurred) else counted.instant
    return begins - timedelta(minutes=corridor.thresholds.future_skew_minutes)


def _park(found: Sorted, subject: str, revision: StoredRevision, waits_for: str) -> None:
    if revision.subject == subject:
        found.parked.append(Parked(revision.source, revision.event_id, waits_for))


def _report(counted: Counted, data: MilestoneReported) -> Report:
    revision = counted.revision
    return Report(
        revision.source,
        revision.event_id,
        data.code,
        data.classifier,
        counted.point,
        data.occurred_at,
        counted.instant,
        revision.party,
        revision.role,
        data.reported_for,
        data.channel,
        revision.updated_at,
        extras=_extras(data),
    )


def _extras(data: MilestoneReported) -> dict[str, Any]:
    """What a fact shows beside the milestone itself, as JSON."""
    names = {"wagon", "train", "container", "handover_to", "seals", "position", "cause"}
    return data.model_dump(mode="json", include=names, exclude_defaults=True)


def park_all(found: Sorted, waits_for: str) -> None:
    """Parks everything that was reported of a subject that nobody has announced."""
    reports = [*found.acts, *found.forecasts]
    known = {(p.source, p.event_id) for p in found.parked}
    found.parked += [Parked(r.source, r.event_id, waits_for) for r in reports if (r.source, r.event_id) not in known]
    found.acts, found.forecasts, found.due = [], [], []


def inherited(facts: Iterable[Mapping[str, Any]], start: datetime, end: datetime | None, via: str) -> list[Report]:
    """The shared facts of a train or wagon that fall into [start, end), as reports of what it carried."""
    reports = (from_shared(fact, via) for fact in facts)
    return [r for r in reports if start <= r.instant and (end is None or r.instant < end)]


def from_shared(fact: Mapping[str, Any], via: str | None, extras: Mapping[str, Any] = _NONE) -> Report:
    """A report out of what `to_shared` made."""
    return Report(
        fact["source"],
        fact["event_id"],
        fact["code"],
        "ACT",
        fact["point"],
        fact["occurred_at"],
        datetime.fromisoformat(fact["instant"]),
        fact["party"],
        fact["role"],
        fact["reported_for"],
        fact["channel"],
        datetime.fromisoformat(fact["updated_at"]),
        fact["via"] or via,
        fact["inferred"],
        extras,
    )


def to_shared(report: Report) -> dict[str, Any]:
    """A report as the pictures that depend on this one read it."""
    return {
        "source": report.source,
        "event_id": report.event_id,
        "code": report.code,
        "point": report.point,
        "occurred_at": report.occurred_at,
        "instant": report.instant.astimezone(UTC).isoformat(),
        "party": report.party,
        "role": report.role,
        "reported_for": report.reported_for,
        "channel": report.channel,
        "updated_at": report.updated_at.astimezone(UTC).isoformat(),
        "via": report.via,
        "inferred": report.inferred,
    }
