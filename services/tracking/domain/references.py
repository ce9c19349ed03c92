"""Document numbers: the consignment that each stands for, and what was reported under it.

Invariant: a number stands for at most one consignment: the one that a carrier has named with it, else the one whose
booking the broker took first.
"""

from collections.abc import Collection, Iterator
from datetime import datetime
from typing import NamedTuple, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.base import Data
from contracts.events.operator import ConsignmentBooked
from contracts.identifiers.subjects import local
from services.chassis.projection.fold import Inputs
from services.tracking.domain import bookings, budgets, reading, relation, stored
from services.tracking.domain.counted import Counted
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.relation import Ties
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Reference


class _Claimant(NamedTuple):
    received_at: datetime
    consignment: str
    updated_at: datetime


def fold_reference(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Reference]:
    """A document number: the consignments whose bookings name it, and what was reported under it."""
    reference = inputs.subject
    claimants = sorted(_claimants(inputs, found))
    booked_by = relation.always(local(c.consignment).split("/")[0] for c in claimants)
    # The issuer of a note speaks of what it has issued it for.
    ties = Ties(reference, frozenset({local(reference).split(":")[1]}), booked_by=booked_by)
    confirmed = {r.names_consignment for r in relation.carried_only(found, ties, corridor) if r.names_consignment}
    relation.related(found, ties, corridor)
    holder = _holder(claimants, confirmed)
    acts = list(found.acts)
    if holder is None:
        reading.park_all(found, f"a booking that names {reference}")
    named = sorted({c.consignment for c in claimants})
    drawn = Drawn(reference, holder is not None, (), (), found.parked, status="resolved" if holder else None)
    drawn.more = {
        "claimants": named[: budgets.ROWS_SHOWN],
        "holder": holder,
        "former": _former(inputs, named, corridor),
    }
    opened_at = sorted(c.updated_at for c in claimants)[1] if len(named) > 1 else None
    return drawn, Reference(holder, tuple(named), opened_at, tuple(acts))


def acts_of(inputs: Inputs, consignment: str, references: list[str]) -> tuple[list[Report], list[tuple[str, datetime]]]:
    """What was reported under the references that a consignment has, and those that others claim as well."""
    mine: list[Report] = []
    contested: list[tuple[str, datetime]] = []
    for reference in sorted(set(references)):
        shared = stored.reference_of(inputs, reference)
        if shared is None or consignment not in shared.claimants:
            continue
        if shared.holder == consignment:
            mine += shared.acts
        if shared.opened_at:
            contested.append((reference, shared.opened_at))
    return mine, contested


def _claimants(inputs: Inputs, found: Sorted) -> Iterator[_Claimant]:
    first: dict[str, datetime] = {}
    for revision in sorted(inputs.revisions, key=lambda r: r.received_at):
        if revision.type == catalogue.BOOKED and _names(revision.read(), inputs.subject):
            first.setdefault(revision.subject, revision.received_at)
    counting: dict[str, Counted] = {
        c.revision.subject: c
        for c in found.others
        if c.revision.type == catalogue.BOOKED and _names(c.data, inputs.subject)
    }
    for consignment, one in counting.items():
        yield _Claimant(first[consignment], consignment, one.revision.updated_at)


def _former(inputs: Inputs, now: Collection[str], corridor: Corridor) -> list[dict[str, str]]:
    """The consignments whose bookings named the number before."""

    def naming(one: Counted) -> list[str]:
        return [one.revision.subject] if _names(one.data, inputs.subject) else []

    found: list[dict[str, str]] = []
    of_one = sorted({r.subject for r in inputs.revisions if r.type == catalogue.BOOKED})
    for consignment in of_one:
        mine = [r for r in inputs.revisions if r.subject == consignment]
        found += bookings.former(mine, naming, now, corridor)
    return found[: budgets.ROWS_SHOWN]


def _holder(claimants: list[_Claimant], confirmed: Collection[str]) -> str | None:
    """Whose it is: the consignment that a carrier has named with it, else the one that named it first."""
    ranked = sorted(claimants, key=lambda c: (c.consignment not in confirmed, c))
    return ranked[0].consignment if ranked else None


def _names(booking: Data, reference: str) -> bool:
    return any(r.key == reference for r in cast(ConsignmentBooked, booking).references)
