"""Containers: journeys, what carried them, and whose goods are inside.

Invariant: a container's picture is its current journey, from booking, stuffing or gate-in to the return of the
empty. At one instant at most one consignment has it.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from contracts.corridor.corridor import Corridor
from services.chassis.projection.fold import Inputs
from services.tracking.domain import budgets, carried, exceptions, physical, picture, reading, relation, routes
from services.tracking.domain import claims as claiming
from services.tracking.domain.associations import association
from services.tracking.domain.bookings import standing
from services.tracking.domain.carriage import Carriage
from services.tracking.domain.claims import Claim, Claims
from services.tracking.domain.eta.goes import Goes
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.relation import Ties
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Clash, Container, Held, Summary
from services.tracking.domain.visits import Fact, facts_of


def fold_container(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Container]:
    """A container: own milestones, and those of each wagon while it was on it."""
    container = inputs.subject
    carriage, held = _related(inputs, found, corridor)
    known = bool(found.others or held.held)
    if not known:
        reading.park_all(found, f"a booking, a consist or a loading that names {container}")
    ended = _ended(found.acts)
    journey, start = len(ended) + 1, ended[-1] if ended else None
    every = [*found.acts, *carriage.taken()]
    facts = facts_of((r for r in every if start is None or r.instant > start), corridor)
    for fact in facts:
        fact.journey = journey
    physical.mark(facts)
    odd = exceptions.out_of_order(container, facts, corridor)
    current = [c for c in held.held if start is None or c.end is None or c.end > start]
    drawn = Drawn(container, known, facts, found.forecasts, found.parked)
    drawn.exceptions += exceptions.exceptions_of(container, found, facts)
    drawn.exceptions += odd
    drawn.exceptions += _mismatch(held, start)
    drawn.exceptions += _torn(carriage, start)
    on_wagons = [i for i in carriage.intervals if start is None or i.end is None or i.end > start]
    drawn.more = {
        "journey": journey if journey > 1 else None,
        "associations": [i.as_json("on_wagon") for i in on_wagons] + [_association(c) for c in current],
        "claimants": held.claimants[: budgets.ROWS_SHOWN],
    }
    drawn.goes = _goes(current, inputs, corridor, found.as_of)
    former = carried.carried(ended, held, every, carriage.intervals, corridor)
    return drawn, _shared(held, _ever(every, corridor) if start else facts, former)


def _goes(claims: Sequence[Claim], inputs: Inputs, corridor: Corridor, as_of: datetime) -> Goes | None:
    """Where the goods inside go."""
    inside = [c for c in claims if c.end is None]
    if not inside:
        return None
    booked = [r for r in inputs.revisions if r.subject == inside[0].consignment]
    return routes.of_booking(standing(inside[0].consignment, booked, inside[0].moved_at, corridor, as_of), corridor)


def _ever(reports: Sequence[Report], corridor: Corridor) -> list[Fact]:
    """The timeline of all journeys."""
    facts = facts_of(reports, corridor)
    physical.mark(facts)
    return facts


def _shared(held: Claims, facts: Sequence[Fact], former: Mapping[str, Mapping[str, Any]]) -> Container:
    clashes = (Clash(c.consignment, r.consignment, _opened(c, r)) for c, r in held.contested)
    claims = (Held(c.consignment, c.moved_at, _told(c, facts)) for c in held.held)
    return Container(tuple(claims), tuple(clashes), former)


def _told(claim: Claim, facts: Sequence[Fact]) -> Summary:
    """How the container was, last, while it carried a consignment; the delivery that ended that is in it."""
    inside = [f for f in facts if claim.covers(f.lead.instant)]
    return picture.summary(picture.status_of(True, inside), inside)


def _related(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Carriage, Claims]:
    """Sorts out who may speak: first those who keep or move the container, then those whose goods are in it."""
    ties = Ties(inputs.subject)
    sure = relation.carried_only(found, ties, corridor)
    carriage = Carriage(inputs, sure, corridor)
    ties = Ties(inputs.subject, moving=carriage.railways)
    sure = relation.carried_only(found, ties, corridor)
    carriage = Carriage(inputs, sure, corridor)
    taken = carriage.taken()
    unheld = relation.unheld_ends(sure, taken, claiming.destinations(inputs.revisions, corridor))
    relation.park(found, unheld, f"an arrival of {inputs.subject} where it was reported to end")
    gone = set(unheld)
    acts = [r for r in sure if r not in gone]
    ends = claiming.ends_of(acts)
    held = claiming.claims_on(inputs.subject, found, inputs.revisions, acts, taken, ends, corridor)
    relation.related(found, Ties(inputs.subject, moving=carriage.railways, booked_by=held.holders), corridor)
    return carriage, held


def _ended(acts: Sequence[Report]) -> list[datetime]:
    """The returns of the empty that have ended journeys, in order: the last one only when something came behind it."""
    told = [r for r in acts if not r.claimed]
    returns = sorted(r.instant for r in told if r.code == "MTRT")
    later = [r for r in told if returns and r.instant > returns[-1]]
    return returns if later else returns[:-1]


def _mismatch(held: Claims, start: datetime | None) -> list[dict[str, Any]]:
    """The clash of claims of the current journey, naming all of them: whoever may see the names sees it here."""
    current = [(c, r) for c, r in held.contested if start is None or r.end is None or r.end > start]
    if not current:
        return []
    opened = min(_opened(c, r) for c, r in current)
    named = sorted({claim.consignment for pair in current for claim in pair})[: budgets.ROWS_SHOWN]
    return [exceptions.exception("IDENTITY_MISMATCH", None, opened, named)]


def _torn(carriage: Carriage, start: datetime | None) -> list[dict[str, Any]]:
    """The container is said to be on two wagons at once, or where it cannot have come: both are named."""
    now = [(at, wagons) for at, wagons in carriage.torn if start is None or at > start]
    return [exceptions.exception("IDENTITY_MISMATCH", "on_wagon", at, wagons) for at, wagons in now[-1:]]


def _opened(claim: Claim, rival: Claim) -> datetime:
    """From when on both have claimed the container."""
    return max(claim.start, rival.start)


def _association(claim: Claim) -> dict[str, Any]:
    return association("in_consignment", claim.consignment, claim.start, claim.end)
