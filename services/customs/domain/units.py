"""What customs keeps of tracking's pictures: units, consignments and references, with the holds on them.

Invariant: a movement is passed on with its confidence; nothing is added to what tracking says.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.authority import HoldLifted
from contracts.events.fields import utc_text
from contracts.events.tracking import Fact, SubjectChanged
from contracts.identifiers.subjects import local
from services.chassis.base import countries, visibility
from services.chassis.projection.fold import Folded, Inputs, Parked
from services.customs.domain.holds import holds_of, lifting_nothing, to_shared
from services.customs.domain.statements import Counted, count

_DECLARANTS: Final = ("shipper", "consignee", "forwarder", "declarant")


def fold_unit(inputs: Inputs, corridor: Corridor) -> Folded:
    """A container or wagon: its movements, seals and place, and the holds on it."""
    picture = _picture(inputs)
    holds, parked = _holds(inputs, corridor)
    shared = _moved(picture) | {
        "holds": holds,
        "claims": _claims(picture),
        "journey": picture.journey if picture else 1,
    }
    return Folded(inputs.subject, {"holds": holds}, shared, parked=parked)


def fold_consignment(inputs: Inputs, corridor: Corridor) -> Folded:
    """A consignment: what is in it, where its units are, who takes part, and the holds on it."""
    picture = _picture(inputs)
    members = [m.subject for m in picture.members] if picture else []
    inside = {m: _carrying(inputs.subject, inputs.shared.get(m) or _moved(None)) for m in members}
    holds, parked = _holds(inputs, corridor)
    shared: dict[str, Any] = {
        "consignment": inputs.subject,
        "known": bool(picture and picture.known),
        "status": picture.status if picture else "unknown",
        "parties": sorted(visibility.parties_of(inputs.subject, (p.party for p in picture.parties))) if picture else [],
        "declarants": _declarants(inputs.subject, picture),
        "former": {f.name: utc_text(f.until) for f in picture.former} if picture else {},
        "route": list(countries.route_of(picture, corridor)) if picture else [],
        "route_variant": picture.route_variant if picture else None,
        "units": dict(sorted(inside.items())),
        "own": _moved(picture),
        "holds": holds,
    }
    return Folded(inputs.subject, {"holds": holds}, shared, parked=parked)


def _declarants(consignment: str, picture: SubjectChanged | None) -> list[str]:
    """Who may declare the goods: who has issued the booking, and those of its parties that have a say in it."""
    named = picture.parties if picture else []
    return sorted({local(consignment).split("/")[0], *(p.party for p in named if p.role in _DECLARANTS)})


def fold_reference(inputs: Inputs, corridor: Corridor) -> Folded:
    """A document number: the consignment that it stands for, or stood for last."""
    picture = _picture(inputs)
    holder = picture.holder if picture else None
    before = sorted(picture.former, key=lambda f: (f.until, f.name)) if picture else []
    standing = inputs.shared.get(holder or (before[-1].name if before else ""))
    shared = None
    if standing:
        former = dict(standing["former"])
        for one in before:
            former |= _dropped(inputs.shared.get(one.name) or {}, utc_text(one.until))
        shared = standing | {"former": former, "declarants": standing["declarants"] if holder else []}
    return Folded(inputs.subject, {"claimants": picture.claimants if picture else [], "holder": holder}, shared)


def _dropped(consignment: Mapping[str, Any], until: str) -> dict[str, str]:
    """Until when each party of a consignment had a say in a number that it no longer has."""
    former: Mapping[str, str] = consignment.get("former", {})
    earlier = {name: min(end, until, key=datetime.fromisoformat) for name, end in former.items()}
    return dict.fromkeys(consignment.get("declarants", ()), until) | earlier


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


def _claims(picture: SubjectChanged | None) -> list[list[str | None]]:
    """Which consignments a unit carries or carried on its current journey, as [consignment, start, end]."""
    listed = [a for a in picture.associations if a.relation == "in_consignment"] if picture else []
    return [[a.subject, utc_text(a.start), utc_text(a.end) if a.end else None] for a in listed]


@dataclass(frozen=True, slots=True)
class _Carriage:
    """From when until when a unit carried a consignment, as far as its current journey tells.

    `since` is when the goods before were delivered, `start` the booking, `end` the delivery or, when others have
    followed, their booking.
    """

    since: datetime | None = None
    start: datetime | None = None
    end: datetime | None = None
    gone: bool = False

    def has_move(self, instant: datetime) -> bool:
        return (self.since is None or self.since < instant) and (self.end is None or instant <= self.end)

    def has_hold(self, hold: Mapping[str, Any]) -> bool:
        """A hold that was lifted before, or placed behind, is on other goods."""
        lifted, placed = _at(hold["lifted_at"]), datetime.fromisoformat(hold["placed_at"])
        before = lifted is not None and self.start is not None and lifted <= self.start
        return not before and (self.end is None or placed <= self.end)


def _carrying(consignment: str, unit: Mapping[str, Any]) -> dict[str, Any]:
    """A unit while it carried a consignment, its delivery included; `gone` when it is on another journey since."""
    shown = {name: value for name, value in unit.items() if name not in ("claims", "journey")}
    carriage = _carriage(consignment, unit)
    if carriage is None:
        return {**shown, **_NOWHERE} if unit.get("claims") else shown
    shown["holds"] = [h for h in unit["holds"] if carriage.has_hold(h)]
    if carriage.gone:
        return {**shown, **_NOWHERE, "gone": True}
    facts = [f for f in unit["facts"] if carriage.has_move(datetime.fromisoformat(f[2]))]
    if facts == unit["facts"]:
        return shown
    last = {"point": facts[-1][1], "last_seen": facts[-1][2]} if facts else {}
    return {**shown, **_NOWHERE, **last, "facts": facts}


def _carriage(consignment: str, unit: Mapping[str, Any]) -> _Carriage | None:
    """The time in which a unit carried a consignment; None while its picture does not tell."""
    claims = [(other, datetime.fromisoformat(start), _at(end)) for other, start, end in unit.get("claims", ())]
    mine = [(start, end) for other, start, end in claims if other == consignment]
    others = [(start, end) for other, start, end in claims if other != consignment]
    if not mine:
        followed = min((start for start, _ in others), default=None)
        return _Carriage(end=followed, gone=True) if unit.get("journey", 1) > 1 else None
    start = min(begins for begins, _ in mine)
    ends = [end for _, end in mine if end is not None]
    since = max((end for _, end in others if end is not None and end <= start), default=None)
    return _Carriage(since, start, max(ends) if len(ends) == len(mine) else None)


_NOWHERE: Final[Mapping[str, Any]] = MappingProxyType(
    {"facts": [], "seals": [], "point": None, "moving": False, "last_seen": None}
)


def _at(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None


def _seals(timeline: Iterable[Fact]) -> list[str]:
    listed = [f.seals for f in timeline if f.seals]
    return [s.number for s in listed[-1] if not s.removed] if listed else []


def _holds(inputs: Inputs, corridor: Corridor) -> tuple[list[dict[str, Any]], list[Parked]]:
    counted, _ = count(inputs.subject, inputs.revisions, corridor)
    return [to_shared(h) for h in holds_of(counted)], [lifts_nothing(c) for c in lifting_nothing(counted)]


def lifts_nothing(one: Counted) -> Parked:
    """A lifting that waits for its hold: one that names another scope than the hold does lifts nothing."""
    hold = cast(HoldLifted, one.data).hold
    return Parked(*one.revision.identity, f"the hold {hold} of {one.revision.party} on {one.revision.subject}")
