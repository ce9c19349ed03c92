"""Plans of trains and runs: which one counts, what has come of each call, and whether it was cancelled.

Invariant: of a plan's status and a cancelling the newest `updated_at` counts. What ran before it was cancelled has run:
the train ended there.
"""

from collections.abc import Iterable, Sequence
from typing import Any, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.fields import as_shown, utc_text
from contracts.events.operator import Call, TrainPlanned
from contracts.events.tracking import Status
from services.chassis.projection.fold import Inputs
from services.tracking.domain import picture, routes
from services.tracking.domain.carriage import railway_in
from services.tracking.domain.counted import Counted
from services.tracking.domain.eta.goes import Goes, goes
from services.tracking.domain.reports import Report
from services.tracking.domain.visits import Fact

_COMES = ("arrives", "passes")
_GOES = ("departs", "passes")


def newest_plan(inputs: Inputs, counted: Iterable[Counted]) -> Counted | None:
    """The newest plan of the subject by its owner: the railway in its key, else whoever has planned it first."""
    plans = [c for c in counted if c.revision.type == catalogue.PLANNED and c.revision.subject == inputs.subject]
    parties = {c.revision.party for c in plans}
    told = [r for r in inputs.revisions if r.type == catalogue.PLANNED and r.party in parties]
    first = min(told, key=lambda r: (r.received_at, r.identity, r.updated_at), default=None)
    railway = railway_in(inputs.subject)
    owner = railway if railway in parties else first and first.party
    own = [c for c in plans if c.revision.party == owner]
    return max(own, key=lambda c: (c.revision.updated_at, c.revision.identity), default=None)


def data_of(plan: Counted | None) -> TrainPlanned | None:
    """What a plan says."""
    return cast(TrainPlanned, plan.data) if plan else None


def cancelling(plan: Counted | None, acts: Iterable[Report]) -> Report | None:
    """What cancels a train or run: the plan that counts, or a report that is not older than it; None for none.

    Who has left behind a report of cancelling was not cancelled by it.
    """
    acts = list(acts)
    told = [r for r in acts if r.code == "CANC" and not r.claimed]
    told += [_as_report(plan)] if plan and cast(TrainPlanned, plan.data).status == "cancelled" else []
    newest = max(told, key=lambda r: (r.updated_at, r.source, r.event_id), default=None)
    if newest is None or (plan and plan.revision.updated_at > newest.updated_at):
        return None
    went_on = any(r.movement in _GOES and r.instant > newest.instant for r in acts)
    return None if went_on else newest


def status_of(plan: Counted | None, facts: Sequence[Fact], known: bool, cancelled: Report | None) -> Status:
    """The status of a train or run, by its plan and by what has moved."""
    if not known:
        return "unknown"
    has_moved = any(f.movement for f in facts)
    if cancelled is not None:
        return "ended" if has_moved else "cancelled"
    if plan and not has_moved and cast(TrainPlanned, plan.data).status == "postponed":
        return "postponed"
    return picture.status_of(True, facts)


def goes_by(planned: TrainPlanned | None, corridor: Corridor) -> Goes | None:
    """Where a plan has a train go."""
    if planned is None:
        return None
    first, last = planned.calls[0].point, planned.calls[-1].point
    return goes(planned.route_variant or routes.only_variant(first, last, corridor), last, corridor)


def calls_json(calls: Sequence[Call], facts: Sequence[Fact], corridor: Corridor) -> list[dict[str, Any]]:
    """Planned calls, each with the times of its own visit: the first one at its point behind the visits before."""
    points = [corridor.resolve(call.point) for call in calls]
    own = _visits_of([point.key if point else None for point in points], facts)
    found = []
    for call, point, here in zip(calls, points, own, strict=True):
        shown = {
            "point": point.key if point else call.point,
            "arrival": call.arrival,
            "departure": call.departure,
            "actual_arrival": min((f.lead.instant for f in here if f.movement in _COMES), default=None),
            "actual_departure": max((f.lead.instant for f in here if f.movement in _GOES), default=None),
        }
        found.append(as_shown(shown))
    return found


def _visits_of(points: Sequence[str | None], facts: Sequence[Fact]) -> list[list[Fact]]:
    """The movements of the visit that each planned point was called at, in the order of the plan."""
    visits: dict[tuple[str | None, int], list[Fact]] = {}
    for fact in facts:
        if fact.movement in (*_COMES, *_GOES) and fact.lead.point is not None:
            visits.setdefault((fact.lead.point, fact.visit), []).append(fact)
    found: list[list[Fact]] = [[] for _ in points]
    cursor = 0
    for (point, _), here in visits.items():
        ahead = next((n for n in range(cursor, len(points)) if points[n] == point), None)
        if ahead is not None:
            found[ahead] = here
            cursor = ahead + 1
    return found


def _as_report(plan: Counted) -> Report:
    """A plan that cancels, as a report of it."""
    revision, data = plan.revision, cast(Any, plan.data)
    at = revision.updated_at
    return Report(
        *(revision.source, revision.event_id, "CANC", "ACT", None, utc_text(at), at),
        *(revision.party, revision.role, None, "system", at),
        extras={"cause": data.cause} if data.cause else {},
    )
