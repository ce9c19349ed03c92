"""Trains and wagons: their timelines, the consists, and crossings that nobody reported.

Invariant: a train's facts reach its wagons for as long as they were in it, and no longer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.fields import as_shown
from contracts.events.operator import Call, TrainPlanned
from services.chassis.projection.fold import Inputs, Parked
from services.tracking.domain import associations, budgets, exceptions, reading, relation, reports, stored
from services.tracking.domain.associations import Consist, Interval, Mention
from services.tracking.domain.carriage import railway_in, railways_of
from services.tracking.domain.counted import Counted
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.relation import Ties
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Part, Train, Wagon
from services.tracking.domain.visits import Fact, facts_of

# More than any load stays on one wagon, since what it carries takes its facts from here.
_TRAINS_SHOWN: Final = 12
_TOO_MUCH: Final = (
    f"fewer consists: a train has at most {budgets.CONSISTS_OF_A_TRAIN}, of at most {budgets.WAGONS_OF_A_TRAIN} wagons"
)


def fold_train(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Train]:
    """A train: its own milestones, consists as facts, wagons as intervals, its run and plan."""
    train = inputs.subject
    relation.related(found, Ties(train, frozenset({railway_in(train)})), corridor)
    plan = newest_plan(inputs, found.others)
    run = _run_of(found.others)
    split = budgets.consists_within(c for c in found.others if c.revision.type == catalogue.COMPOSED)
    found.parked += [Parked(*c.revision.identity, _TOO_MUCH) for c in split.over]
    consists = associations.consists(split.within)
    known = plan is not None or bool(consists)
    if not known:
        reading.park_all(found, f"a plan or a consist of {train}")
    sent = {one.revision.identity: one for one in split.within}
    composed = [_composed(c, sent[c.identity]) for c in consists]
    acts = [*found.acts, *(r for r in composed if known)]
    facts = facts_of([*acts, *_crossings(acts, corridor)], corridor)
    moves = [m for m in associations.acts_of(found.others, "ATCH", "DTCH") if _speaks_of(m, train, corridor)]
    wagons = associations.wagons_of_train(train, consists, moves)
    more = {
        "run": run,
        "route_variant": plan.route_variant if plan else None,
        "calls": calls_json(plan.calls, facts, corridor) if plan else [],
        "members": [{"subject": w, "status": "in_train"} for w in _present(wagons)],
        "associations": [associations.association("in_run", run, facts[0].lead.instant, None)] if run and facts else [],
    }
    status = plan_status(plan, facts, known)
    drawn = Drawn(train, known, facts, found.forecasts, found.parked, status=status, more=more)
    drawn.exceptions += exceptions.exceptions_of(train, found, facts)
    drawn.exceptions += exceptions.out_of_order(train, facts, corridor)
    return drawn, Train(_movements(facts), run, _parts(wagons, consists))


def fold_wagon(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Wagon]:
    """A wagon: its own milestones and those of each train while it was in it."""
    wagon = inputs.subject
    parts = stored.parts_of(inputs)
    rides = associations.truncated(ride for part in parts for ride in part.rides)
    mentions = sorted(mention for part in parts for mention in part.mentions)
    known = reading.is_announced(found) or bool(mentions)
    booked_by = relation.always(c.revision.party for c in found.others if c.revision.type == catalogue.BOOKED)
    relation.related(found, Ties(wagon, moving=railways_of(rides), booked_by=booked_by), corridor)
    if not known:
        reading.park_all(found, f"a consist, a booking or a loading that names {wagon}")
    # A wagon goes on for decades: its picture is the trains of its last trips.
    shown = rides[-_TRAINS_SHOWN:]
    since = shown[0].start if len(rides) > _TRAINS_SHOWN else None
    trains = ((ride, stored.train_of(inputs, ride.other)) for ride in shown)
    taken = [r for i, t in trains if t and known for r in reports.inherited(t.facts, i.start, i.end)]
    facts = facts_of((r for r in [*found.acts, *taken] if since is None or r.instant >= since), corridor)
    more = {"associations": [i.as_json("in_train") for i in shown]}
    drawn = Drawn(wagon, known, facts, found.forecasts, found.parked, more=more)
    drawn.exceptions += exceptions.exceptions_of(wagon, found, facts)
    drawn.exceptions += exceptions.out_of_order(wagon, facts, corridor)
    return drawn, Wagon(_movements(facts), tuple(mentions), tuple(rides))


def newest_plan(inputs: Inputs, counted: Iterable[Counted]) -> TrainPlanned | None:
    """The newest plan of the subject by its owner: the railway in its key, else whoever has planned it first."""
    plans = [c for c in counted if c.revision.type == catalogue.PLANNED and c.revision.subject == inputs.subject]
    parties = {c.revision.party for c in plans}
    told = [r for r in inputs.revisions if r.type == catalogue.PLANNED and r.party in parties]
    first = min(told, key=lambda r: (r.received_at, r.identity, r.updated_at), default=None)
    railway = railway_in(inputs.subject)
    owner = railway if railway in parties else first and first.party
    own = [c for c in plans if c.revision.party == owner]
    newest = max(own, key=lambda c: (c.revision.updated_at, c.revision.identity), default=None)
    return cast(TrainPlanned, newest.data) if newest else None


def _speaks_of(move: Counted, train: str, corridor: Corridor) -> bool:
    """Whether who puts a wagon in or cuts it out has to do with the train, or with the place."""
    report = move.report
    railway = relation.railway_of(report, corridor) if report else None
    here = corridor.railways_at(move.point) if move.point else frozenset[str]()
    return railway is not None and (railway == railway_in(train) or railway in here)


def plan_status(plan: TrainPlanned | None, facts: Sequence[Fact], known: bool) -> str | None:
    """The status that a plan gives where no fact says more."""
    if plan and plan.status in ("cancelled", "postponed") and not any(f.movement for f in facts):
        return plan.status
    return None if known else "unknown"


def calls_json(calls: Sequence[Call], facts: Sequence[Fact], corridor: Corridor) -> list[dict[str, Any]]:
    """Planned calls beside the first arrival and the last departure that were reported there."""
    found = []
    for call in calls:
        point = corridor.resolve(call.point)
        here = [f for f in facts if point and f.lead.point == point.key]
        arrivals = [f.lead.instant for f in here if f.movement in ("arrives", "passes")]
        departures = [f.lead.instant for f in here if f.movement in ("departs", "passes")]
        shown = {
            "point": point.key if point else call.point,
            "arrival": call.arrival,
            "departure": call.departure,
            "actual_arrival": min(arrivals, default=None),
            "actual_departure": max(departures, default=None),
        }
        found.append(as_shown(shown))
    return found


def _parts(wagons: dict[str, list[Interval]], consists: Sequence[Consist]) -> dict[str, Part]:
    """What each wagon reads of its train: its rides, and what each consist says that it carried."""
    mentions: dict[str, list[Mention]] = {wagon: [] for wagon in wagons}
    for consist in consists:
        for wagon, carried in consist.wagons:
            mentions[wagon].append(Mention(consist.instant, consist.identity, carried))
    return {wagon: Part(tuple(rides), tuple(mentions[wagon])) for wagon, rides in wagons.items()}


def _movements(facts: Iterable[Fact]) -> tuple[Report, ...]:
    """The facts that those who were on board take over: movements, and what befell the train as a whole."""
    taken = ("STOP", "RESM", "DRLM")
    return tuple(f.lead for f in facts if f.movement or f.lead.sighting or f.lead.code in taken)


def _crossings(acts: Sequence[Report], corridor: Corridor) -> list[Report]:
    """A frontier that was crossed between the departure of the exit and the arrival at the entry station.

    Seldom reported; it rests on the arrival, which is the first instant at which it is certain.
    """
    found = []
    crossed = {r.point for r in acts if r.code == "XBRD"}
    for border in corridor.borders:
        left = [r for r in acts if r.point == border.exit.point and r.code in ("DEPA", "PASS")]
        came = [r for r in acts if r.point == border.entry.point and r.code in ("ARRI", "BARR", "PASS")]
        after = [r for r in came if any(d.instant <= r.instant for d in left)]
        if after and not crossed & set(border.points):
            first = min(after, key=lambda r: (r.instant, r.order))
            found.append(replace(first, code="XBRD", inferred=True, extras={}))
    return found


def _composed(consist: Consist, one: Counted) -> Report:
    """A consist as a fact of the train's own timeline."""
    data, revision = one.data, one.revision
    return Report(
        revision.source,
        revision.event_id,
        "COMP",
        "ACT",
        consist.point,
        cast(Any, data).occurred_at,
        consist.instant,
        revision.party,
        revision.role,
        cast(Any, data).reported_for,
        cast(Any, data).channel,
        revision.updated_at,
    )


def _run_of(counted: Iterable[Counted]) -> str | None:
    """The run that the newest plan or consist names."""
    named = [c for c in counted if getattr(c.data, "run", None) and c.revision.type != catalogue.BOOKED]
    newest = max(named, key=lambda c: (c.revision.updated_at, c.revision.identity), default=None)
    return str(cast(Any, newest.data).run) if newest else None


def _present(wagons: dict[str, list[Interval]]) -> list[str]:
    return [w for w, found in wagons.items() if found and found[-1].end is None]
