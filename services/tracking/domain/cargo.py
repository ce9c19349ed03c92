"""Containers and consignments: journeys, what carried them, what is in them.

Invariant: a container's picture is its current journey, from booking, stuffing or gate-in to the return of the
empty; who claims it is decided by bookings alone, and two claims at once give it to neither.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, cast

from contracts import catalogue
from contracts.corridor import Corridor
from contracts.events.operator import ConsignmentBooked
from contracts.fields import utc_text
from contracts.subjects import kind_of
from services.chassis.fold import Inputs
from services.tracking.domain import associations, exceptions, picture, reading, reports
from services.tracking.domain.associations import Interval
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Counted, Sorted
from services.tracking.domain.reports import Report
from services.tracking.domain.visits import Fact, facts_of

_ENDS_CARRIAGE = ("DLVD", "STRP", "MTRT")


def fold_container(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Any]:
    """A container: own milestones, and those of each wagon while it was on it."""
    container = inputs.subject
    if not found.others:
        reading.park_all(found, f"a booking, a consist or a loading that names {container}")
    carried, taken = _carriage(inputs, found)
    journey, start = _journey(found.acts)
    facts = facts_of((r for r in [*found.acts, *taken] if start is None or r.instant > start), corridor)
    for fact in facts:
        fact.journey = journey
    carried = [i for i in carried if start is None or i.end is None or i.end > start]
    claims = [c for c in _claims(found) if start is None or c.end is None or c.end > start]
    clashing = _clashing(claims)
    drawn = Drawn(container, bool(found.others), facts, found.forecasts, found.parked)
    drawn.exceptions += exceptions.exceptions_of(container, found, facts)
    if clashing:
        opened = sorted(c.start for c in clashing)[1]
        named = [c.other for c in clashing]
        drawn.exceptions.append(exceptions.exception("IDENTITY_MISMATCH", None, opened, named))
    drawn.more = {
        "journey": journey if journey > 1 else None,
        "associations": [i.as_json("on_wagon") for i in carried] + [c.as_json("in_consignment") for c in claims],
        "claimants": sorted({c.other for c in clashing}),
    }
    shared = {"seals": _seals(facts), "claimants": sorted({c.other for c in clashing})}
    return drawn, shared


def fold_consignment(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Any]:
    """A consignment: its booking, its references, its own milestones, and what is inside it."""
    consignment = inputs.subject
    booked = newest_booking(found.others, consignment)
    claims = [r.key for r in booked.data.references] if booked else []  # type: ignore[attr-defined]
    if booked is None:
        reading.park_all(found, f"the booking of {consignment}")
    mine, contested = _references(inputs, consignment, claims)
    carried, taken = _carriage(inputs, found)
    own = [*found.acts, *mine, *taken, *([_booking_fact(booked)] if booked else [])]
    facts = facts_of(own, corridor)
    drawn = Drawn(consignment, booked is not None, facts, found.forecasts, found.parked)
    drawn.exceptions += exceptions.exceptions_of(consignment, found, facts)
    for reference, claimants, opened_at in contested:
        drawn.exceptions.append(
            exceptions.exception("IDENTITY_MISMATCH", reference, datetime.fromisoformat(opened_at), claimants)
        )
    drawn.more = _booking_json(booked, inputs, corridor, facts) | {
        "associations": [i.as_json("on_wagon") for i in carried]
    }
    drawn.status = _consignment_status(booked, drawn, facts)
    return drawn, {}


def fold_reference(inputs: Inputs, found: Sorted, corridor: Corridor) -> tuple[Drawn, Any]:
    """A document number: the consignments whose bookings name it, and what was reported under it."""
    bookings = {
        c.revision.subject: c.revision.updated_at
        for c in sorted(found.others, key=lambda c: c.revision.updated_at)
        if c.revision.type == catalogue.BOOKED and _names(c, inputs.subject)
    }
    claimants = sorted(bookings)
    acts = list(found.acts)
    if len(claimants) != 1:
        wanted = "one booking" if claimants else "a booking"
        reading.park_all(found, f"{wanted} that names {inputs.subject}")
    drawn = Drawn(inputs.subject, len(claimants) == 1, (), (), found.parked, status="resolved" if claimants else None)
    drawn.more = {"claimants": claimants}
    # With the second claim it resolves to neither; a third one changes nothing.
    opened = utc_text(sorted(bookings.values())[:2][-1]) if bookings else None
    shared = {"claimants": claimants, "opened_at": opened, "acts": [_shared_act(r) for r in acts]}
    return drawn, shared


def newest_booking(counted: Iterable[Counted], consignment: str) -> Counted | None:
    """The newest booking of a consignment."""
    bookings = [c for c in counted if c.revision.type == catalogue.BOOKED and c.revision.subject == consignment]
    return max(bookings, key=lambda c: (c.revision.updated_at, c.revision.identity), default=None)


def _carriage(inputs: Inputs, found: Sorted) -> tuple[list[Interval], list[Report]]:
    """On which wagons the subject was, and what it takes over from them."""
    wagons = {w: s for w, s in inputs.shared.items() if kind_of(w) == "wagon" and s}
    moved = associations.loading(found.acts)
    carried = associations.carried_by(inputs.subject, found.others, wagons, moved)
    taken = [
        report
        for interval in carried
        if interval.other in wagons
        for report in reports.inherited(wagons[interval.other]["facts"], interval.start, interval.end, interval.other)
    ]
    return carried, taken


def _journey(acts: Sequence[Report]) -> tuple[int, datetime | None]:
    """The number of the current journey, and the return of the empty that ended the one before."""
    returns = sorted(r.instant for r in acts if r.code == "MTRT")
    later = [r for r in acts if returns and r.instant > returns[-1]]
    ended = returns if later else returns[:-1]
    return len(ended) + 1, ended[-1] if ended else None


def _claims(found: Sorted) -> list[Interval]:
    """Which consignments' bookings name the container, from when until when."""
    ends = sorted(r.instant for r in found.acts if r.code in _ENDS_CARRIAGE)
    claims = []
    for one in found.others:
        data = one.data
        if isinstance(data, ConsignmentBooked) and data.status == "confirmed":
            end = next((e for e in ends if e > one.instant), None)
            claims.append(Interval(one.revision.subject, one.instant, end))
    return sorted(set(claims), key=lambda c: (c.start, c.other))


def _clashing(claims: Sequence[Interval]) -> list[Interval]:
    def overlap(one: Interval, other: Interval) -> bool:
        return (one.end is None or other.start < one.end) and (other.end is None or one.start < other.end)

    return [c for c in claims if any(o.other != c.other and overlap(c, o) for o in claims)]


def _seals(facts: Sequence[Fact]) -> list[str]:
    """The seals that are on, by the newest report that lists any."""
    for fact in reversed(facts):
        listed = fact.lead.extras.get("seals")
        if listed:
            return [s["number"] for s in listed if not s.get("removed")]
    return []


def _references(
    inputs: Inputs, consignment: str, claims: Sequence[str]
) -> tuple[list[Report], list[tuple[str, list[str], str]]]:
    """What was reported under references that are the consignment's alone, and those that others claim too."""
    mine: list[Report] = []
    contested: list[tuple[str, list[str], str]] = []
    for reference in sorted(set(claims)):
        shared = inputs.shared.get(reference)
        if not shared:
            continue
        if shared["claimants"] == [consignment]:
            mine += [_act(a, reference) for a in shared["acts"]]
        elif consignment in shared["claimants"]:
            contested.append((reference, shared["claimants"], shared["opened_at"]))
    return mine, contested


def _booking_fact(booked: Counted) -> Report:
    data, revision = cast(ConsignmentBooked, booked.data), booked.revision
    return Report(
        revision.source,
        revision.event_id,
        "BKD" if data.status == "confirmed" else "BKX",
        "ACT",
        None,
        data.occurred_at,
        booked.instant,
        revision.party,
        revision.role,
        None,
        "system",
        revision.updated_at,
    )


def _booking_json(booked: Counted | None, inputs: Inputs, corridor: Corridor, facts: Sequence[Fact]) -> dict[str, Any]:
    if booked is None:
        return {}
    data = cast(ConsignmentBooked, booked.data)
    origin, destination = corridor.resolve(data.origin), corridor.resolve(data.destination)
    inside = sorted({*data.containers, *data.wagons})
    return {
        "members": [picture.member(s, inputs.shared.get(s)) for s in inside],
        "parties": [p.model_dump() for p in sorted(data.parties, key=lambda p: (p.role, p.party))],
        "references": [r.model_dump() for r in sorted(data.references, key=lambda r: r.key)],
        "origin": origin.key if origin else data.origin,
        "destination": destination.key if destination else data.destination,
        "route_variant": data.route_variant,
        "run": data.run,
    }


def _consignment_status(booked: Counted | None, drawn: Drawn, facts: Sequence[Fact]) -> str:
    if booked is None:
        return "unknown"
    if cast(ConsignmentBooked, booked.data).status == "cancelled":
        return "cancelled"
    own = picture.status_of(True, facts)
    inside = {m["status"] for m in drawn.more.get("members", ())}
    if own != "planned" or not inside:
        return own
    if inside == {"delivered"}:
        return "delivered"
    for status in ("in_transit", "at_point", "delivered"):
        if status in inside:
            return "at_point" if status == "delivered" else status
    return own


def _names(one: Counted, reference: str) -> bool:
    return any(r.key == reference for r in cast(ConsignmentBooked, one.data).references)


def _shared_act(report: Report) -> dict[str, Any]:
    return reports.to_shared(report) | {"extras": dict(report.extras)}


def _act(shared: dict[str, Any], via: str) -> Report:
    return reports.from_shared(shared, via, shared["extras"])
