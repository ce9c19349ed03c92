"""From the newest version of an entity to its facts, audiences and items.

Invariant: raise `FOLD_NUMBER` with every change that can tell something else of the same entity.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final, cast

from contracts import catalogue
from contracts.corridor import Corridor
from contracts.events.tracking import SubjectChanged
from contracts.subjects import kind_of
from services.chassis.fold import Folded, Inputs
from services.notifications.domain.audience import Audience, claims_of
from services.notifications.domain.facts import READERS, Context, Told, parties_of
from services.notifications.domain.items import diff, holders_of

FOLD_NUMBER: Final = 2


def fold(inputs: Inputs, audience: Audience, corridor: Corridor, as_of: datetime) -> Folded:
    """The facts of an entity with their audiences, and the items that are owed."""
    own = [r for r in inputs.replicas if r.entity == inputs.subject]
    data = own[0].read() if own else None
    told: list[Told] = []
    if data is not None:
        told = list(READERS[own[0].type](data, Context(inputs.subject, inputs.shared, audience, corridor)))
    items, given = diff(inputs.memory or {}, told, as_of)
    content: dict[str, Any] = {
        "entity": inputs.subject,
        "facts": [{"fact": t.fact, "parties": sorted(t.parties | t.viewers), **t.content} for t in told],
        "parties": sorted({*holders_of(given), *(v for t in told for v in t.viewers)}),
    }
    if data is not None and own[0].type == catalogue.SUBJECT:
        content |= _header(cast(SubjectChanged, data))
    return Folded(inputs.subject, content, _shared(inputs, data), memory=given or None, rows=items)


def _header(data: SubjectChanged) -> dict[str, Any]:
    """What lists and the head of a subject's page show."""
    place = data.place.model_dump(mode="json", exclude={"fact_id"}) if data.place else None
    members = [m.subject for m in data.members]
    shown = {
        "kind": data.kind,
        "status": data.status,
        "place": place,
        "origin": data.origin,
        "destination": data.destination,
        "run": data.run,
        "members": members,
        "associations": [a.model_dump(mode="json", exclude_none=True) for a in data.associations],
        "references": [r.key.removeprefix("reference:") for r in data.references],
        "exceptions": len(data.exceptions),
    }
    return {name: value for name, value in shown.items() if value not in (None, [])}


def _shared(inputs: Inputs, data: Any) -> Any:
    if not isinstance(data, SubjectChanged):
        return None
    if kind_of(inputs.subject) == "consignment":
        return {"parties": parties_of(data)}
    claims = claims_of(data, inputs.subject, inputs.shared)
    return {"claims": [_claim(c) for c in claims]}


def _claim(claim: Any) -> dict[str, Any]:
    return {
        "consignment": claim.consignment,
        "parties": sorted(claim.parties),
        "start": claim.start.isoformat() if claim.start else None,
        "end": claim.end.isoformat() if claim.end else None,
    }


def visible(content: dict[str, Any], party: str) -> list[dict[str, Any]]:
    """The facts of a picture that a party may see."""
    facts: Sequence[dict[str, Any]] = content.get("facts", ())
    return [{n: v for n, v in f.items() if n != "parties"} for f in facts if party in f["parties"]]
