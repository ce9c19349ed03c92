"""Which revision of a booking stands.

Invariant: what a booking said before its goods moved stays: a change of units, way or status that the broker took
later is a request to carriers and customs. Who came first is decided by the broker's clock, never by a sender's.
"""

from collections.abc import Callable, Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple, cast

from contracts import catalogue
from contracts.corridor.corridor import Corridor
from contracts.events.fields import utc_text
from contracts.events.operator import ConsignmentBooked, ConsignmentParty
from services.chassis.projection.fold import StoredRevision, by_identity, effective
from services.tracking.domain import budgets
from services.tracking.domain.counted import Counted
from services.tracking.domain.reading import understood

_FROZEN = ("containers", "wagons", "route_variant", "origin", "destination", "status")


class Standing(NamedTuple):
    """The booking that counts, and the newest one: another where a change of it is only a request."""

    booked: Counted
    newest: Counted | None

    @property
    def data(self) -> ConsignmentBooked:
        """What counts of the goods and their way."""
        return cast(ConsignmentBooked, self.booked.data)

    @property
    def latest(self) -> ConsignmentBooked:
        """What counts of parties, papers and notes, which may change on the way."""
        return cast(ConsignmentBooked, (self.newest or self.booked).data)

    @property
    def parties(self) -> list[ConsignmentParty]:
        """The parties that the issuer has an agreement with, and itself; who was one when the goods moved stays one."""
        named = [p for one in (self.booked, self.newest or self.booked) for p in agreed_parties(one)]
        return list({(p.role, p.party): p for p in named}.values())

    @property
    def strangers(self) -> list[str]:
        """The parties that are named without an agreement."""
        one = self.newest or self.booked
        return sorted({p.party for p in self.latest.parties} - {p.party for p in agreed_parties(one)})

    def request(self) -> dict[str, Any] | None:
        """What the newest booking asks for and does not get; None where it asks for nothing."""
        if self.newest is self.booked:
            return None
        one = (self.newest or self.booked).revision
        data = self.latest
        changes = [n for n in _FROZEN if getattr(data, n) != getattr(self.data, n)] if self.newest else ["retracted"]
        shown = {"source": one.source, "event_id": one.event_id, "received_at": utc_text(one.received_at)}
        return shown | {"changes": changes} if changes else None


def standing(
    consignment: str,
    revisions: Iterable[StoredRevision],
    moved_at: datetime | None,
    corridor: Corridor,
    as_of: datetime,
) -> Standing | None:
    """The booking of a consignment whose goods first moved at an instant, if they have."""
    booked = [r for r in revisions if r.type == catalogue.BOOKED]
    newest = _newest(consignment, booked, corridor, as_of)
    if moved_at is None:
        return Standing(newest, newest) if newest else None
    before = _newest(consignment, _until(booked, moved_at), corridor, as_of)
    if before is None:
        return Standing(newest, newest) if newest else None
    return Standing(before, newest)


def former(
    revisions: Iterable[StoredRevision],
    names: Callable[[Counted], Iterable[str]],
    now: Collection[str],
    corridor: Corridor,
) -> list[dict[str, str]]:
    """What bookings have named and name no more, each until the broker took the first one that no longer did.

    Customs keep what they accepted of who was named then: nobody can take that back by another booking.
    """
    until: dict[str, datetime | None] = {}
    for revision in sorted((r for r in revisions if r.type == catalogue.BOOKED), key=_as_received):
        one = understood(revision, corridor.id, corridor.version)
        named = () if revision.retracted else set(names(one))
        dropped = [name for name, end in until.items() if end is None and name not in named]
        until |= dict.fromkeys(dropped, revision.received_at) | dict.fromkeys(named)
    gone = ((name, end) for name, end in sorted(until.items()) if end is not None and name not in now)
    return [{"name": name, "until": utc_text(end)} for name, end in gone][: budgets.ROWS_SHOWN]


def agreed_parties(one: Counted) -> list[ConsignmentParty]:
    """The parties of a booking that its issuer has an agreement with, and itself."""
    allowed = {*one.revision.agreements, one.revision.party}
    return [p for p in cast(ConsignmentBooked, one.data).parties if p.party in allowed]


def counting(revisions: Sequence[StoredRevision], moved_at: datetime | None) -> StoredRevision | None:
    """The revision of one booking that counts, when its goods first moved at an instant."""
    if moved_at is not None and (before := effective(_until(revisions, moved_at))[0]) is not None:
        return before
    return effective(revisions)[0]


def _until(revisions: Sequence[StoredRevision], moved_at: datetime) -> list[StoredRevision]:
    """What was received before the goods moved; of a booking that came later, what came first."""
    before = [r for r in revisions if r.received_at <= moved_at]
    if before or not revisions:
        return before
    return [min(revisions, key=_as_received)]


def _as_received(revision: StoredRevision) -> tuple[Any, ...]:
    return revision.received_at, revision.identity, revision.updated_at, revision.content_hash


def _newest(
    consignment: str, revisions: Iterable[StoredRevision], corridor: Corridor, as_of: datetime
) -> Counted | None:
    counted = [effective(same)[0] for same in by_identity(revisions).values()]
    read = [understood(r, corridor.id, corridor.version) for r in counted if r is not None and r.subject == consignment]
    return max(
        (c for c in read if c.counts_from <= as_of),
        key=lambda c: (c.revision.updated_at, c.revision.identity),
        default=None,
    )
