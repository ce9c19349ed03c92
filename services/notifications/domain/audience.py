"""Who may see a fact.

Invariant: a party of the cargo sees what occurred while the unit carried its consignment, up to the delivery, and
nothing else; causes and consists are for those who move the train or rule over it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.events.tracking import Association, SubjectChanged


@dataclass(frozen=True, slots=True)
class Viewer:
    """A party as far as visibility goes."""

    party: str
    role: str
    country: str | None
    jurisdictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """The interval in which a unit carries a consignment, and the parties of that one.

    What ends it, the delivery, is still theirs. From `clash` on another consignment claims the unit as well.
    """

    consignment: str
    parties: frozenset[str]
    start: datetime
    end: datetime | None = None
    clash: datetime | None = None

    def covers(self, instant: datetime | None) -> bool:
        if instant is None:
            return True
        within = self.start <= instant and (self.end is None or instant <= self.end)
        return within and (self.clash is None or instant < self.clash)


class Audience:
    """The parties, sorted by what their role lets them see."""

    def __init__(self, viewers: Iterable[Viewer]) -> None:
        self._viewers = sorted(viewers, key=lambda v: v.party)

    def carriage(self, country: str | None, jurisdiction: str | None = None) -> frozenset[str]:
        """Those who move trains or rule over them; terminals for what happens in their own country."""
        return frozenset(
            v.party
            for v in self._viewers
            if v.role in ("railway", "control", "operations")
            or (v.role == "customs" and (jurisdiction is None or jurisdiction in v.jurisdictions))
            or (v.role == "terminal" and country is not None and v.country == country)
        )

    def authority(self, jurisdiction: str) -> frozenset[str]:
        """The customs services of a jurisdiction, and the control rooms."""
        return frozenset(
            v.party
            for v in self._viewers
            if v.role in ("control", "operations") or (v.role == "customs" and jurisdiction in v.jurisdictions)
        )

    def country(self, country: str) -> frozenset[str]:
        """Customs and railway of a country, and the control rooms."""
        return frozenset(
            v.party
            for v in self._viewers
            if v.role in ("control", "operations") or (v.role in ("customs", "railway") and v.country == country)
        )

    def known(self, parties: Iterable[str]) -> frozenset[str]:
        """Those of some parties that have a feed."""
        return frozenset(parties) & {v.party for v in self._viewers}


def cargo(claims: Sequence[Claim], instant: datetime | None) -> frozenset[str]:
    """The parties of the consignments that a fact of an instant belongs to."""
    return frozenset(party for claim in claims if claim.covers(instant) for party in claim.parties)


def claims_of(picture: SubjectChanged | None, subject: str, shared: Mapping[str, Any]) -> list[Claim]:
    """The claims on a unit. Two consignments that claim it at once see nothing from then on."""
    claims = [a for a in picture.associations if a.relation == "in_consignment"] if picture else []
    return [
        Claim(one.subject, frozenset(about["parties"]), one.start, one.end, _clash(one, claims))
        for one in claims
        if (about := shared.get(one.subject))
    ]


def _clash(one: Association, claims: Iterable[Association]) -> datetime | None:
    """The first instant at which another consignment claims the unit too, known here or not."""
    others = [o for o in claims if o.subject != one.subject and _overlap(one, o)]
    return min((max(one.start, o.start) for o in others), default=None)


def _overlap(one: Association, other: Association) -> bool:
    return (one.end is None or other.start < one.end) and (other.end is None or one.start < other.end)
