"""Lines: the states of a case as a whole, and of each unit on which customs have decided by itself.

Invariant: a decision that names no units is about the case and about all units that stand where the case stands; one
that names units is about these alone, and the case goes with the last of them.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, tzinfo
from typing import Final

from contracts.events.fields import is_date, moment
from services.customs.domain.shared import Consignment, Step
from services.customs.domain.transitions import ENDS, NOT_FILED, next_state

IN_PART: Final = "IN_PART"
"""The step of a case that has been written off in part, without a word of what it was."""


@dataclass(frozen=True, slots=True)
class Entry:
    """A state that a line has entered, since some instant from `begins` to `ends`, and what led to it."""

    state: str
    begins: datetime
    ends: datetime
    trigger: str


@dataclass(slots=True)
class Line:
    """Where a case, or one of its units, stands."""

    procedure: str
    state: str = NOT_FILED
    since: datetime | None = None
    limit: str | None = None
    limit_instant: datetime | None = None
    entries: list[Entry] = field(default_factory=list)

    @property
    def en_route(self) -> bool:
        """Whether its transit has begun."""
        return any(one.state == "IN_TRANSIT" for one in self.entries)

    @property
    def runs_until(self) -> datetime | None:
        """When the limit of a transit passes, while it runs."""
        return self.limit_instant if self.state == "IN_TRANSIT" else None

    def next_state(self, trigger: str) -> str | None:
        """Where a trigger leads from here; None where the table does not allow it."""
        return next_state(self.state, trigger, self.procedure, en_route=self.en_route)

    def enter(self, state: str, begins: datetime, ends: datetime, trigger: str, instant: datetime) -> None:
        """Takes the line to its next state, at an instant from `begins` to `ends`."""
        self.state, self.since = state, instant
        self.entries.append(Entry(state, begins, ends, trigger))

    def has_taken(self, trigger: str) -> bool:
        """Whether this was decided since the declaration was lodged last."""
        lodged = max((n for n, one in enumerate(self.entries) if one.trigger == "lodge"), default=0)
        return any(one.trigger == trigger for one in self.entries[lodged:])

    def set_limit(self, limit: str | None, instant: datetime | None) -> None:
        """Sets the limit of its transit; None for none."""
        self.limit, self.limit_instant = limit, instant

    def copy(self) -> "Line":
        """A line that goes on from here by itself."""
        return replace(self, entries=list(self.entries))

    def steps(self) -> tuple[Step, ...]:
        """Its states as they bear on the way of the goods."""
        return tuple(Step(_way(one), one.begins, one.ends) for one in self.entries)


def _way(one: Entry) -> str:
    """Goods that go back are closed, and may not go on; of what is written off in part somebody was let out."""
    if one.trigger == "return":
        return "RETURNED"
    return "LET_OUT" if one.trigger == IN_PART else one.state


@dataclass(slots=True)
class Lines:
    """The line of a case, and those of its units that have been decided on by themselves."""

    whole: Line
    apart: dict[str, Line] = field(default_factory=dict)

    def at(self, unit: str) -> Line:
        """The line that a unit is on."""
        return self.apart.get(unit, self.whole)

    def of(self, unit: str) -> Line:
        """The line of a unit by itself from now on, which begins where the case stands."""
        if unit not in self.apart:
            self.apart[unit] = self.whole.copy()
        return self.apart[unit]

    def with_whole(self) -> list[Line]:
        """What a decision on the whole case moves: the case, and the units that stand where it stands."""
        return [self.whole, *(line for line in self.apart.values() if line.state == self.whole.state)]

    def all(self) -> list[Line]:
        """Every line."""
        return [self.whole, *self.apart.values()]

    def differing(self) -> Mapping[str, Line]:
        """The units that stand elsewhere than the case."""
        return {unit: line for unit, line in sorted(self.apart.items()) if line.state != self.whole.state}

    def common(self, units: Iterable[str]) -> str | None:
        """The state in which all units of a case stand that are not at an end yet, or all that are; None where they
        differ, where some are not decided on by themselves, or where nobody knows which there are.
        """
        listed = list(units)
        if not listed or any(unit not in self.apart for unit in listed):
            return None
        states = [self.apart[unit].state for unit in listed]
        left = {state for state in states if state not in ENDS} or set(states)
        return left.pop() if len(left) == 1 else None


def units_of(containers: Sequence[str], wagons: Sequence[str], about: Consignment) -> tuple[str, ...]:
    """The units of a case: those that its declaration names, or else those of its consignment; containers, if any."""
    inside = [tuple(u for u in about.units if u.startswith(kind)) for kind in ("container:", "wagon:")]
    return tuple(containers) or inside[0] or tuple(wagons) or inside[1]


def limit_instant(limit: str, zones: Sequence[tzinfo]) -> datetime:
    """When a limit passes: a date with the end of that day, where it ends last."""
    return max(moment(limit, zone) for zone in zones) if is_date(limit) else moment(limit, zones[0])
