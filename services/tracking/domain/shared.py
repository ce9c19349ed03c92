"""What subjects share with each other: everything that a fold reads of others.

Invariant: it is all that is read; how it is stored is for `stored` alone to know.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from contracts.events.fields import utc_text
from services.tracking.domain.associations import Interval, Mention, Statement
from services.tracking.domain.reports import Report


@dataclass(frozen=True, slots=True)
class Summary:
    """What a picture tells of itself to those that contain the subject: its status, and its latest fact."""

    status: str
    code: str | None = None
    point: str | None = None
    instant: datetime | None = None

    def as_json(self) -> dict[str, Any]:
        """The summary as stored, and as it stands in pictures."""
        shown = {
            "status": self.status,
            "code": self.code,
            "point": self.point,
            "instant": utc_text(self.instant) if self.instant else None,
        }
        return {name: value for name, value in shown.items() if value is not None}


@dataclass(frozen=True, slots=True)
class Part:
    """What a train shares with one wagon: when it was in the train, and what consists say that it carried."""

    rides: tuple[Interval, ...] = ()
    mentions: tuple[Mention, ...] = ()

    def statements(self) -> Iterator[Statement]:
        """When the wagon was in the train, as what was said of it: each consist that lists it says it again."""
        for ride in self.rides:
            yield Statement(ride.start, ride.start_rank, ("", ""), ride.other)
            if ride.end is not None:
                yield Statement(ride.end, ride.end_rank, ("", ""), None, ride.other)
            listed = (m for m in self.mentions if ride.begins < (m.instant, m.rank))
            yield from (Statement(m.instant, m.rank, m.identity, ride.other) for m in listed if ride.covers(m.instant))


@dataclass(frozen=True, slots=True)
class Train:
    """What a train shares: its facts for those on board, in order of time, its run, and a part for each wagon.

    Who reads a train gets its own part alone, and that apart: `parts` is empty then.
    """

    facts: tuple[Report, ...]
    run: str | None
    parts: Mapping[str, Part]


@dataclass(frozen=True, slots=True)
class Wagon:
    """What a wagon shares: its facts for what it carries, in order of time, and the trains that it was in."""

    facts: tuple[Report, ...]
    mentions: tuple[Mention, ...]
    trains: tuple[Interval, ...]


class Held(NamedTuple):
    """A consignment that has or had a container, when that first moved under it, and how it was while it carried it."""

    consignment: str
    moved_at: datetime | None
    told: Summary


class Clash(NamedTuple):
    """A consignment that claims a container in vain, the one that has it, and from when on both claim it."""

    consignment: str
    rival: str
    opened_at: datetime


@dataclass(frozen=True, slots=True)
class Container:
    """What a container shares: the claims on it, as consignments read them.

    `former` is what each consignment is told of a journey that is over, as JSON; who reads it gets its own alone, and
    that apart: it is empty then.
    """

    held: tuple[Held, ...]
    contested: tuple[Clash, ...]
    former: Mapping[str, Mapping[str, Any]] = field(default_factory=lambda: MappingProxyType({}))


@dataclass(frozen=True, slots=True)
class Reference:
    """What a document number shares: whose it is, who claims it, from when on several do, and what was reported.

    `acts` keep what they say besides.
    """

    holder: str | None
    claimants: tuple[str, ...]
    opened_at: datetime | None
    acts: tuple[Report, ...]


Own = Train | Wagon | Container | Reference | None
"""What a subject shares beside its summary, by its kind; consignments and runs share nothing else."""
