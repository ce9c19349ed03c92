"""The words in which the truth of the journey is told.

Invariant: an instant is aware and exact; whose clock it was read from is known by the party that says it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, timezone
from typing import Any, Final

YEAR: Final = 2026
RUN: Final = "run:pk-ru/001"
ROUTE: Final = "R1"

# The clock that a party writes its times from. Russian railways write Moscow time, also at Astrakhan.
_EAST, _IRAN, _VOLGA, _MOSCOW = (timezone(timedelta(hours=hours)) for hours in (5, 3.5, 4, 3))
CLOCKS: Final[Mapping[str, timezone]] = {
    "pr": _EAST,
    "rai": _IRAN,
    "trk": _EAST,
    "ktz": _EAST,
    "rzd": _MOSCOW,
    "lahore-dry-port": _EAST,
    "zahedan-yard": _IRAN,
    "sarakhs-yard": _IRAN,
    "astrakhan-terminal": _VOLGA,
    "indus-forwarding": _EAST,
    "volga-logistics": _VOLGA,
    "fbr": _EAST,
    "irica": _IRAN,
    "tmcustoms": _EAST,
    "kgd": _EAST,
    "fcs": _VOLGA,
}


@dataclass(frozen=True, slots=True, order=True)
class Stamp:
    """When, by whose word."""

    at: datetime
    party: str

    def later(self, minutes: float) -> Stamp:
        return Stamp(self.at + timedelta(minutes=minutes), self.party)

    @property
    def text(self) -> str:
        """The time as the party writes it, with the offset of its own clock."""
        return self.at.astimezone(CLOCKS[self.party]).isoformat()


def by(party: str, time: str) -> Stamp:
    """`by("pr", "06-22 06:20")`: month, day and time on the party's own clock."""
    return Stamp(datetime.strptime(f"{YEAR}-{time}", "%Y-%m-%d %H:%M").replace(tzinfo=CLOCKS[party]), party)


@dataclass(frozen=True, slots=True)
class Movement:
    """Something that happened to a train; `also` are other parties who saw it on their own clocks."""

    code: str
    point: str
    by: Stamp
    also: tuple[Stamp, ...] = ()


@dataclass(frozen=True, slots=True)
class Wagon:
    """A wagon of a consist with what it carries: containers, or one consignment of goods."""

    key: str
    cargo: tuple[str, ...]
    tare_kg: int
    length_mm: int


@dataclass(frozen=True, slots=True)
class Train:
    """A train of one railway; `composed` is when and where its consist was made up."""

    key: str
    composed: Movement
    wagons: tuple[Wagon, ...]
    movements: tuple[Movement, ...]

    @property
    def railway(self) -> str:
        return self.composed.by.party


@dataclass(frozen=True, slots=True)
class Handling:
    """Something that was done to one wagon, container or consignment."""

    code: str
    subject: str
    point: str
    by: Stamp
    wagon: str | None = None
    more: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Consignment:
    """Goods of one booking: in containers, or loose in one wagon at a time."""

    key: str
    booked: Stamp
    shipper: str
    consignee: str
    hs: str
    description: str
    packages: int
    gross_kg: int
    containers: tuple[str, ...]
    cim: str
    smgs: str
    goods_declaration: str

    @property
    def issuer(self) -> str:
        return self.booked.party

    @property
    def number(self) -> str:
        return self.key.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Ruling:
    """One thing that customs decided, and the state in which it leaves the case, or the units that it names."""

    decision: str
    by: Stamp
    state: str
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def in_part(self) -> bool:
        """Whether it is about some units alone, so that the case stays open for the others."""
        return "containers" in self.more


@dataclass(frozen=True, slots=True)
class Lodging:
    """A declaration, or the advance data before it."""

    by: Stamp
    stage: str
    attempt: int = 1


@dataclass(frozen=True, slots=True)
class Hold:
    """A hold on `scope`, which stops the cases named."""

    hold: str
    scope: str
    reason: str
    authority: str
    placed: Stamp
    lifted: Stamp
    cases: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Case:
    """One customs case: what was lodged and what was decided."""

    key: str
    consignment: Consignment
    jurisdiction: str
    procedure: str
    office: str
    lodgings: tuple[Lodging, ...]
    rulings: tuple[Ruling, ...]


@dataclass(frozen=True, slots=True)
class PlannedCall:
    """A call as it was planned."""

    point: str
    arrival: datetime | None
    departure: datetime | None


@dataclass(frozen=True, slots=True)
class Journey:
    """Everything that happens."""

    ends: datetime
    consignments: Sequence[Consignment]
    trains: Sequence[Train]
    handlings: Sequence[Handling]
    plan: Mapping[str, Sequence[PlannedCall]]
    cases: Sequence[Case]
    holds: Sequence[Hold]
