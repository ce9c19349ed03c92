"""Exceptions that follow from a subject's own reports, each with the fact that it rests on and what disagrees.

Invariant: an exception's identity is its rule, subject and leg; what it says besides may change while it is open.
"""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

from contracts.corridor.corridor import Corridor
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import kind_of
from contracts.roles import ENDS
from services.chassis.base import visibility
from services.tracking.domain import physical
from services.tracking.domain.counted import Counted
from services.tracking.domain.picture import fact_id
from services.tracking.domain.reading import Contradiction, Sorted
from services.tracking.domain.reports import Report
from services.tracking.domain.visits import Fact

SEVERITY: Final = {
    "DATA_CONFLICT": "MEDIUM",
    "IDENTITY_MISMATCH": "HIGH",
    "SEAL_TAMPER": "CRITICAL",
    "HANDOVER_REFUSED": "HIGH",
    "PHYSICAL_ORDER": "MEDIUM",
    "ROUTE_UNKNOWN": "MEDIUM",
    "WITHOUT_ONWARD_TRAIN": "HIGH",
}
"""The rules that tracking publishes, with how severe each is."""


def exceptions_of(subject: str, found: Sorted, facts: Sequence[Fact]) -> list[dict[str, Any]]:
    """Exceptions that follow from a subject's own reports and timeline."""
    return [
        *(_contradicted(subject, c, facts) for c in found.conflicts),
        *(_disputed(subject, f) for f in facts if f.disputed),
        *(_of_fact("SEAL_TAMPER", subject, f) for f in _tampered(facts)),
        *(_of_fact("HANDOVER_REFUSED", subject, f) for f in _refused(facts)),
        *(_of_fact("WITHOUT_ONWARD_TRAIN", subject, f) for f in _left_standing(subject, facts)),
    ]


def out_of_order(subject: str, facts: Sequence[Fact], corridor: Corridor) -> list[dict[str, Any]]:
    """What cannot have happened in that order, of a subject that is at one place at a time."""
    return of_facts("PHYSICAL_ORDER", subject, physical.impossible(facts, corridor))


def of_facts(rule: str, subject: str, facts: Iterable[Fact]) -> list[dict[str, Any]]:
    """Exceptions of a rule that each rest on a fact."""
    return [_of_fact(rule, subject, f) for f in facts]


def exception(rule: str, leg: str | None, opened_at: datetime, causes: Iterable[str], **more: Any) -> dict[str, Any]:
    """An open exception; `opened_at` is the instant from which the rule holds."""
    return {
        "rule": rule,
        "leg": leg,
        "severity": SEVERITY[rule],
        "opened_at": utc_text(opened_at),
        "causes": sorted(causes),
        **{name: value for name, value in more.items() if value},
    }


def _contradicted(subject: str, found: Contradiction, facts: Sequence[Fact]) -> dict[str, Any]:
    """Contents of one revision that are not the same, beside the one before, which counts."""
    name = "#".join(found.revision.identity)
    said = [_from_revision(one, counts=False) for one in found.void]
    said += [_from_revision(found.counts, counts=True)] if found.counts else []
    about = next((f for f in facts if _rests_on(f, found.revision.identity)), None)
    return exception(
        "DATA_CONFLICT",
        visibility.nameless(*found.revision.identity),
        found.revision.updated_at,
        [name],
        about=fact_id(subject, about) if about else None,
        statements=said,
    )


def _rests_on(fact: Fact, identity: tuple[str, str]) -> bool:
    """Whether some report of a fact has the identity; what is inferred from it has it too, and is another fact."""
    return any((r.source, r.event_id) == identity and not r.inferred for r in (fact.lead, *fact.also))


def _disputed(subject: str, fact: Fact) -> dict[str, Any]:
    """Reports of one fact that are too far apart."""
    name, every = fact_id(subject, fact), (fact.lead, *sorted(fact.also, key=lambda r: r.order))
    return exception(
        "DATA_CONFLICT",
        name,
        max(r.instant for r in every),
        _causes(fact),
        about=name,
        statements=[_from_report(r, counts=r is fact.lead) for r in every],
    )


def _of_fact(rule: str, subject: str, fact: Fact) -> dict[str, Any]:
    name = fact_id(subject, fact)
    return exception(rule, name, fact.lead.instant, _causes(fact), about=name)


def _refused(facts: Sequence[Fact]) -> Iterable[Fact]:
    """Where a handover was first refused and not accepted since: at each point once, however often it is said."""
    open_at: dict[str | None, Fact] = {}
    for fact in facts:
        if fact.lead.code == "HACC":
            open_at.pop(fact.lead.point, None)
        elif fact.lead.code == "HREF":
            open_at.setdefault(fact.lead.point, fact)
    return open_at.values()


def _left_standing(subject: str, facts: Sequence[Fact]) -> list[Fact]:
    """What left a unit without a train, and nothing has moved it since: it was cut out, or its train ended."""
    if kind_of(subject) in ("train", "run"):
        return []
    for fact in reversed(facts):
        if fact.movement in ("departs", "passes") or fact.lead.code in (*ENDS, "LOAD", "DISC", "ATCH"):
            return []
        if fact.lead.code in ("DTCH", "CANC") and not fact.lead.claimed:
            return [fact]
    return []


def _tampered(facts: Sequence[Fact]) -> Iterable[Fact]:
    """Where tampering was first found: at each stay once, however often it is said."""
    first: dict[tuple[str | None, int], Fact] = {}
    for fact in facts:
        if fact.lead.code == "TAMP":
            first.setdefault((fact.lead.point, fact.visit), fact)
    return first.values()


def _causes(fact: Fact) -> list[str]:
    return [f"{r.source}#{r.event_id}" for r in (fact.lead, *fact.also)]


def _from_report(report: Report, *, counts: bool) -> dict[str, Any]:
    """A report as `contracts.events.tracking.Statement`."""
    shown = {
        "party": report.party,
        "reported_for": report.reported_for,
        "code": report.code,
        "point": report.point,
        "occurred_at": report.occurred_at,
        "source": report.source,
        "event_id": report.event_id,
        "updated_at": utc_text(report.updated_at),
        "via": report.via,
        "counts": counts or None,
    }
    return {name: value for name, value in shown.items() if value is not None}


def _from_revision(one: Counted, *, counts: bool) -> dict[str, Any]:
    """A revision as a statement, also where it is no milestone or lies at a point that nobody knows."""
    revision, data = one.revision, one.data
    shown = {
        "party": revision.party,
        "reported_for": getattr(data, "reported_for", None),
        "code": getattr(data, "code", None),
        "point": one.point or one.unknown_point,
        "occurred_at": getattr(data, "occurred_at", None),
        "source": revision.source,
        "event_id": revision.event_id,
        "updated_at": utc_text(revision.updated_at),
        "counts": counts or None,
    }
    return {name: value for name, value in shown.items() if value is not None}
