"""What declarants lodge and customs decide on one journey.

Invariant: whether a release counts does not depend on the order in which services read it: what it follows in time
from the same authority is sent before it, what stands in its way is never taken back, and what is refused or not
allowed stays so.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Final

from contracts import catalogue
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import Case
from tests.faults.report import Report, reported
from tests.faults.voyage import Voyage

_DECLARANTS: Final = {"PK": "indus-forwarding", "IR": "indus-forwarding", "TM": "volga-logistics"}
_AUTHORITIES: Final = {"PK": "fbr", "IR": "irica", "TM": "tmcustoms", "EAEU": "kgd", "RU": "fcs"}


class Desk:
    """The papers of one case."""

    def __init__(self, one: Voyage, place: int, jurisdiction: str, procedure: str) -> None:
        self._one = one
        self._about = one.consignments[place]
        self._case = Case(self._about, jurisdiction, procedure)
        self._name = f"F{one.number:03}-{place}-{jurisdiction}"

    def lodged(self, hours: float, *, stage: str = "declaration", attempt: int = 1) -> Report:
        data = {"stage": stage, "attempt": attempt, "office": f"{self._case.jurisdiction}-1"}
        return self._declared(hours, catalogue.LODGED, f"{stage}-{attempt}", data)

    def cancelled(self, hours: float) -> Report:
        return self._declared(hours, catalogue.CANCELLED, "cancelled", {})

    def decided(self, hours: float, decision: str, *, name: str = "", party: str = "", **more: Any) -> Report:
        data = {"occurred_at": utc_text(self._one.at(hours)), "decision": decision, "officer": "A1", **more}
        identity = f"{name or decision}-{self._name}"
        return self._sent(hours, party or self._authority, catalogue.DECISION, identity, self._case.key, data)

    def held(self, hours: float, scope: str = "", hold: str = "H") -> Report:
        data = {"hold": f"{hold}-{self._name}", "reason": "RANDOM", "officer": "A1"}
        return self._on_hold(hours, catalogue.HOLD_PLACED, scope, f"placed-{hold}", data)

    def lifted(self, hours: float, scope: str = "", hold: str = "H") -> Report:
        return self._on_hold(hours, catalogue.HOLD_LIFTED, scope, f"lifted-{hold}", {"hold": f"{hold}-{self._name}"})

    @property
    def _authority(self) -> str:
        return _AUTHORITIES[self._case.jurisdiction]

    def _on_hold(self, hours: float, kind: str, scope: str, name: str, data: dict[str, str]) -> Report:
        data = {"occurred_at": utc_text(self._one.at(hours)), **data}
        return self._sent(hours, self._authority, kind, f"{name}-{self._name}", scope or self._case.key, data)

    def _declared(self, hours: float, kind: str, name: str, data: dict[str, Any]) -> Report:
        party = _DECLARANTS.get(self._case.jurisdiction, "volga-logistics")
        case = {"jurisdiction": self._case.jurisdiction, "procedure": self._case.procedure}
        data = {"occurred_at": utc_text(self._one.at(hours)), **case, **data}
        return self._sent(hours, party, kind, f"{name}-{self._name}", self._about, data)

    def _sent(self, hours: float, party: str, kind: str, name: str, subject: str, data: dict[str, Any]) -> Report:
        return reported(self._one.at(hours) + timedelta(minutes=4), party, kind, name, subject, data)


def reports(one: Voyage) -> Iterator[Report]:
    """All papers of a journey, in no particular order."""
    yield from _export_under_hold(one)
    yield from _export_by_the_law(one)
    yield from _inspected_in_iran(one)
    yield from _overdue_in_iran(one)
    yield from _never_declared(one)
    yield from _withdrawn(one)
    if one.far:
        yield from _sent_back(one)
        yield from _held_at_the_end(one)


def _export_under_hold(one: Voyage) -> Iterator[Report]:
    """A release under a hold on a container is refused; the one after the hold was lifted counts, up to the border."""
    desk = Desk(one, 0, "PK", "EXPORT")
    yield desk.lodged(-58)
    yield desk.decided(-55, "accept", number=f"GD-{one.number}")
    yield desk.held(-52, one.containers[0])
    yield desk.decided(-50, "release", name="early-release")
    yield desk.lifted(-48, one.containers[0])
    yield desk.decided(-46, "release")
    yield desk.decided(-5, "start_transit")
    yield desk.decided(114, "present")
    yield desk.decided(120, "discharge", reason="NORMAL")


def _export_by_the_law(one: Voyage) -> Iterator[Report]:
    """A release that was made in the national system counts even under an open hold."""
    desk = Desk(one, 1, "PK", "EXPORT")
    yield desk.lodged(-57)
    yield desk.decided(-54, "accept")
    yield desk.held(-51, one.consignments[1])
    yield desk.decided(-45, "release", origin="transcribed", national_number=f"N{one.number}")


def _inspected_in_iran(one: Voyage) -> Iterator[Report]:
    """Advance data, a declaration that comes after the decision on it, the red channel, release, discharge."""
    desk = Desk(one, 0, "IR", "TRANSIT")
    yield desk.lodged(100, stage="advance")
    yield desk.lodged(140)
    yield desk.decided(148, "accept")
    yield desk.decided(150, "inspect", reason="RANDOM")
    yield desk.decided(152, "present", name="shown")
    yield desk.held(153, hold="PLANT")
    yield desk.lifted(155, hold="PLANT")
    yield desk.decided(156, "inspected")
    yield desk.decided(160, "release")
    yield desk.decided(166, "start_transit", limit=one.planned(700))
    yield desk.decided(232, "present")
    yield desk.decided(248, "discharge", reason="NORMAL")


def _overdue_in_iran(one: Voyage) -> Iterator[Report]:
    """A release of what has not been accepted is not allowed; the transit is never presented."""
    desk = Desk(one, 1, "IR", "TRANSIT")
    yield desk.lodged(141)
    yield desk.decided(143, "release", name="rash-release")
    yield desk.decided(149, "accept")
    yield desk.decided(161, "release")
    yield desk.decided(167, "start_transit", limit=one.planned(200))


def _never_declared(one: Voyage) -> Iterator[Report]:
    """Decisions that wait for ever, and a hold that stays."""
    desk = Desk(one, 0, "TM", "TRANSIT")
    yield desk.decided(264, "accept")
    yield desk.held(266, one.containers[1], hold="SECURITY")


def _withdrawn(one: Voyage) -> Iterator[Report]:
    desk = Desk(one, 1, "TM", "TRANSIT")
    yield desk.lodged(250)
    yield desk.cancelled(270)


def _sent_back(one: Voyage) -> Iterator[Report]:
    """One EAEU transit for both countries: sent back for its form, lodged again, and ended by the other authority."""
    desk = Desk(one, 0, "EAEU", "TRANSIT")
    yield desk.lodged(300)
    yield desk.decided(318, "reject", reason="FORMAT")
    yield desk.lodged(320, attempt=2)
    yield desk.decided(324, "accept")
    yield desk.decided(328, "review", reason="DOC_MISMATCH")
    yield desk.decided(332, "release")
    yield desk.decided(334, "start_transit")
    yield desk.decided(402, "present", party="fcs")
    yield desk.decided(408, "discharge", party="fcs")


def _held_at_the_end(one: Voyage) -> Iterator[Report]:
    """A container is held, which stops the consignment that it is of; nobody lifts the hold."""
    desk = Desk(one, 0, "RU", "IMPORT")
    yield desk.lodged(396)
    yield desk.decided(403, "accept")
    yield desk.held(405, one.containers[0])
    yield desk.decided(409, "release")
