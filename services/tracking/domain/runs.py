"""Service runs: the plan, and the summary of trains and consignments.

Invariant: trains read nothing of a run, so that its summary, which rests on them, turns nothing back on itself.
"""

from contracts.catalogue import PLANNED
from contracts.corridor.corridor import Corridor
from contracts.identifiers.subjects import kind_of
from services.chassis.projection.fold import Inputs
from services.tracking.domain import budgets, exceptions, picture, plans, reading, relation, stored
from services.tracking.domain.carriage import railway_in
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.relation import Ties
from services.tracking.domain.visits import facts_of


def fold_run(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, None]:
    """A run: its own milestones, those of its trains, its plan, and its members."""
    run = inputs.subject
    plan = plans.newest_plan(inputs, found.others)
    planned = plans.data_of(plan)
    known = bool(found.others)
    read = {s: stored.train_of(inputs, s) for s in inputs.shared if kind_of(s) == "train"}
    trains = {name: train for name, train in read.items() if train and train.run == run}
    planners = {c.revision.party for c in found.others if c.revision.type == PLANNED}
    relation.related(found, Ties(run, frozenset({*map(railway_in, trains), *planners})), corridor)
    if not known:
        reading.park_all(found, f"a plan, a train or a booking that names {run}")
    taken = [fact for train in trains.values() for fact in train.facts]
    facts = facts_of([*found.acts, *taken], corridor)
    # Trains come before what is merely booked on the run.
    ranked = sorted((s for s in inputs.shared if s != run), key=lambda s: (kind_of(s) != "train", s))
    members = [picture.member(s, stored.summary_of(inputs, s)) for s in sorted(ranked[: budgets.ROWS_SHOWN])]
    status = plans.status_of(plan, facts, known, plans.cancelling(plan, found.acts))
    drawn = Drawn(run, known, facts, found.forecasts, found.parked, status=status)
    drawn.exceptions += exceptions.exceptions_of(run, found, facts)
    drawn.more = {
        "calls": plans.calls_json(planned.calls, facts, corridor) if planned else [],
        "route_variant": planned.route_variant if planned else None,
        "members": members,
    }
    return drawn, None
