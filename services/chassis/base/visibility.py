"""Who may see what: the one rule for all services, topics, endpoints, pages, searches, counts and error texts.

Invariant: everything visible has locks and every viewer has keys, both made here alone. A viewer sees a thing if one
of its keys equals one of the thing's locks; otherwise the answer is the same as for a thing that does not exist.

A party of the cargo sees what occurred while its goods were carried, up to the delivery. Carriers and customs see
what is on a route through their country, a terminal what happens to trains and units in its own. Control rooms and
operations see everything but what an authority keeps for itself.
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
"""The one answer for both cases, so that nobody learns which it is."""

ALL: Final = "all"
_PARTY, _ROUTE, _PLACE, _LAW = "party", "route", "place", "law"
_CARRIES, _CARRIER, _RULES = "carries", "carrier", "rules"

# The kinds of key of each role. Every party also has the key of its own name.
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
# The form of a case that each kind of lock opens, the fullest first.
_FORMS: Final[Sequence[tuple[str, Form]]] = (
    (_LAW, "authority"),
    (ALL, "involved"),
    (_PARTY, "involved"),
    (_ROUTE, "public"),
)
# The kinds of subject that terminals handle.
_HANDLED: Final = frozenset({"train", "wagon", "container"})


@dataclass(frozen=True, slots=True)
class Viewer:
    """The attributes of a party that decide what it sees."""

    party: str
    role: str
    country: str | None
    jurisdictions: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Claim:
    """The interval [start, end] in which a unit carries a consignment, with that one's parties and route countries.

    The end, the delivery, belongs to the interval. From `clash` on another consignment claims the unit as well.
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
        """Whether the interval [start, end) overlaps the claim before its clash."""
        ahead = end is None or self.start < end
        return ahead and (self.end is None or start <= self.end) and (self.clash is None or start < self.clash)

    @property
    def locks(self) -> frozenset[str]:
        """The locks on the fact that the unit carries this consignment."""
        own = locks_of(_PARTY, self.parties) if self.clash is None or self.start < self.clash else frozenset[str]()
        return own | locks_of(_ROUTE, self.route) | {ALL}


@dataclass(frozen=True, slots=True)
class Way:
    """Whose concern a subject is: the countries of its route, its parties, and the claims of consignments on it."""

    subject: str
    route: tuple[str, ...] = ()
    parties: frozenset[str] = frozenset()
    claims: Sequence[Claim] = field(default=())

    @property
    def own(self) -> frozenset[str]:
        """The locks of its parties."""
        return locks_of(_PARTY, self.parties)

    def claimed(self, instant: datetime | None) -> list[Claim]:
        """The claims that cover an instant."""
        return [claim for claim in self.claims if claim.covers(instant)]

    def cargo(self, instant: datetime | None) -> frozenset[str]:
        """The parties of the goods at an instant."""
        return self.parties.union(*(claim.parties for claim in self.claimed(instant)))

    def countries(self, instant: datetime | None) -> tuple[str, ...]:
        """The route countries of the goods carried at an instant; without goods, those of the subject itself."""
        carried = self.claimed(instant)
        return tuple(dict.fromkeys(c for claim in carried for c in claim.route)) if carried else self.route

    def moved(self, instant: datetime | None, country: str | None) -> frozenset[str]:
        """The locks of carriers and customs on the route and at the country of an event, and of its terminals."""
        here = {country} if country else set()
        found = locks_of(_ROUTE, {*self.countries(instant), *here}) | {ALL}
        return found | locks_of(_PLACE, here) if kind_of(self.subject) in _HANDLED else found

    def locks(self, instant: datetime | None, country: str | None) -> frozenset[str]:
        """The locks on a fact of this instant and country."""
        return self.moved(instant, country) | locks_of(_PARTY, self.cargo(instant))

    def trouble(
        self, instants: Collection[datetime], countries: Collection[str | None]
    ) -> tuple[frozenset[str], frozenset[str]]:
        """The parties of the cargo that may see all values that disagree, and the locks on the disagreement."""
        cargo = frozenset.intersection(*map(self.cargo, instants))
        locks = frozenset[str]().union(*(self.whole(i, c) for i in instants for c in countries or (None,)))
        return cargo, locks | locks_of(_PARTY, cargo)

    def whole(self, instant: datetime | None, country: str | None) -> frozenset[str]:
        """The locks on consists and papers of the subject while its last fact has this instant."""
        found = locks_of(_ROUTE, {*self.countries(instant), *([country] if country else ())})
        return found | locks_of(_PARTY, self.parties) | {ALL}


def nameless(source: str, event_id: str) -> str:
    """A hash that stands for a report in public names, and does not reveal its sender."""
    return hashlib.sha256(f"{source}|{event_id}".encode()).hexdigest()[:16]


@lru_cache(maxsize=1024)
def keys_of(viewer: Viewer) -> frozenset[str]:
    """The keys of a party."""
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
    """Whether these keys allow listing subjects, as those of carriers, customs, terminals and control rooms do."""
    return any(not key.startswith(f"{_PARTY}:") for key in keys)


def viewer_of(party: Any) -> Viewer:
    """The viewer of a `Party`."""
    return Viewer(party.party, party.role, party.country, tuple(party.jurisdictions))


def locks_of(kind: str, values: Iterable[str]) -> frozenset[str]:
    """The locks of one kind."""
    return frozenset(f"{kind}:{value}" for value in values)


class Audience:
    """All parties, indexed by the locks that they open."""

    def __init__(self, viewers: Iterable[Viewer]) -> None:
        self._openers: dict[str, set[str]] = {}
        self._movers = set[str]()
        for viewer in viewers:
            for key in keys_of(viewer):
                self._openers.setdefault(key, set()).add(viewer.party)
            if _KEYS.get(viewer.role):
                self._movers.add(viewer.party)

    def of(self, locks: Iterable[str]) -> frozenset[str]:
        """The parties that open at least one of these locks."""
        return frozenset[str]().union(*(self._openers.get(lock, ()) for lock in locks))

    def reporter(self, party: str, reported_for: str | None, via: str | None, own: Collection[str]) -> str | None:
        """The reporter that is named to the parties of the cargo.

        A reporter that neither moves the subject nor is one of its `own` parties, such as the forwarder of somebody
        else's goods, is not named; the railway that it `reported_for` is named instead.
        """
        shown = party in self._movers or party in own or (via is None and not own)
        return party if shown else reported_for


def issuer_of(consignment: str) -> str:
    """The party that issued a consignment's number."""
    return local(consignment).split("/")[0]


def parties_of(consignment: str, named: Iterable[str]) -> frozenset[str]:
    """The parties of a consignment: its issuer, and those that its booking names."""
    return frozenset({issuer_of(consignment), *named})


def claims_of(
    listed: Iterable[tuple[str, datetime, datetime | None]],
    about: Mapping[str, tuple[Collection[str], Sequence[str]]],
) -> list[Claim]:
    """The claims on a unit; `listed` are (consignment, start, end), `about` gives (parties, route) by consignment.

    A consignment that `about` lacks has no claim. Where two listed claims overlap, neither opens anything from the
    start of the overlap on.
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
    """The first instant at which another consignment claims the unit too."""
    name, start, end = one
    others = [s for n, s, e in every if n != name and (end is None or s < end) and (e is None or start < e)]
    return min((max(start, s) for s in others), default=None)


def coming(route: Sequence[str], country: str | None) -> frozenset[str]:
    """The locks of the customs services of `country` and of the route countries behind it."""
    if country in route:
        route = route[route.index(country) :]
    return locks_of(_RULES, {*route, *([country] if country else ())})


def carried(railways: Iterable[str | None]) -> frozenset[str]:
    """The locks of the railways that carried a subject, or on whose network it was."""
    return locks_of(_CARRIER, (r for r in railways if r))


def sent_by(party: str) -> frozenset[str]:
    """The lock on a party's own reports."""
    return locks_of(_PARTY, (party,))


def handled(subject: str, country: str | None) -> frozenset[str]:
    """The lock of the terminals in a country where a container or wagon was; none for other subjects."""
    return locks_of(_PLACE, (country,)) if country and kind_of(subject) in ("container", "wagon") else frozenset()


def planned(route: Iterable[str]) -> frozenset[str]:
    """The locks of carriers and customs on a route, for consists and plans."""
    return locks_of(_ROUTE, route)


def involved(about: str, declarant: str | None, parties: Collection[str]) -> frozenset[str]:
    """The parties that take part in a case: those of its consignment, and its declarant.

    Anybody may book a document number, so its parties take part only if the declarant is one of them. A consignment
    belongs to its parties, so a declarant that is none of them takes no part.
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
    """The locks on what approaches a country: its customs, its railway, the control rooms."""
    return locks_of(_ROUTE, (country,)) | {ALL}


def authority(jurisdiction: str) -> frozenset[str]:
    """The locks of the customs services of a jurisdiction, and of the control rooms."""
    return locks_of(_LAW, (jurisdiction,)) | {ALL}


def case_locks(jurisdiction: str, takes_part: Iterable[str], route: Iterable[str]) -> frozenset[str]:
    """The locks on a case."""
    return authority(jurisdiction) | locks_of(_PARTY, takes_part) | locks_of(_ROUTE, route)


def case_form(viewer: Viewer, locks: Collection[str]) -> Form | None:
    """The fullest form of a case that a party may see; None for none."""
    opened = {key.partition(":")[0] for key in keys_of(viewer) & frozenset(locks)}
    return next((form for kind, form in _FORMS if kind in opened), None)


def may_read_reason(country: str | None, written_in: str | None) -> bool:
    """Whether a viewer's `country` may read reasons, offices and officers: its own authority's, and our own."""
    return written_in is None or written_in == country
