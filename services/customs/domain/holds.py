"""Holds: objects of their own, with a scope and an authority.

Invariant: a hold is open from its placing until its own authority lifts it; lifting releases nothing.
"""

from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any, cast

from contracts import catalogue
from contracts.events.authority import HoldLifted, HoldPlaced
from contracts.fields import utc_text
from services.customs.domain.statements import Counted


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold; `jurisdictions` are those in which its authority ruled when it sent it."""

    hold: str
    party: str
    authority: str
    scope: str
    reason: str
    placed_at: datetime
    lifted_at: datetime | None
    jurisdictions: tuple[str, ...]
    office: str | None = None
    officer: str | None = None

    def open_at(self, instant: datetime) -> bool:
        return self.placed_at <= instant and (self.lifted_at is None or instant < self.lifted_at)

    def rules_in(self, jurisdiction: str) -> bool:
        return jurisdiction in self.jurisdictions


def holds_of(counted: Iterable[Counted]) -> list[Hold]:
    """The holds that events on one scope make, oldest first."""
    events = list(counted)
    lifted: dict[tuple[str, str], list[datetime]] = {}
    for one in events:
        if one.revision.type == catalogue.HOLD_LIFTED:
            key = one.revision.party, cast(HoldLifted, one.data).hold
            lifted.setdefault(key, []).append(one.instant)
    placed = [o for o in events if o.revision.type == catalogue.HOLD_PLACED]
    return sorted((_hold(o, lifted) for o in placed), key=lambda h: (h.placed_at, h.party, h.hold))


def to_shared(hold: Hold) -> dict[str, Any]:
    """A hold as the pictures that depend on its scope read it."""
    shown = asdict(hold)
    for name in ("placed_at", "lifted_at"):
        shown[name] = utc_text(shown[name]) if shown[name] else None
    return shown | {"jurisdictions": list(hold.jurisdictions)}


def from_shared(shown: Mapping[str, Any]) -> Hold:
    """A hold out of what `to_shared` made."""
    instants = {n: datetime.fromisoformat(shown[n]) if shown[n] else None for n in ("placed_at", "lifted_at")}
    return Hold(**(dict(shown) | instants | {"jurisdictions": tuple(shown["jurisdictions"])}))


def _hold(one: Counted, lifted: Mapping[tuple[str, str], list[datetime]]) -> Hold:
    data = cast(HoldPlaced, one.data)
    ends = [i for i in lifted.get((one.revision.party, data.hold), ()) if i >= one.instant]
    return Hold(
        data.hold,
        one.revision.party,
        data.authority,
        one.revision.subject,
        data.reason,
        one.instant,
        min(ends, default=None),
        tuple(sorted(one.revision.jurisdictions)),
        data.office,
        data.officer or data.system,
    )
