"""Whose goods are in a container, from when until when.

Invariant: at one instant at most one consignment has a container. Of several the one that a carrier or terminal has
named together with it wins, else the one whose booking the broker took first; the others get nothing.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.operator import ConsignmentBooked, TrainComposed
from contracts.roles import BEGINS, ENDS
from services.chassis.projection.fold import StoredRevision, by_identity
from services.tracking.domain import budgets
from services.tracking.domain.bookings import counting
from services.tracking.domain.counted import Counted
from services.tracking.domain.reading import Sorted, understood
from services.tracking.domain.reports import Report

GOES: Final = ("departs", "passes", "crosses")
"""The movements by which goods have left."""


@dataclass(frozen=True, slots=True)
class Claim:
    """One consignment's claim on a container; `moved_at` is when the container first moved under it.

    `received_at` is when the broker took the first booking that names the container.
    """

    consignment: str
    party: str
    origin: str
    destination: str
    start: datetime
    received_at: datetime
    identity: tuple[str, str]
    end: datetime | None = None
    moved_at: datetime | None = None

    @property
    def precedence(self) -> tuple[datetime, tuple[str, str]]:
        return self.received_at, self.identity

    def covers(self, instant: datetime) -> bool:
        """Whether an instant is in it; its end is, at which the goods were delivered."""
        return self.start <= instant and (self.end is None or instant <= self.end)

    def overlaps(self, other: "Claim") -> bool:
        """Whether both have the container at one instant."""
        before = self.end is None or other.start < self.end
        return before and (other.end is None or self.start < other.end)


@dataclass(frozen=True, slots=True)
class Claims:
    """The claims that count, in order of time, and for each one that gets nothing the one that it clashes with."""

    held: tuple[Claim, ...]
    contested: tuple[tuple[Claim, Claim], ...]

    def holders(self, instant: datetime) -> frozenset[str]:
        """Whose goods the container had last at an instant, and who had booked it for then."""
        return frozenset(c.party for c in self.held if self._follows(c, instant) and not self._followed(c, instant))

    def _follows(self, claim: Claim, instant: datetime) -> bool:
        """Whether the claims before it were over."""
        return all(c.end < instant for c in self.held if c.end is not None and c.end <= claim.start)

    def _followed(self, claim: Claim, instant: datetime) -> bool:
        """Whether another claim had taken its place."""
        return claim.end is not None and any(claim.end <= c.start <= instant for c in self.held)

    @property
    def claimants(self) -> list[str]:
        """The consignments of all clashes."""
        return sorted({claim.consignment for pair in self.contested for claim in pair})


def claims_on(
    container: str,
    found: Sorted,
    revisions: Iterable[StoredRevision],
    acts: Sequence[Report],
    taken: Sequence[Report],
    ends: Sequence[datetime],
    corridor: Corridor,
) -> Claims:
    """The claims on a container, by bookings, by what its keepers reported (`acts`) and by what its carriers did."""
    moves = sorted(r.instant for r in (*acts, *taken) if r.movement in GOES)
    named = set(_confirmed(container, found, acts))
    booked = _booked(container, revisions, moves, ends, corridor, found.as_of)
    held: list[Claim] = []
    contested: list[tuple[Claim, Claim]] = []
    for claim in sorted(booked, key=lambda c: (c.consignment not in named, *c.precedence)):
        placed, rival = _placed(claim, held, acts, ends)
        if rival is not None:
            contested.append((claim, rival))
        elif placed is not None:
            held.append(_moved(placed, moves))
    return Claims(tuple(sorted(held, key=lambda c: (c.start, c.consignment))), tuple(contested))


def destinations(revisions: Iterable[StoredRevision], corridor: Corridor) -> frozenset[str]:
    """Where bookings among the revisions say that goods go."""
    booked = (r for r in revisions if r.type == catalogue.BOOKED)
    return frozenset(_point(cast(ConsignmentBooked, r.read()).destination, corridor) for r in booked)


def ends_of(acts: Iterable[Report]) -> list[datetime]:
    """The instants at which claims end."""
    return sorted(r.instant for r in acts if r.code in ENDS)


def _booked(
    container: str,
    revisions: Iterable[StoredRevision],
    moves: Sequence[datetime],
    ends: Sequence[datetime],
    corridor: Corridor,
    as_of: datetime,
) -> Iterator[Claim]:
    bookings = by_identity(r for r in revisions if r.type == catalogue.BOOKED).values()
    for same in budgets.bookings_within(bookings):
        read = [understood(r, corridor.id, corridor.version) for r in same]
        naming = [c for c in read if _names(container, c)]
        if not naming:
            continue
        first = min(naming, key=lambda c: (c.revision.received_at, c.revision.updated_at))
        counts = counting(same, _first_move(first.instant, _first(ends, first.instant), moves))
        standing = understood(counts, corridor.id, corridor.version) if counts else None
        if standing is not None and _names(container, standing) and standing.counts_from <= as_of:
            yield _claim(standing, first.revision.received_at, ends, corridor)


def _claim(one: Counted, received_at: datetime, ends: Sequence[datetime], corridor: Corridor) -> Claim:
    data = cast(ConsignmentBooked, one.data)
    return Claim(
        one.revision.subject,
        one.revision.party,
        _point(data.origin, corridor),
        _point(data.destination, corridor),
        one.instant,
        received_at,
        one.revision.identity,
        _first(ends, one.instant),
    )


def _placed(
    claim: Claim, held: Sequence[Claim], acts: Sequence[Report], ends: Sequence[datetime]
) -> tuple[Claim | None, Claim | None]:
    """A claim as it has the container, and the claim that has it instead.

    A booking from elsewhere was made ahead: it begins with the first fact at its origin behind the end of the claim
    before, and has nothing before that.
    """
    while True:
        rival = next((h for h in held if h.consignment != claim.consignment and h.overlaps(claim)), None)
        if rival is None:
            return claim, None
        if rival.origin == claim.origin:
            return None, rival
        begins = _first_at(claim.origin, rival.end, acts)
        if begins is None or begins <= claim.start:
            return None, None
        claim = replace(claim, start=begins, end=_first(ends, begins))


def _first_at(origin: str, after: datetime | None, acts: Iterable[Report]) -> datetime | None:
    if after is None:
        return None
    here = (r for r in acts if r.instant > after and r.point in (None, origin))
    found = (r for r in here if r.code in BEGINS or (r.point == origin and r.code != "GTOT"))
    return min((r.instant for r in found if r.code not in ENDS), default=None)


def _moved(claim: Claim, moves: Sequence[datetime]) -> Claim:
    return replace(claim, moved_at=_first_move(claim.start, claim.end, moves))


def _first_move(start: datetime, end: datetime | None, moves: Sequence[datetime]) -> datetime | None:
    return next((m for m in moves if m >= start and (end is None or m <= end)), None)


def _first(ends: Sequence[datetime], after: datetime) -> datetime | None:
    return next((e for e in ends if e > after), None)


def _names(container: str, one: Counted) -> bool:
    data = one.data
    confirmed = isinstance(data, ConsignmentBooked) and data.status == "confirmed"
    return confirmed and not one.revision.retracted and container in one.names


def _confirmed(container: str, found: Sorted, acts: Iterable[Report]) -> Iterator[str]:
    """The consignments that a carrier or terminal has named together with the container."""
    yield from (r.names_consignment for r in acts if r.names_consignment is not None)
    for one in found.others:
        if isinstance(one.data, TrainComposed):
            rows = (w for w in one.data.wagons if container in w.containers)
            yield from (w.consignment for w in rows if w.consignment is not None)


def _point(code: str, corridor: Corridor) -> str:
    point = corridor.resolve(code)
    return point.key if point else code
