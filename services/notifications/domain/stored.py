"""How it is stored what pictures share and entities remember: written and read here alone.

Invariant: what lacks something, or has it in another form, is not read: the fold fails, and is tried again when the
subject that shares it has been drawn anew.
"""

from collections.abc import Mapping
from datetime import datetime
from functools import lru_cache
from typing import Any, Final

import orjson

from contracts.events.fields import utc_text
from contracts.identifiers.subjects import kind_of
from services.chassis.base.visibility import Claim, Way
from services.chassis.projection.fold import Inputs
from services.chassis.projection.shapes import MAYBE_TEXT, Kind, members, row
from services.notifications.domain.items import unshared_id
from services.notifications.domain.shared import Entry, Given, Place, Recalled, Ride, SharedWay

_WAY: Final[Mapping[str, Kind]] = {"route": list, "rides": list}
# Says of an entry that its items are the same for all parties.
_SHARED: Final = "shared"
_CLAIM: Final[Mapping[str, Kind]] = {
    "consignment": str,
    "parties": list,
    "start": str,
    "end": MAYBE_TEXT,
    "clash": MAYBE_TEXT,
    "route": list,
}


def ways_of(inputs: Inputs) -> dict[str, SharedWay]:
    """The ways that are read, by subject."""
    return {subject: _read_way(subject, given.text) for subject, given in inputs.shared.items()}


def write_way(shared: SharedWay) -> dict[str, Any]:
    """A way as it is stored: a consignment's with its parties, any other with its claims."""
    way = shared.way
    rides = [[r.on, utc_text(r.start), _text(r.end), list(r.going)] for r in shared.rides]
    if kind_of(way.subject) == "consignment":
        return {"route": list(way.route), "rides": rides, "parties": sorted(way.parties)}
    return {"route": list(way.route), "rides": rides, "claims": [_claim(c) for c in way.claims]}


def read_memory(value: Any) -> Given:
    """What parties have of an entity; nothing where nothing was told."""
    return {fact: _read_entry(fact, entry) for fact, entry in value.items()} if value else {}


def write_memory(given: Mapping[str, Entry]) -> dict[str, Any] | None:
    """What parties have of an entity, as it is stored; None for nothing."""
    return {fact: _entry(entry) for fact, entry in given.items()} or None


# Many read the way of a consignment, mostly one after the other.
@lru_cache(maxsize=256)
def _read_way(subject: str, text: str) -> SharedWay:
    value = orjson.loads(text)
    route, rides = members(value, _WAY)
    found = (row(ride, str, str, MAYBE_TEXT, list) for ride in rides)
    rode = tuple(Ride(on, datetime.fromisoformat(s), _instant(e), tuple(going)) for on, s, e, going in found)
    if kind_of(subject) == "consignment":
        (parties,) = members(value, {"parties": list})
        return SharedWay(Way(subject, tuple(route), frozenset(parties)), rode)
    (claims,) = members(value, {"claims": list})
    return SharedWay(Way(subject, tuple(route), frozenset(), tuple(map(_read_claim, claims))), rode)


def _claim(claim: Claim) -> dict[str, Any]:
    return {
        "consignment": claim.consignment,
        "parties": sorted(claim.parties),
        "route": list(claim.route),
        "start": utc_text(claim.start),
        "end": _text(claim.end),
        "clash": _text(claim.clash),
    }


def _read_claim(value: Any) -> Claim:
    consignment, parties, start, end, clash, route = members(value, _CLAIM)
    begins = datetime.fromisoformat(start)
    return Claim(consignment, frozenset(parties), begins, _instant(end), _instant(clash), tuple(route))


def _entry(entry: Entry) -> list[Any]:
    digest, occurrence, holders, about, first = entry
    places = holders if entry.were_told else {p: at if isinstance(at, int) else [*at] for p, at in holders.items()}
    return [digest, occurrence, places, about, first.isoformat() if first else "", _SHARED]


def _read_entry(fact: str, value: Any) -> Entry:
    if len(value) == len(Entry._fields):
        return _read_unshared(fact, value)
    digest, occurrence, holders, about, first, _ = row(value, str, int, dict, dict, str, str)
    places = holders if _were_told(holders) else {party: _read_place(place) for party, place in holders.items()}
    return Entry(digest, occurrence, places, about, _instant(first))


def _read_unshared(fact: str, value: Any) -> Entry:
    """An entry from when each party had an item of its own."""
    digest, occurrence, holders, about, first = row(value, str, int, dict, dict, str)
    places = {
        party: Recalled(unshared_id(party, fact, digest, at), digest) if isinstance(at, int) else _read_place(at)
        for party, at in holders.items()
    }
    return Entry(digest, occurrence, places, about, _instant(first))


def _were_told(holders: Mapping[str, Any]) -> bool:
    """Whether no item was read back: then, as mostly, what is stored is what it means."""
    return set(map(type, holders.values())) <= {int}


def _read_place(value: Any) -> Place:
    return value if isinstance(value, int) else Recalled(*row(value, str, str))


def _text(instant: datetime | None) -> str | None:
    return utc_text(instant) if instant else None


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
