"""Consignments: the booking that stands, the references, and what is inside.

Invariant: once its goods have moved, a booking takes nothing away that carriers and customs go by: what it then asks
for is shown as a request.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, cast

from contracts.corridor.corridor import Corridor
from contracts.events.operator import ConsignmentBooked
from contracts.identifiers.subjects import local
from services.chassis.projection.fold import Inputs, Parked
from services.tracking.domain import (
    bookings,
    budgets,
    exceptions,
    parts,
    picture,
    reading,
    references,
    relation,
    routes,
    stored,
)
from services.tracking.domain import claims as claiming
from services.tracking.domain.bookings import Standing, standing
from services.tracking.domain.carriage import Carriage
from services.tracking.domain.counted import Counted
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.relation import Ties
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Container, Summary
from services.tracking.domain.visits import facts_of


def fold_consignment(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, None]:
    """A consignment: its booking, its references, its own milestones, and what is inside it."""
    consignment = inputs.subject
    carriage = _related(inputs, found, corridor)
    taken = carriage.taken()
    booking = standing(consignment, inputs.revisions, _moved_at(inputs, found, taken), corridor, found.as_of)
    if booking is None:
        reading.park_all(found, f"the booking of {consignment}")
    named = [r.key for r in booking.latest.references] if booking else []
    mine, contested = references.acts_of(inputs, consignment, named)
    facts = facts_of([*found.acts, *mine, *taken, *([_booking_fact(booking)] if booking else [])], corridor)
    drawn = Drawn(consignment, booking is not None, facts, found.forecasts, found.parked)
    drawn.exceptions += exceptions.exceptions_of(consignment, found, facts)
    drawn.exceptions += _mismatches(inputs, contested)
    drawn.more = _booking_json(booking, inputs, carriage, corridor) | {
        "associations": [i.as_json("on_wagon") for i in carriage.intervals],
        "former": _former(inputs, booking, corridor),
        "carried": _carried(inputs),
    }
    members, origin = drawn.more.get("members", ()), drawn.more.get("origin")
    drawn.status = parts.status_of(booking, members, facts, origin)
    drawn.more["units"] = parts.counts_of(drawn.status, members)
    drawn.goes = routes.of_booking(booking, corridor)
    # Nobody needs the way of what has come.
    drawn.exceptions += [] if drawn.status == "delivered" else routes.unknown(booking, corridor)
    drawn.exceptions += parts.not_yet(consignment, members, facts, origin)
    _ask(booking, drawn)
    return drawn, None


def _related(inputs: Inputs, found: Sorted, corridor: Corridor) -> Carriage:
    """Sorts out who may speak: who keeps or moves the goods, and who has booked them."""
    issuer = relation.always([local(inputs.subject).split("/")[0]])
    sure = relation.carried_only(found, Ties(inputs.subject), corridor)
    carriage = Carriage(inputs, sure, corridor)
    relation.related(found, Ties(inputs.subject, moving=carriage.railways, booked_by=issuer), corridor)
    told = [r for r in found.acts if not r.claimed]
    carriage = Carriage(inputs, told, corridor)
    ends = relation.unheld_ends(told, carriage.taken(), claiming.destinations(inputs.revisions, corridor))
    relation.park(found, ends, f"an arrival of {inputs.subject} where it was reported to end")
    return carriage


def _moved_at(inputs: Inputs, found: Sorted, taken: Iterable[Report]) -> datetime | None:
    """When the goods first moved: one of their units under this consignment, or they themselves."""
    moved = [r.instant for r in (*found.acts, *taken) if r.movement in claiming.GOES]
    held = (h for shared in stored.containers_of(inputs).values() for h in shared.held)
    moved += [h.moved_at for h in held if h.consignment == inputs.subject and h.moved_at]
    return min(moved, default=None)


def _mismatches(inputs: Inputs, contested: Sequence[tuple[str, datetime]]) -> list[dict[str, Any]]:
    """What others claim as well: it is named, and they are not."""
    clashes = list(contested)
    for unit, shared in stored.containers_of(inputs).items():
        clashes += [(unit, c.opened_at) for c in shared.contested if inputs.subject in (c.consignment, c.rival)]
    first = {about: min(at for other, at in clashes if other == about) for about, _ in clashes}
    return [exceptions.exception("IDENTITY_MISMATCH", about, at, [about]) for about, at in sorted(first.items())]


def _booking_fact(booking: Standing) -> Report:
    revision, data = booking.booked.revision, booking.data
    return Report(
        revision.source,
        revision.event_id,
        "BKD" if data.status == "confirmed" else "BKX",
        "ACT",
        None,
        data.occurred_at,
        booking.booked.instant,
        revision.party,
        revision.role,
        None,
        "system",
        revision.updated_at,
    )


def _booking_json(booking: Standing | None, inputs: Inputs, carriage: Carriage, corridor: Corridor) -> dict[str, Any]:
    if booking is None:
        return {}
    data, latest = booking.data, booking.latest
    containers = stored.containers_of(inputs)
    told = {
        unit: _summary_of(inputs, unit, containers, carriage) for unit in _units(booking, containers, inputs.subject)
    }
    origin, destination = corridor.resolve(data.origin), corridor.resolve(data.destination)
    return {
        "members": [picture.member(unit, summary) for unit, summary in told.items()],
        "parties": [p.model_dump() for p in sorted(booking.parties, key=lambda p: (p.role, p.party))],
        "references": [r.model_dump() for r in sorted(latest.references, key=lambda r: r.key)],
        "origin": origin.key if origin else data.origin,
        "destination": destination.key if destination else data.destination,
        "route_variant": routes.variant_of(booking, corridor),
        "run": data.run or latest.run,
    }


def _former(inputs: Inputs, booking: Standing | None, corridor: Corridor) -> list[dict[str, str]]:
    """The parties and references that bookings named before, of all that were received for this consignment."""
    mine = [r for r in inputs.revisions if r.subject == inputs.subject]
    now = {*(p.party for p in booking.parties), *(r.key for r in booking.latest.references)} if booking else set()
    return bookings.former(mine, _named, now, corridor)


def _named(one: Counted) -> Iterable[str]:
    yield from (p.party for p in bookings.agreed_parties(one))
    yield from (r.key for r in cast(ConsignmentBooked, one.data).references)


def _carried(inputs: Inputs) -> list[dict[str, Any]]:
    """What befell the goods on containers that have gone on with others, as much as a record can hold."""
    told = sorted(stored.carried_of(inputs).items())
    each = budgets.MOVES_CARRIED // max(len(told), 1)
    return [{"subject": unit, **one, "moves": list(one["moves"])[-each:]} for unit, one in told]


def _units(booking: Standing, containers: Mapping[str, Container], consignment: str) -> list[str]:
    """What is booked now, and what has moved under the booking whatever it says now."""
    data = booking.latest if booking.newest else booking.data
    moved = (unit for unit, shared in containers.items() if any(h.consignment == consignment for h in shared.held))
    return sorted({*data.containers, *data.wagons, *moved})


def _summary_of(inputs: Inputs, unit: str, containers: Mapping[str, Container], carriage: Carriage) -> Summary | None:
    """What a member shows of itself: a container as it was while it carried the goods, a wagon while they are on it."""
    summary = stored.summary_of(inputs, unit)
    if unit in containers:
        return next((h.told for h in reversed(containers[unit].held) if h.consignment == inputs.subject), None)
    on_board = summary and summary.instant and carriage.has_on(unit, summary.instant)
    return summary if on_board else None


def _ask(booking: Standing | None, drawn: Drawn) -> None:
    """Shows what the newest booking asks for in vain, and parks it with what it waits for."""
    if booking is None:
        return
    waits_for = []
    request = booking.request()
    if request is not None:
        drawn.more["requests"] = [request]
        waits_for.append(f"carriers and customs, since its goods have moved ({', '.join(request['changes'])})")
    if booking.strangers:
        waits_for.append(f"an agreement with {', '.join(booking.strangers)}, and the booking sent again")
    if waits_for:
        identity = (booking.newest or booking.booked).revision.identity
        drawn.parked = [*drawn.parked, Parked(*identity, " and ".join(waits_for))]
