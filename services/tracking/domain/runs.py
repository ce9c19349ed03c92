"""Service runs: the plan, and the summary of trains and consignments.

Invariant: what trains read of a run is its plan alone, so that its summary, which rests on them, turns nothing
back on itself.
"""

from typing import Any

from contracts.catalogue import PLANNED
from contracts.corridor.corridor import Corridor
from contracts.identifiers.subjects import kind_of
from services.chassis.projection.fold import Inputs
from services.tracking.domain import budgets, exceptions, picture, reading, relation, reports
from services.tracking.domain.carriage import railway_in
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.relation import Ties
from services.tracking.domain.trains import calls_json, newest_plan, plan_status
from services.tracking.domain.visits import facts_of


def fold_run(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Any]:
    """A run: its own milestones, those of its trains, its plan, and its members."""
    run = inputs.subject
    plan = newest_plan(inputs, found.others)
    known = bool(found.others)
    trains = {t: s for t, s in inputs.shared.items() if kind_of(t) == "train" and s and s.get("run") == run}
    planners = {c.revision.party for c in found.others if c.revision.type == PLANNED}
    relation.related(found, Ties(run, frozenset({*map(railway_in, trains), *planners})), corridor)
    if not known:
        reading.park_all(found, f"a plan, a train or a booking that names {run}")
    taken = [reports.from_shared(f, train) for train, shared in trains.items() for f in shared["facts"]]
    facts = facts_of([*found.acts, *taken], corridor)
    # Trains come before what is merely booked on the run.
    ranked = sorted((s for s in inputs.shared if s != run), key=lambda s: (kind_of(s) != "train", s))
    members = [picture.member(s, inputs.shared.get(s)) for s in sorted(ranked[: budgets.ROWS_SHOWN])]
    drawn = Drawn(run, known, facts, found.forecasts, found.parked, status=plan_status(plan, facts, known))
    drawn.exceptions += exceptions.exceptions_of(run, found, facts)
    drawn.more = {
        "calls": calls_json(plan.calls, facts, corridor) if plan else [],
        "route_variant": plan.route_variant if plan else None,
        "members": members,
    }
    return drawn, {"plan": plan.model_dump(mode="json") if plan else None}
