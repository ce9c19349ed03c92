"""What is known of a subject's way, as audiences are worked out with it, and as other pictures read it.

Invariant: a way rests on the subject's own picture, on the consignments that it carries and on the run that it
belongs to. What is on board takes a train's news along its own route.
"""

from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from contracts.corridor.corridor import Corridor
from contracts.events.fields import utc_text
from contracts.events.tracking import Association, SubjectChanged
from services.chassis.base import countries, visibility
from services.chassis.base.visibility import Claim, Way

_RIDES = {"container": "on_wagon", "consignment": "on_wagon", "wagon": "in_train"}


def way_of(data: SubjectChanged, shared: Mapping[str, Any], corridor: Corridor) -> Way:
    """The way of a subject: a train goes where its run goes, and for those to whom its cargo goes."""
    read = {s: known for s, known in shared.items() if known}
    about = {s: (known["parties"], known.get("route", ())) for s, known in read.items() if "parties" in known}
    listed = [(a.subject, a.start, a.end) for a in data.associations if a.relation == "in_consignment"]
    route = [*countries.route_of(data, corridor), *_aboard(data, read)]
    if data.kind == "train" and data.run:
        route += read.get(data.run, {}).get("route", ())
    own = data.kind == "consignment"
    parties = visibility.parties_of(data.subject, (p.party for p in data.parties)) if own else frozenset[str]()
    return Way(data.subject, tuple(dict.fromkeys(route)), parties, visibility.claims_of(listed, about))


def to_shared(way: Way, data: SubjectChanged, shared: Mapping[str, Any]) -> dict[str, Any]:
    """A way as those read it whose audience depends on it, with what it rode on, and where that goes."""
    shown: dict[str, Any] = {"route": list(way.route)}
    if data.kind == "consignment":
        shown["parties"] = sorted(way.parties)
    else:
        shown["claims"] = [_claim(c) for c in way.claims]
    return shown | {"rides": [list(ride) for ride in _rides(data, way, shared)]}


def from_shared(subject: str, shown: Mapping[str, Any] | None) -> Way:
    """A way out of what `to_shared` made; of a subject that nobody has told of, one that nobody takes part in."""
    known = shown or {}
    claims = [_from_claim(c) for c in known.get("claims", ())]
    return Way(subject, tuple(known.get("route", ())), frozenset(known.get("parties", ())), claims)


def _aboard(data: SubjectChanged, shared: Mapping[str, Any]) -> Iterator[str]:
    """The countries to which what is, or was, on board of a train goes."""
    if data.kind == "train":
        yield from (
            c for s in shared.values() for on, *_, going in s.get("rides", ()) if on == data.subject for c in going
        )


def _rides(
    data: SubjectChanged, way: Way, shared: Mapping[str, Any]
) -> Iterator[tuple[str, str, str | None, list[str]]]:
    """What a subject was on: which, from when, until when, and to which countries the cargo goes."""
    for one in data.associations:
        if one.relation == _RIDES.get(data.kind):
            going = sorted(set(_going(data, way, one, shared)))
            if going:
                yield one.subject, utc_text(one.start), utc_text(one.end) if one.end else None, going


def _going(data: SubjectChanged, way: Way, one: Association, shared: Mapping[str, Any]) -> Iterable[str]:
    if data.kind == "consignment":
        return way.route
    if data.kind == "container":
        return (c for claim in way.claims if claim.meets(one.start, one.end) for c in claim.route)
    rides = (ride for s in shared.values() if s for ride in s.get("rides", ()))
    return (c for on, start, end, going in rides if on == data.subject and _meet(one, start, end) for c in going)


def _meet(one: Association, start: str, end: str | None) -> bool:
    ends = datetime.fromisoformat(end) if end else None
    begins = datetime.fromisoformat(start)
    return (ends is None or one.start < ends) and (one.end is None or begins < one.end)


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "consignment": claim.consignment,
        "parties": sorted(claim.parties),
        "route": list(claim.route),
        "start": utc_text(claim.start),
        "end": utc_text(claim.end) if claim.end else None,
        "clash": utc_text(claim.clash) if claim.clash else None,
    }


def _from_claim(shown: Mapping[str, Any]) -> Claim:
    end, clash = (datetime.fromisoformat(shown[n]) if shown[n] else None for n in ("end", "clash"))
    start = datetime.fromisoformat(shown["start"])
    return Claim(shown["consignment"], frozenset(shown["parties"]), start, end, clash, tuple(shown.get("route", ())))
