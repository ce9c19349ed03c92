"""Reports that count: one statement each that something occurred, or will, with its place and instant resolved.

Invariant: what is inherited from a train or wagon looks like a report of the subject itself, with `via`; what a
report says is worked out once, when it is made.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, Protocol

from contracts.events.fields import utc_text
from contracts.milestones import lookup as milestones


class Time(Protocol):
    """A stretch of time."""

    def has(self, report: "Report") -> bool: ...


_NONE: Mapping[str, Any] = MappingProxyType({})


@dataclass(slots=True, eq=False)
class Report:
    """One statement. `order` is where it stands in a timeline: instant, rank of the code, identity.

    `claimed` says that its sender does not do such things itself: it is shown, and neither moves nor places anything.
    `sighting` says that the subject was seen during its stay: it neither ends nor begins one.
    `names_consignment` is the one that it names beside its subject.
    """

    source: str
    event_id: str
    code: str
    classifier: str
    point: str | None
    occurred_at: str
    instant: datetime
    party: str
    role: str
    reported_for: str | None
    channel: str
    updated_at: datetime
    via: str | None = None
    inferred: bool = False
    claimed: bool = False
    sighting: bool = False
    names_consignment: str | None = None
    extras: Mapping[str, Any] = field(default_factory=lambda: _NONE)
    order: tuple[datetime, int, str, str] = field(init=False)
    movement: str | None = field(init=False)
    places: bool = field(init=False)
    shown: Mapping[str, Any] = field(init=False)

    def __post_init__(self) -> None:
        row = milestones.milestone(self.code)
        # What is inferred has happened before that on which it rests: who has crossed and arrived has arrived.
        self.order = self.instant, 0 if self.inferred else row.rank, self.source, self.event_id
        self.movement = None if self.claimed or self._only_seen() else row.movement
        self.places = row.places and self.point is not None and not self.claimed and not self.sighting
        self.shown = self._show(row.claim or self.claimed)

    def _only_seen(self) -> bool:
        """Whether it says where the subject was seen, and not that it came or went."""
        return self.sighting or (self.code == "PASS" and self.point is None)

    @property
    def second_hand(self) -> bool:
        return self.reported_for is not None and self.reported_for != self.party

    @property
    def confidence(self) -> str:
        return "inferred" if self.inferred else "second_hand" if self.second_hand else "observed"

    def _show(self, claim: bool) -> dict[str, Any]:
        """What a fact that this report leads shows of it, as JSON."""
        shown: dict[str, Any] = {
            "code": self.code,
            "point": self.point,
            "occurred_at": self.occurred_at,
            "instant": utc_text(self.instant),
            "party": self.party,
            "reported_for": self.reported_for,
            "channel": self.channel,
            "confidence": self.confidence,
            "source": self.source,
            "event_id": self.event_id,
            "updated_at": utc_text(self.updated_at),
            "via": self.via,
            "claim": claim or None,
            "sighting": self.sighting or None,
            **self.extras,
        }
        return {name: value for name, value in shown.items() if value is not None}


def inherited(facts: Iterable[Report], time: Time) -> list[Report]:
    """The shared facts of a train or wagon from the time in which it carried something."""
    return [r for r in facts if time.has(r)]
