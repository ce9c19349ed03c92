"""What customs keeps of tracking's pictures: units, consignments and references, with the holds on them.

Invariant: a movement is passed on with its confidence; nothing is added to what tracking says.
"""

from collections.abc import Iterable, Mapping
from typing import Any, cast

from contracts import catalogue
from contracts.corridor import Corridor
from contracts.events.tracking import Fact, SubjectChanged
from contracts.fields import utc_text
from contracts.subjects import kind_of
from services.chassis.fold import Folded, Inputs
from services.customs.domain.holds import holds_of, to_shared
from services.customs.domain.statements import count


def fold_unit(inputs: Inputs, corridor: Corridor) -> Folded:
    """A container or wagon: its movements, seals and place, and the holds on it."""
    picture = _picture(inputs)
    shared = _moved(picture) | {"holds": _holds(inputs, corridor)}
    return Folded(inputs.subject, {"holds": shared["holds"]}, shared)


def fold_consignment(inputs: Inputs, corridor: Corridor) -> Folded:
    """A consignment: what is in it, where its units are, who takes part, and the holds on it."""
    picture = _picture(inputs)
    inside = {m.subject: inputs.shared.get(m.subject) or _moved(None) for m in picture.members} if picture else {}
    shared: dict[str, Any] = {
        "consignment": inputs.subject,
        "known": bool(picture and picture.known),
        "status": picture.status if picture else "unknown",
        "parties": sorted({p.party for p in picture.parties}) if picture else [],
        "route_variant": picture.route_variant if picture else None,
        "units": dict(sorted(inside.items())),
        "own": _moved(picture),
        "holds": _holds(inputs, corridor),
    }
    return Folded(inputs.subject, {"holds": shared["holds"]}, shared)


def fold_reference(inputs: Inputs, corridor: Corridor) -> Folded:
    """A document number: the consignment that it stands for, when it is one alone."""
    picture = _picture(inputs)
    claimants = picture.claimants if picture else []
    shared = inputs.shared.get(claimants[0]) if len(claimants) == 1 else None
    return Folded(inputs.subject, {"claimants": claimants}, shared)


def goods_wagons(consignment: Mapping[str, Any]) -> list[str]:
    """The units of a consignment that are wagons."""
    return [u for u in consignment["units"] if kind_of(u) == "wagon"]


def _picture(inputs: Inputs) -> SubjectChanged | None:
    own = [r for r in inputs.replicas if r.entity == inputs.subject and r.type == catalogue.SUBJECT]
    return cast(SubjectChanged, own[0].read()) if own else None


def _moved(picture: SubjectChanged | None) -> dict[str, Any]:
    """Movements as [code, point, instant, confidence], oldest first; seals; last place."""
    timeline = picture.timeline if picture else []
    return {
        "facts": [[f.code, f.point, utc_text(f.instant), f.confidence] for f in timeline if f.point],
        "seals": _seals(timeline),
        "point": picture.place.point if picture and picture.place else None,
        "moving": bool(picture and picture.place and picture.place.moving),
        "last_seen": utc_text(picture.place.observed_at) if picture and picture.place else None,
    }


def _seals(timeline: Iterable[Fact]) -> list[str]:
    listed = [f.seals for f in timeline if f.seals]
    return [s.number for s in listed[-1] if not s.removed] if listed else []


def _holds(inputs: Inputs, corridor: Corridor) -> list[dict[str, Any]]:
    counted, _ = count(inputs.subject, inputs.revisions, corridor)
    return [to_shared(h) for h in holds_of(counted)]
