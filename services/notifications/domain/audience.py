"""Who may see a fact.

Invariant: a party of the cargo sees what occurred while the unit carried its consignment, and nothing else; causes
and consists are for those who move the train or rule over it.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.events.tracking import SubjectChanged


@dataclass(frozen=True, slots=True)
class Viewer:
    """A party as far as visibility goes."""

    party: str
    role: str
    country: str | None
    jurisdictions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Claim:
    """The interval in which a unit carries a consignment, and the parties of that one."""

    consignment: str
    parties: frozenset[str]
    start: datetime | None = None
    end: datetime | None = None

    def covers(self, instant: datetime | None) -> bool:
        if instant is None:
            return True
        return (self.start is None or self.start <= instant) and (self.end is None or instant < self.end)


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
    if picture is None:
        return []
    clash = min((e.opened_at for e in picture.exceptions if e.rule == "IDENTITY_MISMATCH"), default=None)
    found = []
    for association in picture.associations:
        about = shared.get(association.subject)
        if association.relation != "in_consignment" or not about:
            continue
        ends = [e for e in (association.end, clash if association.subject in picture.claimants else None) if e]
        parties = frozenset(about["parties"])
        found.append(Claim(association.subject, parties, association.start, min(ends, default=None)))
    return found
