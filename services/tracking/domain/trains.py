"""Trains and wagons: their timelines, the consists, and crossings that nobody reported.

Invariant: a train's facts reach its wagons for as long as they were in it, and no longer.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any, Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from services.chassis.projection.fold import Inputs, Parked
from services.tracking.domain import associations, budgets, exceptions, plans, reading, relation, reports, stored
from services.tracking.domain import consists as lists
from services.tracking.domain.associations import Interval, Mention, Statement
from services.tracking.domain.carriage import railway_in, railways_of
from services.tracking.domain.consists import COMPOSED_RANK, Consist
from services.tracking.domain.counted import Counted
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.relation import Ties
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Part, Train, Wagon
from services.tracking.domain.visits import Fact, facts_of

# More than any load stays on one wagon, since what it carries takes its facts from here.
_TRAINS_SHOWN: Final = 12
BEFALLS: Final = frozenset({"HREF", "HACC", "GCIN", "DTCH", "STOP", "RESM", "DRLM", "TAMP", "DAMG", "CANC"})
"""What is told of a carrier and befalls what is on it as well; a train's own cancelling is handed on apart."""
_TOO_MUCH: Final = (
    f"fewer consists: a train has at most {budgets.CONSISTS_OF_A_TRAIN}, of at most {budgets.WAGONS_OF_A_TRAIN} wagons"
)


def fold_train(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Train]:
    """A train: its own milestones, consists as facts, wagons as intervals, its run and plan."""
    train = inputs.subject
    relation.related(found, Ties(train, frozenset({railway_in(train)})), corridor)
    plan = plans.newest_plan(inputs, found.others)
    planned = plans.data_of(plan)
    run = _run_of(found.others)
    split = budgets.consists_within(c for c in found.others if c.revision.type == catalogue.COMPOSED)
    found.parked += [Parked(*c.revision.identity, _TOO_MUCH) for c in split.over]
    own = facts_of(found.acts, corridor)
    consists = lists.consists(split.within, own)
    known = plan is not None or bool(consists)
    if not known:
        reading.park_all(found, f"a plan or a consist of {train}")
    sent = {one.revision.identity: one for one in split.within}
    composed = [_composed(c, sent[c.identity]) for c in consists]
    acts = [*found.acts, *(r for r in composed if known)]
    cancelled = plans.cancelling(plan, found.acts)
    acts += [cancelled] if cancelled and cancelled not in acts else []
    facts = facts_of([*acts, *_crossings(acts, corridor)], corridor)
    odd = exceptions.out_of_order(train, facts, corridor)
    moves = [m for m in associations.acts_of(found.others, "ATCH", "DTCH") if _speaks_of(m, train, corridor)]
    standing = lists.standing(consists, own)
    wagons = lists.wagons_of_train(train, standing, moves)
    more = {
        "run": run,
        "route_variant": planned.route_variant if planned else None,
        "calls": plans.calls_json(planned.calls, facts, corridor) if planned else [],
        "members": [{"subject": w, "status": "in_train"} for w in _present(wagons)],
        "associations": [associations.association("in_run", run, facts[0].lead.instant, None)] if run and facts else [],
    }
    status = plans.status_of(plan, facts, known, cancelled)
    drawn = Drawn(train, known, facts, found.forecasts, found.parked, status=status, more=more)
    drawn.goes = plans.goes_by(planned, corridor)
    drawn.exceptions += exceptions.exceptions_of(train, found, facts)
    drawn.exceptions += odd
    ended = [cancelled] if cancelled and status == "ended" else []
    return drawn, Train(_handed_on(facts, ended), run, _parts(wagons, standing))


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
    rides = _cut_out(rides, parts, found.acts)
    # A wagon goes on for decades: its picture is the trains of its last trips.
    shown = rides[-_TRAINS_SHOWN:]
    since = shown[0].start if len(rides) > _TRAINS_SHOWN else None
    trains = ((ride, stored.train_of(inputs, ride.other)) for ride in shown)
    taken = [r for i, t in trains if t and known for r in reports.inherited(t.facts, i)]
    facts = facts_of((r for r in [*found.acts, *taken] if since is None or r.instant >= since), corridor)
    odd = exceptions.out_of_order(wagon, facts, corridor)
    more = {"associations": [i.as_json("in_train") for i in shown]}
    drawn = Drawn(wagon, known, facts, found.forecasts, found.parked, more=more)
    drawn.exceptions += exceptions.exceptions_of(wagon, found, facts)
    drawn.exceptions += odd
    return drawn, Wagon(_handed_on(facts), tuple(mentions), tuple(rides))


def _cut_out(rides: list[Interval], parts: Sequence[Part], acts: Iterable[Report]) -> list[Interval]:
    """When a wagon was in which train: cut out without a train's name, it is cut out of the one that it is in."""
    out = [r for r in acts if r.code == "DTCH" and not r.claimed and not r.extras.get("train")]
    if not out:
        return rides
    said = [statement for part in parts for statement in part.statements()]
    said += [Statement(*r.order[:2], (r.source, r.event_id), None) for r in out]
    return associations.intervals(said)


def _speaks_of(move: Counted, train: str, corridor: Corridor) -> bool:
    """Whether who puts a wagon in or cuts it out has to do with the train, or with the place."""
    report = move.report
    railway = relation.railway_of(report, corridor) if report else None
    here = corridor.railways_at(move.point) if move.point else frozenset[str]()
    return railway is not None and (railway == railway_in(train) or railway in here)


def _parts(wagons: dict[str, list[Interval]], consists: Sequence[Consist]) -> dict[str, Part]:
    """What each wagon reads of its train: its rides, and what each consist says that it carried."""
    mentions: dict[str, list[Mention]] = {wagon: [] for wagon in wagons}
    for consist in consists:
        for wagon, carried in consist.wagons:
            mentions[wagon].append(Mention(consist.instant, COMPOSED_RANK, consist.identity, carried, consist.point))
    return {wagon: Part(tuple(rides), tuple(mentions[wagon])) for wagon, rides in wagons.items()}


def _handed_on(facts: Iterable[Fact], ended: Sequence[Report] = ()) -> tuple[Report, ...]:
    """The facts that those who were on board take over, in order: movements, and what befell the carrier.

    A cancelling is among them where it ended a train that had run.
    """
    taken = [f.lead for f in facts if f.movement or f.lead.sighting or _befalls(f.lead)]
    return tuple(sorted([*taken, *ended], key=lambda r: r.order))


def _befalls(report: Report) -> bool:
    own_end = report.code == "CANC" and report.via is None
    return report.code in BEFALLS and not report.claimed and not own_end


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
