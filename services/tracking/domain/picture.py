"""The picture of a subject as JSON: timeline, forecasts, place, status.

Invariant: only what is given shows; nothing is interpolated, and an empty list is left out.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any

from contracts.corridor.corridor import Corridor
from contracts.events.fields import utc_text
from contracts.events.tracking import Status
from contracts.identifiers.subjects import kind_of
from contracts.milestones.codes import ARRIVALS
from contracts.roles import BEGINS, ENDS
from services.chassis.base import visibility
from services.chassis.projection.fold import Parked
from services.tracking.domain import budgets
from services.tracking.domain.eta.goes import Goes
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Summary
from services.tracking.domain.visits import Fact

FACT_OF_ITS_OWN = "-"


@dataclass(slots=True)
class Drawn:
    """What a subject's own module has found out, ready to be drawn."""

    subject: str
    known: bool
    facts: Sequence[Fact] = ()
    forecasts: Sequence[Report] = ()
    parked: Sequence[Parked] = ()
    exceptions: list[dict[str, Any]] = field(default_factory=list)
    status: Status | None = None
    more: dict[str, Any] = field(default_factory=dict)
    goes: Goes | None = None


def draw(drawn: Drawn, corridor: Corridor) -> dict[str, Any]:
    """The canonical picture; see `contracts.events.tracking.SubjectChanged` for the fields."""
    timeline = [fact_json(drawn.subject, f) for f in drawn.facts[-budgets.FACTS_SHOWN :]]
    parked = sorted(drawn.parked, key=lambda p: (p.source, p.event_id))
    # What many reports can bring about at will comes last where not all is shown.
    urgent = sorted(drawn.exceptions, key=lambda e: (e["rule"] == "DATA_CONFLICT", e["opened_at"]))[
        : budgets.ROWS_SHOWN
    ]
    open_now = sorted(urgent, key=lambda e: (e["rule"], e.get("leg") or ""))
    placing = next((f for f in reversed(drawn.facts) if f.lead.places and not f.out_of_order), None)
    content = {
        "subject": drawn.subject,
        "kind": kind_of(drawn.subject),
        "known": drawn.known,
        "status": drawn.status or status_of(drawn.known, drawn.facts),
        "place": place_json(drawn.subject, placing, corridor) if placing else None,
        "last_seen": last_seen(drawn.subject, drawn.facts, placing),
        "latest": timeline[-1] if timeline else None,
        "timeline": timeline,
        "forecasts": _forecasts(drawn.forecasts, drawn.facts),
        "exceptions": open_now,
        "parked": [_parked(p) for p in parked[: budgets.ROWS_SHOWN]],
        "more": len(drawn.facts) > len(timeline) or None,
    } | drawn.more
    return {name: value for name, value in content.items() if value is not None and value != []}


def status_of(known: bool, facts: Sequence[Fact]) -> Status:
    """unknown, planned, delivered, in_transit or at_point: by the last fact that moves or ends it."""
    if not known:
        return "unknown"
    seen: Status | None = None
    for fact in reversed([f for f in facts if not f.lead.claimed and not f.out_of_order]):
        code, movement = fact.lead.code, fact.movement
        if code in ENDS:
            return "delivered"
        if movement == "arrives" or code in BEGINS:
            return "at_point"
        if movement in ("departs", "passes", "crosses"):
            return seen or "in_transit"
        # What befalls a unit where it was delivered takes it from there no more than where it stands.
        seen = "at_point" if fact.lead.places else seen
    return seen or "planned"


def fact_id(subject: str, fact: Fact) -> str:
    """The id that a fact keeps through corrections: what happened where and at which stay, not who says so."""
    lead = fact.lead
    # Visits are counted anew on each journey.
    if lead.point is None:
        report = visibility.nameless(lead.source, lead.event_id)
        return f"{subject}|{fact.journey}|{lead.code}|{FACT_OF_ITS_OWN}|{report}"
    return f"{subject}|{fact.journey}|{fact.code}|{lead.point}|{fact.visit}|{fact.nth}"


def fact_json(subject: str, fact: Fact) -> dict[str, Any]:
    """A fact as `contracts.events.tracking.Fact`."""
    shown = {"fact_id": fact_id(subject, fact), "visit": fact.visit, **fact.lead.shown}
    shown |= {name: True for name in ("disputed", "out_of_order") if getattr(fact, name)}
    if fact.also:
        shown["also"] = [_attached(r) for r in sorted(fact.also, key=lambda r: r.order)]
    return shown


def place_json(subject: str, fact: Fact, corridor: Corridor) -> dict[str, Any]:
    """Where the last placing fact puts the subject."""
    lead = fact.lead
    assert lead.point is not None
    return {
        "point": lead.point,
        "country": corridor.point(lead.point).country,
        "moving": fact.movement in ("departs", "passes", "crosses"),
        "observed_at": utc_text(lead.instant),
        "party": lead.party,
        "confidence": lead.confidence,
        "fact_id": fact_id(subject, fact),
    }


def last_seen(subject: str, facts: Sequence[Fact], placing: Fact | None) -> dict[str, Any] | None:
    """Where and when the subject was seen since the fact that places it; None where it was not."""
    seen = [f for f in facts if f.lead.code == "PASS" and not f.lead.claimed and not f.lead.movement]
    if not seen or (placing is not None and seen[-1].order < placing.order):
        return None
    lead = seen[-1].lead
    shown = {
        "point": lead.point,
        "position": lead.extras.get("position"),
        "observed_at": utc_text(lead.instant),
        "fact_id": fact_id(subject, seen[-1]),
    }
    return {name: value for name, value in shown.items() if value is not None}


def member(subject: str, told: Summary | None) -> dict[str, Any]:
    """A part of the subject, as far as its own picture tells."""
    return {"subject": subject, **(told or Summary("unknown")).as_json()}


def summary(status: str, facts: Sequence[Fact]) -> Summary:
    """What a status and facts tell to those that contain the subject."""
    latest = facts[-1].lead if facts else None
    return Summary(status, latest.code, latest.point, latest.instant) if latest else Summary(status)


def _attached(report: Report) -> dict[str, Any]:
    return {
        "party": report.party,
        "occurred_at": report.occurred_at,
        "source": report.source,
        "event_id": report.event_id,
        "confidence": report.confidence,
    }


def _parked(parked: Parked) -> dict[str, Any]:
    return {"source": parked.source, "event_id": parked.event_id, "waits_for": parked.waits_for}


def _forecasts(reports: Iterable[Report], facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """The newest of each (code, point, visit, party) that has not come true; a forecast never makes anything late."""
    newest: dict[tuple[str, str, int, str], Report] = {}
    placed = [f for f in facts if f.lead.point and not f.lead.claimed]
    come = {(code, f.lead.point, f.visit) for f in placed for code in _come_true(f)}
    for report in sorted(reports, key=lambda r: (r.updated_at, r.source, r.event_id)):
        visit = _visit_ahead(report, facts)
        if (_foretold(report.code), report.point, visit) not in come:
            newest[_foretold(report.code), report.point or "", visit, report.party] = report
    return [_forecast(visit, newest[code, point, visit, party]) for code, point, visit, party in sorted(newest)]


def _come_true(fact: Fact) -> tuple[str, ...]:
    """What nobody needs to foretell any more: who has left has come before."""
    by_movement = {"departs": ("ARRI",), "passes": ("ARRI", "DEPA")}
    return (_foretold(fact.code), *by_movement.get(fact.movement or "", ()))


def _foretold(code: str) -> str:
    """The code of what a forecast is about: an ETA is of the arrival."""
    return "ARRI" if code in (*ARRIVALS, "ETA") else code


def _visit_ahead(report: Report, facts: Sequence[Fact]) -> int:
    """The stay that a forecast is about: one that had not ended when it was made, or the next."""
    here = [f for f in facts if f.lead.point == report.point and f.lead.point is not None]
    if not here:
        return 1
    last = max(here, key=lambda f: f.order)
    left = last.lead.movement in ("departs", "passes")
    return last.visit + 1 if left and report.updated_at > last.lead.instant else last.visit


def _forecast(visit: int, report: Report) -> dict[str, Any]:
    shown = {
        "code": report.code,
        "classifier": report.classifier,
        "point": report.point,
        "visit": visit,
        "occurred_at": report.occurred_at,
        "instant": utc_text(report.instant),
        "party": report.party,
        "source": report.source,
        "event_id": report.event_id,
        "updated_at": utc_text(report.updated_at),
    }
    return {name: value for name, value in shown.items() if value is not None}
