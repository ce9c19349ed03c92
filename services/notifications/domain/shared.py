"""What pictures share with each other, and what an entity remembers of its facts.

Invariant: it is all that a fold reads of others, and of the folds before; how it is stored is for `stored` alone.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, NamedTuple

from services.chassis.base.visibility import Way


class Ride(NamedTuple):
    """What a subject was on, from `start` up to `end`, if it ended, and to which countries its cargo goes."""

    on: str
    start: datetime
    end: datetime | None
    going: tuple[str, ...]

    def meets(self, start: datetime, end: datetime | None) -> bool:
        """Whether any of the interval [start, end) lies within it."""
        return (self.end is None or start < self.end) and (end is None or self.start < end)


@dataclass(frozen=True, slots=True)
class SharedWay:
    """The way of a subject, for those whose audience depends on it, with what it rode on."""

    way: Way
    rides: tuple[Ride, ...] = ()


class Recalled(NamedTuple):
    """An item that a party has, read back from its topic: its id, and the hash of its content."""

    item: str
    digest: str


Place = int | Recalled
"""By what the item that a party has is known: the occurrence with which it was told, unless it was read back."""


class Entry(NamedTuple):
    """A fact as parties have it: the hash of what was told last, "" where nobody has it any more, and how often.

    `about` is what an item that takes it back still says, `first` when it was told at first.
    """

    digest: str
    occurrence: int
    holders: dict[str, Place]
    about: dict[str, Any]
    first: datetime | None

    def has_all(self, parties: frozenset[str]) -> bool:
        """Whether these parties and nobody else have what was told last."""
        if self.holders.keys() != parties:
            return False
        read_back = (place for place in self.holders.values() if isinstance(place, Recalled))
        return self.were_told or all(place.digest == self.digest for place in read_back)

    @property
    def were_told(self) -> bool:
        """Whether no item was read back, as mostly."""
        return set(map(type, self.holders.values())) <= {int}


NEVER_TOLD: Final = Entry("", 0, {}, {}, None)

Given = dict[str, Entry]
"""What parties have, by fact."""
