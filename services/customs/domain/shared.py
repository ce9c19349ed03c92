"""What units, consignments and cases share with each other, and what a case remembers.

Invariant: it is all that a fold reads of others; how it is stored is for `stored` alone to know.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Final, NamedTuple

from services.customs.domain.holds import Hold


class Move(NamedTuple):
    """A movement of a unit at a point, or its delivery; `code` is a milestone's, `confidence` as tracking says it.

    It occurred from `begins` to `ends`: on that day, where only the date is known. `train` is the one that it was in.
    """

    code: str
    point: str
    instant: datetime
    begins: datetime
    ends: datetime
    confidence: str
    train: str | None = None


class SealMark(NamedTuple):
    """A seal that was put on or, with `removed`, taken off; the number is as it was sent.

    `units` are those that customs named, none where a unit says it of itself.
    """

    instant: datetime
    number: str
    removed: bool
    units: tuple[str, ...] = ()


class Claim(NamedTuple):
    """A consignment that a unit carries or carried on its current journey, from `start` up to `end`, if it ended."""

    consignment: str
    start: datetime
    end: datetime | None


class Step(NamedTuple):
    """A case is in a state, as it bears on the way of the goods, since some instant from `begins` to `ends`."""

    state: str
    begins: datetime
    ends: datetime


@dataclass(frozen=True, slots=True)
class Track:
    """Where something moved, oldest first, and where it was seen last, with what was told of the seals on it."""

    moves: tuple[Move, ...] = ()
    seals: tuple[SealMark, ...] = ()
    point: str | None = None
    moving: bool = False
    last_seen: datetime | None = None


NOWHERE: Final = Track()
"""The track of what nobody has seen."""


@dataclass(frozen=True, slots=True)
class Unit:
    """What a container or wagon shares: its current journey, the holds on it, and what it carried when."""

    track: Track
    holds: tuple[Hold, ...]
    claims: tuple[Claim, ...]
    journey: int


@dataclass(frozen=True, slots=True)
class Inside:
    """A unit while it carried a consignment, its delivery included; `gone` when it is on another journey since.

    Of one that is `lost` nobody has told yet what befell it on the journey before.
    """

    track: Track
    holds: tuple[Hold, ...] = ()
    gone: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class Consignment:
    """What a consignment shares, and a document number of the consignment that it stands for.

    `declarants` may declare the goods; `former` could, each until an instant. `route` are countries in order; `origin`
    and `destination` are points, or what the booking says where nobody knows it.
    """

    consignment: str
    known: bool = False
    status: str = "unknown"
    parties: tuple[str, ...] = ()
    declarants: tuple[str, ...] = ()
    former: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    route: tuple[str, ...] = ()
    route_variant: str | None = None
    origin: str | None = None
    destination: str | None = None
    units: Mapping[str, Inside] = field(default_factory=lambda: MappingProxyType({}))
    own: Track = NOWHERE
    holds: tuple[Hold, ...] = ()


NOT_TOLD_OF: Final = Consignment("")
"""In place of a consignment that nobody has told us of."""


@dataclass(frozen=True, slots=True)
class Case:
    """What a case shares: its steps in order, whether it is declared, of which consignment.

    `containers` are those that the declaration names, none for all. `apart` has the steps of each unit on which customs
    have decided by itself, those before included.
    """

    steps: tuple[Step, ...]
    filed: bool
    consignment: str | None
    containers: tuple[str, ...]
    apart: Mapping[str, tuple[Step, ...]] = field(default_factory=lambda: MappingProxyType({}))
    seals: tuple[SealMark, ...] = ()

    def steps_of(self, unit: str) -> tuple[Step, ...]:
        """The steps that bear on a unit."""
        return self.apart.get(unit, self.steps)


@dataclass(frozen=True, slots=True)
class Memory:
    """What a case remembers: the releases, as (source, id), that were refused."""

    refused: frozenset[tuple[str, str]] = frozenset()
