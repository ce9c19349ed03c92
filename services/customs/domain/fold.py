"""From everything known of one subject to its picture and publications.

Invariant: raise `FOLD_NUMBER` with every change that can draw another picture from the same inputs.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from contracts import catalogue, topics
from contracts.corridor import Corridor
from contracts.fields import utc_text
from contracts.subjects import kind_of, parse_case
from services.chassis.fold import Folded, Inputs, Parked, Publication, StoredRevision
from services.customs.domain import forms, passage
from services.customs.domain.cases import Walk, declared, open_holds, walk
from services.customs.domain.holds import Hold, from_shared, holds_of
from services.customs.domain.passage import Regimes
from services.customs.domain.statements import Counted, count
from services.customs.domain.units import fold_consignment, fold_reference, fold_unit

FOLD_NUMBER: Final = 2
_HOLD_TYPES: Final = (catalogue.HOLD_PLACED, catalogue.HOLD_LIFTED)
_SECRETS: Final = ("reason", "office", "officer")


def fold(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Folded:
    """The picture of one subject at `as_of`: unit, consignment, reference, case or passage."""
    kind = "passage" if inputs.subject.startswith("passage:") else kind_of(inputs.subject)
    if kind == "case":
        return fold_case(inputs, corridor, as_of)
    if kind == "passage":
        return fold_passage(inputs, corridor, as_of)
    return _BELOW[kind](inputs, corridor)


def fold_case(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Folded:
    """A case: its state, steps, findings, holds and verdicts."""
    case = parse_case(inputs.subject)
    counted, conflicts = count(inputs.subject, inputs.revisions, corridor)
    statements = [c for c in counted if c.instant <= as_of]
    about = inputs.shared.get(case.about) or {}
    holds = _holds(statements, about)
    refused = frozenset((s, e) for s, e in (inputs.memory or {}).get("refused", ()))
    found = walk(Walk(case, corridor, holds, refused), statements, as_of)
    filed = declared(statements)
    content = _content(inputs.subject, found, about, as_of) | _conflicts(found, conflicts)
    told = bool(counted or holds)
    later = [c.instant for c in counted if c.instant > as_of]
    limits = [found.limit_instant] if found.limit_instant else []
    return Folded(
        inputs.subject,
        content,
        {"steps": [[s["state"], s["instant"]] for s in found.steps], "state": found.state, "filed": filed},
        min([*later, *limits], default=None),
        forms.publications(content, corridor, FOLD_NUMBER) if told else (),
        [_waiting(v) for v in found.verdicts if v["verdict"] == "waiting"],
        {"refused": sorted(list(pair) for pair in found.refused)} if found.refused else None,
    )


def fold_passage(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Folded:
    """A consignment's way over the borders: announcements and violations."""
    consignment = inputs.shared.get(inputs.subject.removeprefix("passage:")) or {}
    memory: dict[str, Any] = dict(inputs.memory or {})
    found: list[dict[str, Any]] = []
    wrong: list[dict[str, Any]] = []
    due = None
    if consignment.get("known") and consignment.get("route_variant"):
        route = corridor.variant(consignment["route_variant"])
        regimes = Regimes({c: s for c, s in inputs.shared.items() if c.startswith("case:") and s})
        found, due = passage.announcements(consignment, regimes, corridor, route, as_of)
        wrong = passage.violations(consignment, regimes, corridor, route)
    memory |= {a["announcement"]: a for a in found} | {v["violation"]: v for v in wrong}
    now = {a["announcement"] for a in found} | {v["violation"] for v in wrong}
    published = [_announced(m, now, corridor) for m in memory.values() if "announcement" in m]
    published += [p for m in memory.values() if "violation" in m for p in _violated(m, now, corridor)]
    content = {"announcements": found, "violations": wrong}
    return Folded(inputs.subject, content, None, due, published, (), memory or None)


_BELOW: Final[Mapping[str, Callable[[Inputs, Corridor], Folded]]] = MappingProxyType(
    {
        "container": fold_unit,
        "wagon": fold_unit,
        "consignment": fold_consignment,
        "reference": fold_reference,
    }
)


def _holds(statements: Sequence[Counted], about: Mapping[str, Any]) -> list[Hold]:
    """The holds on the case itself, its consignment and its units."""
    units = [h for u in about.get("units", {}).values() for h in u.get("holds", ())]
    below = [from_shared(h) for h in [*about.get("holds", ()), *units]]
    found = [*holds_of(c for c in statements if c.revision.type in _HOLD_TYPES), *below]
    return sorted(found, key=lambda h: (h.placed_at, h.party, h.hold, h.scope))


def _content(key: str, found: Walk, about: Mapping[str, Any], as_of: datetime) -> dict[str, Any]:
    case = found.case
    holds = [h for h in found.holds if h.rules_in(case.jurisdiction) and h.placed_at <= as_of]
    held = bool(open_holds(found.holds, case.jurisdiction, as_of))
    containers = found.containers or tuple(u for u in about.get("units", {}) if u.startswith("container:"))
    wagons = found.wagons or tuple(u for u in about.get("units", {}) if u.startswith("wagon:"))
    content = {
        "case": key,
        "about": case.about,
        "consignment": about.get("consignment") or (case.about if kind_of(case.about) == "consignment" else None),
        "jurisdiction": case.jurisdiction,
        "procedure": case.procedure,
        "sequence": case.sequence,
        "state": found.state,
        "since": utc_text(found.since) if found.since else None,
        "attempt": found.attempt if found.attempt > 1 else None,
        "number": found.number,
        "office": found.office,
        "containers": sorted(containers),
        "wagons": sorted(wagons),
        "held": held or None,
        "holds": [_shown(h) for h in holds],
        "steps": found.steps,
        "findings": found.findings,
        "verdicts": found.verdicts,
        "guarantee": found.guarantee,
        "limit": found.limit,
        "to_do": forms.to_do(found.state, held=held, limit=found.limit),
    }
    return {name: value for name, value in content.items() if value is not None and value != []}


def _conflicts(found: Walk, conflicts: Sequence[StoredRevision]) -> dict[str, Any]:
    told = [
        {
            "finding": "DATA_CONFLICT",
            "detail": "two contents at one updated_at; the revision before counts",
            "instant": utc_text(r.updated_at),
            "source": r.source,
            "event_id": r.event_id,
        }
        for r in conflicts
    ]
    return {"findings": [*found.findings, *told]} if told else {}


def _shown(hold: Hold) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "hold": hold.hold,
        "party": hold.party,
        "authority": hold.authority,
        "scope": hold.scope,
        "placed_at": utc_text(hold.placed_at),
        "lifted_at": utc_text(hold.lifted_at) if hold.lifted_at else None,
    } | {name: getattr(hold, name) for name in _SECRETS}
    return {name: value for name, value in shown.items() if value is not None}


def _waiting(verdict: Mapping[str, Any]) -> Parked:
    return Parked(verdict["source"], verdict["event_id"], "the declaration of its case")


def _announced(known: Mapping[str, Any], now: set[str], corridor: Corridor) -> Publication:
    data = dict(known) if known["announcement"] in now else {**known, "state": "withdrawn"}
    where = (topics.CUSTOMS_EVENTS.name, topics.CUSTOMS_CASES.of(known["country"]))
    return Publication(known["announcement"], catalogue.ARRIVAL, where, data)


def _violated(known: Mapping[str, Any], now: set[str], corridor: Corridor) -> list[Publication]:
    state = "raised" if known["violation"] in now else "withdrawn"
    data = {n: v for n, v in known.items() if n != "jurisdiction"} | {"state": state}
    own = forms.topics_of(known["jurisdiction"], corridor)
    return [
        Publication(
            known["violation"], catalogue.VIOLATION, (topics.CUSTOMS_EVENTS.name,), data | {"form": "involved"}
        ),
        Publication(f"{known['violation']}#authority", catalogue.VIOLATION, own, data | {"form": "authority"}),
    ]
