"""Holds: objects of their own, with a scope and an authority.

Invariant: a hold is open from its placing until its own authority lifts it; lifting releases nothing. Where only
the dates are known it stops on the whole of both days, for safety.
"""

from collections.abc import Iterable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import cast

from contracts import catalogue
from contracts.events.authority import HoldLifted, HoldPlaced
from services.customs.domain.statements import Counted


@dataclass(frozen=True, slots=True)
class Hold:
    """One hold; `jurisdictions` are those in which its authority ruled when it sent it, `country` is its own."""

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
    country: str | None = None

    def open_at(self, instant: datetime) -> bool:
        return self.placed_at <= instant and (self.lifted_at is None or instant < self.lifted_at)

    def as_of(self, instant: datetime) -> "Hold":
        """The hold as an instant knows it: a lifting that is still to come is none yet."""
        ends = self.lifted_at is not None and self.lifted_at <= instant
        return self if ends else replace(self, lifted_at=None)

    def within(self, start: datetime, end: datetime | None) -> "Hold | None":
        """The hold as far as it is open from `start` up to `end`; None where it is not."""
        until = min((i for i in (self.lifted_at, end) if i is not None), default=None)
        since = max(self.placed_at, start)
        return replace(self, placed_at=since, lifted_at=until) if until is None or since < until else None

    def rules_in(self, jurisdiction: str) -> bool:
        return jurisdiction in self.jurisdictions


def holds_of(counted: Iterable[Counted]) -> list[Hold]:
    """The holds that events on one scope make, oldest first."""
    events = list(counted)
    lifted = [o for o in events if o.revision.type == catalogue.HOLD_LIFTED]
    placed = [o for o in events if o.revision.type == catalogue.HOLD_PLACED]
    return sorted((_hold(o, lifted) for o in placed), key=lambda h: (h.placed_at, h.party, h.hold))


def lifting_nothing(counted: Iterable[Counted]) -> list[Counted]:
    """The liftings of holds that their authority has not placed here before."""
    events = list(counted)
    placed = [o for o in events if o.revision.type == catalogue.HOLD_PLACED]
    return [o for o in events if o.revision.type == catalogue.HOLD_LIFTED and not any(_ends(o, p) for p in placed)]


def _ends(lifted: Counted, placed: Counted) -> bool:
    """Whether a lifting is of the hold that was placed: its own authority's, by its name, and not before."""
    same = lifted.revision.party == placed.revision.party
    return (
        same
        and cast(HoldLifted, lifted.data).hold == cast(HoldPlaced, placed.data).hold
        and lifted.ends >= placed.begins
    )


def _hold(one: Counted, lifted: Iterable[Counted]) -> Hold:
    data = cast(HoldPlaced, one.data)
    ends = [other.ends for other in lifted if _ends(other, one)]
    return Hold(
        data.hold,
        one.revision.party,
        data.authority,
        one.revision.subject,
        data.reason,
        one.begins,
        min(ends, default=None),
        tuple(sorted(one.revision.jurisdictions)),
        data.office,
        data.officer or data.system,
        one.revision.country,
    )
