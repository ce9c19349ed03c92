"""From stored revisions to what counts: which revision, about whom, where, when, and from when on.

Invariant: a report that cannot count yet is parked with what it waits for, never dropped. What a revision says
depends on its content and the corridor data alone, so it is worked out once and kept.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from typing import Any, Final, NamedTuple
from zoneinfo import ZoneInfo

from contracts import catalogue
from contracts.corridor.corridor import Corridor, load_corridor
from contracts.corridor.locations import Point
from contracts.events.base import Data
from contracts.events.fields import is_date, moment
from contracts.events.operator import ConsignmentBooked, MilestoneReported, TrainComposed, TrainPlanned
from services.chassis.projection.fold import Inputs, Parked, StoredRevision, by_identity, effective
from services.tracking.domain import budgets
from services.tracking.domain.counted import Counted
from services.tracking.domain.reports import Report

_UTC: Final = ZoneInfo("UTC")
_ALWAYS: Final = datetime.min.replace(tzinfo=UTC)
_SHOWN: Final = {"wagon", "train", "container", "handover_to", "seals", "position", "cause"}


class Contradiction(NamedTuple):
    """Contents of one revision that differ, so that none of them counts; `counts` is the one before, if any."""

    void: tuple[Counted, ...]
    counts: Counted | None

    @property
    def revision(self) -> StoredRevision:
        """The newest of what is void, by which the contradiction is known."""
        return self.void[-1].revision


@dataclass(slots=True)
class Sorted:
    """The reports of a subject as of an instant, sorted by what becomes of them."""

    as_of: datetime
    acts: list[Report] = field(default_factory=list)
    forecasts: list[Report] = field(default_factory=list)
    parked: list[Parked] = field(default_factory=list)
    due: list[datetime] = field(default_factory=list)
    conflicts: list[Contradiction] = field(default_factory=list)
    others: list[Counted] = field(default_factory=list)


def read(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Sorted:
    """Sorts a subject's revisions; `others` holds what is no milestone of the subject itself."""
    found = Sorted(as_of)
    counting: list[Counted] = []
    for revisions in by_identity(inputs.revisions).values():
        counts, conflict = effective(revisions)
        if conflict and any(r.subject == inputs.subject for r in revisions):
            found.conflicts.append(_contradiction(revisions, counts, corridor))
        if counts is not None:
            counting.append(understood(counts, corridor.id, corridor.version))
    split = budgets.milestones_within(counting, inputs.subject)
    for counted in split.within:
        _sort(found, inputs.subject, counted, as_of)
    for counted in split.over:
        waits_for = f"fewer reports: {budgets.REPORTS_OF_A_PARTY} of one party on one subject count"
        _park(found, counted, own=True, waits_for=waits_for)
    return found


def _contradiction(
    revisions: Sequence[StoredRevision], counts: StoredRevision | None, corridor: Corridor
) -> Contradiction:
    ordered = sorted(revisions, key=lambda r: (r.updated_at, r.content_hash))
    before = max((r.updated_at for r in ordered if r.retracted or r is counts), default=_ALWAYS)
    void = [r for r in ordered if r.updated_at > before]
    said = tuple(understood(r, corridor.id, corridor.version) for r in void)
    return Contradiction(said, understood(counts, corridor.id, corridor.version) if counts else None)


@lru_cache(maxsize=32768)
def understood(revision: StoredRevision, corridor_id: str, version: int) -> Counted:
    """What a revision says, by one version of the corridor data."""
    corridor, data = load_corridor(corridor_id, version), revision.read()
    code = getattr(data, "point", None)
    point = corridor.resolve(code) if code else None
    instant = _instant(revision, data, point)
    key = point.key if point else None
    return Counted(
        revision,
        data,
        frozenset(_named(revision.subject, data)),
        key,
        instant,
        _counts_from(data, instant, corridor),
        _report(revision, data, key, instant) if isinstance(data, MilestoneReported) else None,
        code if point is None else None,
    )


def is_announced(found: Sorted) -> bool:
    """Whether anything but a consist names the subject: of consists only those of its train count that it takes."""
    return any(one.revision.type != catalogue.COMPOSED for one in found.others)


def park_all(found: Sorted, waits_for: str) -> None:
    """Parks everything that was reported of a subject that nobody has announced.

    What is due stays: it may be the announcement, which counts from then on.
    """
    reports = [*found.acts, *found.forecasts]
    known = {(p.source, p.event_id) for p in found.parked}
    found.parked += [Parked(r.source, r.event_id, waits_for) for r in reports if (r.source, r.event_id) not in known]
    found.acts, found.forecasts = [], []


def _sort(found: Sorted, subject: str, counted: Counted, as_of: datetime) -> None:
    # A later revision may name others than the one before, which then forget it.
    if subject not in counted.names:
        return
    own = counted.revision.subject == subject
    if counted.unknown_point:
        _park(found, counted, own, f"a point known as {counted.unknown_point}")
    elif counted.counts_from > as_of:
        _park(found, counted, own, "the instant that it names")
        found.due.append(counted.counts_from)
    elif own and counted.report is not None:
        (found.acts if counted.report.classifier == "ACT" else found.forecasts).append(counted.report)
    else:
        found.others.append(counted)


def _park(found: Sorted, counted: Counted, own: bool, waits_for: str) -> None:
    if own:
        found.parked.append(Parked(counted.revision.source, counted.revision.event_id, waits_for))


def _named(subject: str, data: Data) -> Iterator[str]:
    yield subject
    named: list[str | None] = []
    if isinstance(data, MilestoneReported):
        named = [data.wagon, data.train]
    elif isinstance(data, TrainPlanned):
        named = [data.run]
    elif isinstance(data, TrainComposed):
        named = [data.run, *(s for w in data.wagons for s in (w.wagon, w.consignment, *w.containers))]
    elif isinstance(data, ConsignmentBooked):
        named = [data.run, *data.containers, *data.wagons, *(r.key for r in data.references)]
    yield from (name for name in named if name is not None)


def _instant(revision: StoredRevision, data: Data, point: Point | None) -> datetime:
    occurred = getattr(data, "occurred_at", None)
    return moment(occurred, point.zone_info if point else _UTC) if occurred else revision.updated_at


def _counts_from(data: Data, instant: datetime, corridor: Corridor) -> datetime:
    """From when on a report counts: what lies in the future beyond the skew would be the latest for ever."""
    occurred = getattr(data, "occurred_at", None)
    if occurred is None or getattr(data, "classifier", "ACT") != "ACT":
        return _ALWAYS
    # A bare date sorts at the end of its day, so it is no future report while that day lasts.
    begins = instant - timedelta(days=1) if is_date(occurred) else instant
    return begins - timedelta(minutes=corridor.thresholds.future_skew_minutes)


def _report(revision: StoredRevision, data: MilestoneReported, point: str | None, instant: datetime) -> Report:
    shows = data.model_fields_set & _SHOWN
    extras: dict[str, Any] = data.model_dump(mode="json", include=shows, exclude_defaults=True) if shows else {}
    return Report(
        revision.source,
        revision.event_id,
        data.code,
        data.classifier,
        point,
        data.occurred_at,
        instant,
        revision.party,
        revision.role,
        data.reported_for,
        data.channel,
        revision.updated_at,
        names_consignment=data.consignment,
        extras=extras,
    )
