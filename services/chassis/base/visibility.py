"""Who may see what: the one rule for all services, topics, endpoints, pages, searches, counts and error texts.

Invariant: whatever can be seen has locks, and whoever looks has keys, both made here alone. A lock that a key fits
opens it; what has no fitting lock is answered as what is not there.

A party of the cargo sees what occurred while its goods were carried, up to the delivery. Carriers and customs see
what is on a route through their country, a terminal what happens to trains and units in its own. Control rooms see
everything but what an authority keeps for itself; so does operations.
"""

import hashlib
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from types import MappingProxyType
from typing import Any, Final, Literal

from contracts.identifiers.subjects import kind_of, local

Form = Literal["authority", "involved", "public"]

NOT_SEEN: Final = "nothing is known of it, or it is not yours to see"
"""What is answered for both, so that nobody learns which it is."""

ALL: Final = "all"
_PARTY, _ROUTE, _PLACE, _LAW = "party", "route", "place", "law"
_CARRIES, _CARRIER, _RULES = "carries", "carrier", "rules"

# What each role's keys are made for. Its own name opens what is a party's own, whoever it is.
_KEYS: Final[Mapping[str, Sequence[str]]] = MappingProxyType(
    {
        "control": (ALL,),
        "operations": (ALL,),
        "railway": (_ROUTE, _CARRIES, _CARRIER),
        "customs": (_ROUTE, _LAW, _RULES),
        "terminal": (_PLACE,),
        "forwarder": (),
        "shipper": (),
        "declarant": (),
    }
)
# The form of a case that a lock opens, the fullest first.
_FORMS: Final[Sequence[tuple[str, Form]]] = (
    (_LAW, "authority"),
    (ALL, "involved"),
    (_PARTY, "involved"),
    (_ROUTE, "public"),
)
# What terminals handle; papers and runs have no place.
_HANDLED: Final = frozenset({"train", "wagon", "container"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """A party as far as visibility goes."""

    party: str
    role: str
    country: str | None
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """The interval in which a unit carries a consignment, the parties of that one, and the countries of its route.

    What ends it, the delivery, is still theirs. From `clash` on another consignment claims the unit as well.
    """

    consignment: str
    parties: frozenset[str]
    start: datetime
    end: datetime | None = None
    clash: datetime | None = None
    route: tuple[str, ...] = ()

    def covers(self, instant: datetime | None) -> bool:
        if instant is None:
            return self.clash is None
        within = self.start <= instant and (self.end is None or instant <= self.end)
        return within and (self.clash is None or instant < self.clash)

    def meets(self, start: datetime, end: datetime | None) -> bool:
        """Whether any of the interval [start, end) lies within it."""
        ahead = end is None or self.start < end
        return ahead and (self.end is None or start <= self.end) and (self.clash is None or start < self.clash)

    @property
    def locks(self) -> frozenset[str]:
        """The locks on that the unit carries this consignment."""
        own = locks_of(_PARTY, self.parties) if self.clash is None or self.start < self.clash else frozenset[str]()
        return own | locks_of(_ROUTE, self.route) | {ALL}


@dataclass(frozen=True, slots=True)
class Way:
    """What a subject was for whom: the countries of its own way, its parties, and what it carried when."""

    subject: str
    route: tuple[str, ...] = ()
    parties: frozenset[str] = frozenset()
    claims: Sequence[Claim] = field(default=())

    @property
    def own(self) -> frozenset[str]:
        """The locks of its parties."""
        return locks_of(_PARTY, self.parties)

    def claimed(self, instant: datetime | None) -> list[Claim]:
        """The claims that an instant belongs to."""
        return [claim for claim in self.claims if claim.covers(instant)]

    def cargo(self, instant: datetime | None) -> frozenset[str]:
        """The parties of the goods at an instant."""
        return self.parties.union(*(claim.parties for claim in self.claimed(instant)))

    def countries(self, instant: datetime | None) -> tuple[str, ...]:
        """The countries that the way touches: that of the goods which are carried then, or the subject's own."""
        carried = self.claimed(instant)
        return tuple(dict.fromkeys(c for claim in carried for c in claim.route)) if carried else self.route

    def moved(self, instant: datetime | None, country: str | None) -> frozenset[str]:
        """The locks of those who move it or rule over it, where something occurred."""
        here = {country} if country else set()
        found = locks_of(_ROUTE, {*self.countries(instant), *here}) | {ALL}
        return found | locks_of(_PLACE, here) if kind_of(self.subject) in _HANDLED else found

    def locks(self, instant: datetime | None, country: str | None) -> frozenset[str]:
        """The locks on a fact of it."""
        return self.moved(instant, country) | locks_of(_PARTY, self.cargo(instant))

    def trouble(
        self, instants: Collection[datetime], countries: Collection[str | None]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """The parties of the cargo that may know of what disagrees, each value of it, and the locks on it."""
        cargo = frozenset.intersection(*map(self.cargo, instants))
        locks = frozenset[str]().union(*(self.whole(i, c) for i in instants for c in countries or (None,)))
        return cargo, locks | locks_of(_PARTY, cargo)

    def whole(self, instant: datetime | None, country: str | None) -> frozenset[str]:
        """The locks on all else that is known of it while a fact of this instant is its last: consists and papers."""
        found = locks_of(_ROUTE, {*self.countries(instant), *([country] if country else ())})
        return found | locks_of(_PARTY, self.parties) | {ALL}


def nameless(source: str, event_id: str) -> str:
    """What stands for a report in names that everybody is told: not who sent it."""
    return hashlib.sha256(f"{source}|{event_id}".encode()).hexdigest()[:16]


@lru_cache(maxsize=1024)
def keys_of(viewer: Viewer) -> frozenset[str]:
    """The keys that a party has."""
    values: Mapping[str, Iterable[str | None]] = {
        _ROUTE: (viewer.country,),
        _PLACE: (viewer.country,),
        _CARRIES: (viewer.country,),
        _RULES: (viewer.country,),
        _LAW: viewer.jurisdictions,
        _CARRIER: (viewer.party,),
    }
    kinds = _KEYS.get(viewer.role, ())
    found = {f"{kind}:{value}" for kind in kinds if kind != ALL for value in values[kind] if value}
    return frozenset({f"{_PARTY}:{viewer.party}", *found, *({ALL} & set(kinds))})


def lists(keys: Collection[str]) -> bool:
    """Whether somebody may list subjects: carriers, customs and control rooms, each what concerns them."""
    return any(not key.startswith(f"{_PARTY}:") for key in keys)


def viewer_of(party: Any) -> Viewer:
    """A party of the book as one who looks."""
    return Viewer(party.party, party.role, party.country, tuple(party.jurisdictions))


def locks_of(kind: str, values: Iterable[str]) -> frozenset[str]:
    """The locks of one kind."""
    return frozenset(f"{kind}:{value}" for value in values)


class Audience:
    """All parties, by the locks that they open."""

    def __init__(self, viewers: Iterable[Viewer]) -> None:
        self._openers: dict[str, set[str]] = {}
        self._movers = set[str]()
        for viewer in viewers:
            for key in keys_of(viewer):
                self._openers.setdefault(key, set()).add(viewer.party)
            if _KEYS.get(viewer.role):
                self._movers.add(viewer.party)

    def of(self, locks: Iterable[str]) -> frozenset[str]:
        """Who opens one of these locks."""
        return frozenset[str]().union(*(self._openers.get(lock, ()) for lock in locks))

    def reporter(self, party: str, reported_for: str | None, via: str | None, own: Collection[str]) -> str | None:
        """Who is named as having reported something, where parties of the cargo are told of it.

        Who told of it without moving it, such as the forwarder of somebody else's goods, is none of their concern:
        the railway that it spoke for is named.
        """
        shown = party in self._movers or party in own or (via is None and not own)
        return party if shown else reported_for


def issuer_of(consignment: str) -> str:
    """The party that has given a consignment its number."""
    return local(consignment).split("/")[0]


def parties_of(consignment: str, named: Iterable[str]) -> frozenset[str]:
    """The parties of a consignment: those of its booking, and who issued it."""
    return frozenset({issuer_of(consignment), *named})


def claims_of(
    listed: Iterable[tuple[str, datetime, datetime | None]],
    about: Mapping[str, tuple[Collection[str], Sequence[str]]],
) -> list[Claim]:
    """The claims on a unit, as (consignment, start, end), with parties and route of those that are known.

    A picture lists the claim that has won. Where it still lists two at once, neither sees anything from then on.
    """
    every = list(listed)
    return [
        Claim(name, frozenset(about[name][0]), start, end, _clash((name, start, end), every), tuple(about[name][1]))
        for name, start, end in every
        if name in about
    ]


def _clash(
    one: tuple[str, datetime, datetime | None], every: Iterable[tuple[str, datetime, datetime | None]]
) -> datetime | None:
    """The first instant at which another consignment claims the unit too, known here or not."""
    name, start, end = one
    others = [s for n, s, e in every if n != name and (end is None or s < end) and (e is None or start < e)]
    return min((max(start, s) for s in others), default=None)


def coming(route: Sequence[str], country: str | None) -> frozenset[str]:
    """The locks of the customs services to whose country what is reported at a place is coming, or has come."""
    if country in route:
        route = route[route.index(country) :]
    return locks_of(_RULES, {*route, *([country] if country else ())})


def carried(railways: Iterable[str | None]) -> frozenset[str]:
    """The locks of the railways that have carried something, or on whose ground it was."""
    return locks_of(_CARRIER, (r for r in railways if r))


def sent_by(party: str) -> frozenset[str]:
    """The lock on what a party has said itself."""
    return locks_of(_PARTY, (party,))


def handled(subject: str, country: str | None) -> frozenset[str]:
    """The lock of the terminals where a unit was."""
    return locks_of(_PLACE, (country,)) if country and kind_of(subject) in ("container", "wagon") else frozenset()


def planned(route: Iterable[str]) -> frozenset[str]:
    """The locks of all who will carry something or rule over it: consists and plans."""
    return locks_of(_ROUTE, route)


def involved(about: str, declarant: str | None, parties: Collection[str]) -> frozenset[str]:
    """Who takes part in a case: the parties of its consignment, and who has declared it.

    A document number may be booked by anybody: whoever books it takes part if who declared it is one of its parties.
    A consignment is its parties' own: who declares it without being one takes no part.
    """
    if declarant is None or declarant in parties:
        return frozenset(parties)
    if kind_of(about) == "consignment" and parties:
        return frozenset(parties)
    return frozenset({declarant})


def carriers_of(route: Iterable[str]) -> frozenset[str]:
    """The locks of the railways of a route."""
    return locks_of(_CARRIES, route)


def country_of(country: str) -> frozenset[str]:
    """The locks on what is coming to a country: its customs, its railway, the control rooms."""
    return locks_of(_ROUTE, (country,)) | {ALL}


def authority(jurisdiction: str) -> frozenset[str]:
    """The locks of the customs services of a law, and of the control rooms."""
    return locks_of(_LAW, (jurisdiction,)) | {ALL}


def case_locks(jurisdiction: str, takes_part: Iterable[str], route: Iterable[str]) -> frozenset[str]:
    """The locks on a case."""
    return authority(jurisdiction) | locks_of(_PARTY, takes_part) | locks_of(_ROUTE, route)


def case_form(viewer: Viewer, locks: Collection[str]) -> Form | None:
    """The fullest form of a case that a party may see; None for none."""
    opened = {key.partition(":")[0] for key in keys_of(viewer) & frozenset(locks)}
    return next((form for kind, form in _FORMS if kind in opened), None)


def may_read_reason(country: str | None, written_in: str | None) -> bool:
    """Whether reasons, offices and officers are a country's to read: its own authority's, and those that are ours."""
    return written_in is None or written_in == country
