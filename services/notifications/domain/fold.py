"""From the newest version of an entity to its facts, audiences and items.

Invariant: raise `FOLD_NUMBER` with every change that can tell something else of the same entity.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import lru_cache
from typing import Any, Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.base import Data
from contracts.events.tracking import Association, Estimate, Member, OpenException, SubjectChanged
from services.chassis.base import visibility
from services.chassis.base.visibility import Audience, Way
from services.chassis.projection.fold import Folded, Inputs
from services.notifications.domain import stored, ways
from services.notifications.domain.facts import READERS, Context, Told, journey_of, who_knows
from services.notifications.domain.items import diff
from services.notifications.domain.shared import Given

FOLD_NUMBER: Final = 8

# Who may see what is for the reading of a picture, never for who reads it.
_HIDDEN: Final = frozenset({"facts", "parties", "entity", "current"})
# What only those are shown who may see all of a subject: consists and papers.
_WHOLE: Final = frozenset({"origin", "destination", "run", "members", "parts", "units", "references"})
_ESTIMATE: Final = {"point", "expected", "earliest", "latest", "planned", "made_at", "journeys"}
_BY_DATA: Final = frozenset({"corridor", "plan"})
_DELIVERED: Final = frozenset({"DLVD", "STRP", "MTRT"})


def fold(inputs: Inputs, audience: Audience, corridor: Corridor, as_of: datetime) -> Folded:
    """The facts of an entity with their audiences, and the items that are owed."""
    own = inputs.replica
    data = own.read() if own else None
    context = Context(inputs.subject, stored.ways_of(inputs), audience, corridor)
    told: list[Told] = list(READERS[own.type](data, context)) if own and data is not None else []
    given = _still_known(stored.read_memory(inputs.memory), data)
    items, given = diff(given, told, as_of, _over(given, data))
    if data is not None and _is_history(data, corridor, as_of):
        items = [replace(item, alert=False) for item in items]
    everybody = sorted(frozenset[str]().union(*{parties for t in told for parties in (t.parties, t.viewers)}))
    content: dict[str, Any] = {
        "entity": inputs.subject,
        "facts": [{"fact": t.fact, "parties": _named(t.parties, t.viewers), **t.content} for t in told],
        "parties": everybody,
    }
    if own and own.type == catalogue.SUBJECT:
        picture = cast(SubjectChanged, data)
        content |= _header(picture, context, told) | {"current": _current(picture, told, everybody)}
    return Folded(inputs.subject, content, _shared(data, context), memory=stored.write_memory(given), rows=items)


# Most facts of a picture are told to the same parties.
@lru_cache(maxsize=1024)
def _named(told: frozenset[str], viewers: frozenset[str]) -> list[str]:
    return sorted(told | viewers)


def visible(content: Mapping[str, Any], party: str) -> list[dict[str, Any]]:
    """The facts of a picture that a party may see."""
    facts: Sequence[Mapping[str, Any]] = content.get("facts", ())
    return [{n: v for n, v in f.items() if n != "parties"} for f in facts if party in f["parties"]]


def head(content: Mapping[str, Any], party: str) -> dict[str, Any]:
    """What a party may see of a subject as a whole: where it is now only if it may see what brought it there."""
    shown = for_party({n: v for n, v in content.items() if n not in _HIDDEN}, party)
    if party in content.get("current", ()):
        return shown
    last = max(visible(content, party), key=lambda f: str(f["instant"]), default={})
    kept = {n: shown[n] for n in ("kind", "associations") if n in shown}
    return kept | {"status": "delivered" if last.get("code") in _DELIVERED else "unknown"}


def for_party(header: Mapping[str, Any], party: str) -> dict[str, Any]:
    """A header without what is none of a party's concern: other consignments, what they are loaded on, consists."""
    whole = party in header.get("whole", ())
    shown = {n: v for n, v in header.items() if n != "whole" and (whole or n not in _WHOLE)}
    if "associations" in shown:
        mine = [a for a in shown["associations"] if party in a["parties"]]
        shown["associations"] = [{n: v for n, v in a.items() if n != "parties"} for a in mine]
    if "last_seen" in shown:
        seen = shown.pop("last_seen")
        shown |= {"last_seen": {n: v for n, v in seen.items() if n != "parties"}} if party in seen["parties"] else {}
    return shown | {"exceptions": sum(party in parties for parties in header.get("exceptions", ()))}


def _is_history(data: Data, corridor: Corridor, as_of: datetime) -> bool:
    """Whether what is read was published long ago: a new reader of a topic has all its past before it."""
    recorded_at: datetime = cast(Any, data).recorded_at
    return as_of - recorded_at > timedelta(hours=corridor.thresholds.late_hours)


def _still_known(given: Given, data: Data | None) -> Given:
    """What parties have, the journey before the last left out: nobody takes back what is so long over."""
    journey = data.journey if isinstance(data, SubjectChanged) else 1
    return {fact: entry for fact, entry in given.items() if journey == 1 or journey_of(fact) >= journey - 1}


def _over(given: Given, data: Data | None) -> frozenset[str]:
    """The facts of the journey before: a picture tells of the current one alone."""
    journey = data.journey if isinstance(data, SubjectChanged) else 1
    return frozenset(fact for fact in given if journey > 1 and journey_of(fact) < journey)


def _current(data: SubjectChanged, told: Sequence[Told], everybody: Sequence[str]) -> Sequence[str]:
    """Who may see where the subject is now: those who may see the fact that it is there by."""
    placing = data.place.fact_id if data.place else None
    return next((sorted(t.parties | t.viewers) for t in told if t.fact == placing), everybody)


def _header(data: SubjectChanged, context: Context, told: Sequence[Told]) -> dict[str, Any]:
    """What lists and the head of a subject's page show."""
    way = ways.way_of(data, context.shared, context.corridor)
    last = data.timeline[-1] if data.timeline else None
    whole = way.whole(last.instant if last else None, context.country(last.point) if last else None)
    shown = {
        "kind": data.kind,
        "status": data.status,
        "place": _place(data, way, context),
        "origin": data.origin,
        "destination": data.destination,
        "run": data.run,
        "members": [m.subject for m in data.members],
        "parts": [_part(m) for m in data.members] if data.kind == "consignment" else None,
        "units": data.units.model_dump() if data.units else None,
        "last_seen": _last_seen(data, told),
        "expected": [_expected(e, context) for e in data.estimates],
        "associations": [_association(a, way, context) for a in data.associations],
        "references": [r.key.removeprefix("reference:") for r in data.references],
        "exceptions": [_who_knows(e, way, context) for e in data.exceptions],
        "ended": _ended(data) or None,
        "whole": sorted(context.audience.of(whole)),
    }
    return {name: value for name, value in shown.items() if value not in (None, [])}


def _ended(data: SubjectChanged) -> bool:
    """Whether a train or run stands where its plan ends: nobody speaks of it any more, and nobody needs to."""
    if data.kind not in ("train", "run") or not data.calls or data.place is None:
        return False
    last = data.calls[-1]
    return last.actual_arrival is not None and data.place.point == last.point and not data.place.moving


def _place(data: SubjectChanged, way: Way, context: Context) -> dict[str, Any] | None:
    """Where the subject is, and who is named as having said so."""
    if data.place is None:
        return None
    shown = data.place.model_dump(mode="json", exclude={"fact_id"})
    fact = next((f for f in data.timeline if f.fact_id == data.place.fact_id), None)
    if fact is None:
        return shown
    party = context.audience.reporter(fact.party, fact.reported_for, fact.via, way.cargo(fact.instant))
    return shown | {"party": party} if party else {name: shown[name] for name in shown.keys() - {"party"}}


def _expected(one: Estimate, context: Context) -> dict[str, Any]:
    """When it is expected at a point ahead; of sources that are parties, those are named that move it."""
    shown = one.model_dump(mode="json", include=_ESTIMATE, exclude_none=True)
    named = one.source in _BY_DATA or context.audience.reporter(one.source, None, one.source, ())
    return shown | ({"source": one.source} if named else {})


def _part(one: Member) -> dict[str, Any]:
    """A unit as it was while it carried the goods, whatever it carries now."""
    return one.model_dump(mode="json", include={"subject", "status", "point", "instant"}, exclude_none=True)


def _last_seen(data: SubjectChanged, told: Sequence[Told]) -> dict[str, Any] | None:
    """When and where the subject was seen since it came to or left its place, for those who may see that fact."""
    if data.last_seen is None:
        return None
    parties = next((t.parties | t.viewers for t in told if t.fact == data.last_seen.fact_id), frozenset[str]())
    shown = data.last_seen.model_dump(mode="json", exclude={"fact_id"}, exclude_none=True)
    return shown | {"parties": sorted(parties)}


def _association(one: Association, way: Way, context: Context) -> dict[str, Any]:
    """An association with who may see it: what a unit carries, and what it was on meanwhile."""
    met = [c for c in way.claims if c.consignment == one.subject or one.relation != "in_consignment"]
    met = [c for c in met if c.meets(one.start, one.end)]
    locks = frozenset({visibility.ALL}).union(*(c.locks for c in met))
    if one.relation != "in_consignment":
        locks |= way.whole(one.start, None)
    return one.model_dump(mode="json", exclude_none=True) | {"parties": sorted(context.audience.of(locks))}


def _who_knows(one: OpenException, way: Way, context: Context) -> list[str]:
    """Who may know of an exception: it is told as an entity of its own, for the same parties."""
    return sorted(who_knows(one.statements, one.opened_at, way, context)[1])


def _shared(data: Data | None, context: Context) -> dict[str, Any] | None:
    if not isinstance(data, SubjectChanged):
        return None
    way = ways.way_of(data, context.shared, context.corridor)
    return stored.write_way(ways.shared_way(way, data, context.shared))
