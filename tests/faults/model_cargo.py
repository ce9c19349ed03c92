"""Containers, consignments and their references in the model.

Invariant: a container has what happened to the train of its wagon while it was on the wagon and the wagon in the
train; a consignment has its papers.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from contracts import catalogue
from tests.faults.model_facts import (
    DATA_CONFLICT,
    IDENTITY_MISMATCH,
    Fact,
    Span,
    contradicted,
    inherited,
    instant,
    milestones,
    own_facts,
    timeline,
)
from tests.faults.model_trains import Trains, spans_of
from tests.faults.stated import Disagreement, Stated

# What befalls a wagon, as far as these journeys have it, befalls what is on it.
_BEFALLS = ("HACC", "DTCH")
_NOTHING: Mapping[str, Any] = {"timeline": [], "latest": None, "associations": [], "forecasts": [], "parked": []}


class Cargo:
    """What is known of every container, consignment and reference."""

    def __init__(
        self, counting: Sequence[Stated], against: Sequence[Disagreement], trains: Trains, named: Collection[str]
    ) -> None:
        self._against = against
        self._trains = trains
        self._reports = list(milestones(counting, "container"))
        self._of_wagons = list(milestones(counting, "wagon"))
        self._papers = [*milestones(counting, "consignment"), *milestones(counting, "reference")]
        self.bookings = {s.subject: s for s in counting if s.type == catalogue.BOOKED}
        boxes = {box for booking in self.bookings.values() for box in booking.data.containers}
        self._known = boxes | {one.subject for one, data in self._reports if data.wagon}
        self._named = {subject for subject in named if subject.startswith("container:")} | boxes
        self._claims = _claims(self.bookings.values())

    def views(self) -> dict[str, Mapping[str, Any]]:
        found = {box: self._container(box) for box in self._named}
        found |= {consignment: self._consignment(consignment) for consignment in self.bookings}
        return found | {reference: self._reference(reference) for reference in self._claims}

    def containers(self, consignment: str) -> tuple[str, ...]:
        booking = self.bookings.get(consignment)
        return tuple(booking.data.containers) if booking else ()

    def _container(self, box: str) -> dict[str, Any]:
        if box not in self._known:
            return {"known": False, **_NOTHING, "exceptions": []}
        reports = [(one, data) for one, data in self._reports if one.subject == box]
        own = own_facts(reports)
        rides = spans_of([(instant(d), d.wagon if d.code == "LOAD" else None) for _, d in reports if d.wagon])
        ridden = [fact for ride in rides for fact in self._on(ride)]
        booked = self._booked(box, next((fact.at for fact in own if fact.code == "DLVD"), None))
        return {
            "known": True,
            **_NOTHING,
            **timeline([*own, *ridden]),
            "associations": sorted(
                [*(r.shown("on_wagon") for r in rides), *(b.shown("in_consignment") for b in booked)]
            ),
            "exceptions": [DATA_CONFLICT] if contradicted(box, self._against) else [],
        }

    def _on(self, ride: Span) -> Iterable[Fact]:
        """What happened to the trains of a wagon, and befell itself, while the container was on it."""
        for span in self._trains.spans.get(ride.on, ()):
            for fact in inherited(self._trains.facts[span.on], span):
                if ride.holds(fact.at):
                    yield fact
        for fact in own_facts([(one, data) for one, data in self._of_wagons if one.subject == ride.on]):
            if fact.code in _BEFALLS and ride.holds(fact.at):
                yield replace(fact, via=ride.on, also=(), disputed=False)

    def _booked(self, box: str, until: datetime | None) -> list[Span]:
        mine = [b for b in self.bookings.values() if box in b.data.containers]
        return [Span(booking.subject, instant(booking.data), until) for booking in mine]

    def _consignment(self, consignment: str) -> dict[str, Any]:
        booking = self.bookings[consignment]
        own = own_facts([(one, data) for one, data in self._papers if one.subject == consignment])
        facts = [Fact("BKD", None, instant(booking.data), booking.party), *own]
        for reference in self._resolved(consignment):
            named = own_facts([(one, data) for one, data in self._papers if one.subject == reference])
            facts += [replace(fact, via=reference) for fact in named]
        return {
            "known": True,
            **_NOTHING,
            **timeline(facts),
            "exceptions": self._exceptions(consignment),
        }

    def _exceptions(self, consignment: str) -> list[str]:
        """A reference that another consignment claims as well is a mismatch of both."""
        shared = any(consignment in claimants and len(claimants) > 1 for claimants in self._claims.values())
        conflict = [DATA_CONFLICT] if contradicted(consignment, self._against) else []
        return [*conflict, *([IDENTITY_MISMATCH] if shared else [])]

    def _resolved(self, consignment: str) -> list[str]:
        """The references that stand for this consignment: in these journeys who booked first has named it first."""
        return [reference for reference, claimants in self._claims.items() if self._first(claimants) == consignment]

    def _first(self, claimants: Sequence[str]) -> str:
        return min(claimants, key=lambda consignment: instant(self.bookings[consignment].data))

    def _reference(self, reference: str) -> dict[str, Any]:
        return {"claimants": self._claims[reference], "exceptions": [], "parked": []}


def _claims(bookings: Iterable[Stated]) -> dict[str, list[str]]:
    """Which consignments claim each reference."""
    found: dict[str, list[str]] = {}
    for booking in bookings:
        for reference in booking.data.references:
            found.setdefault(reference.key, []).append(booking.subject)
    return {reference: sorted(claimants) for reference, claimants in found.items()}
