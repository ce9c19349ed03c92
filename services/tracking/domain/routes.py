"""The way of a consignment: the variant that its booking names, or the only one that leads from its origin on.

Invariant: nothing is guessed: where no variant leads there, or several do, the way is not known, and that is said.
"""

from typing import Any

from contracts.corridor.corridor import Corridor
from services.tracking.domain import exceptions
from services.tracking.domain.bookings import Standing
from services.tracking.domain.eta.goes import Goes, goes


def variant_of(booking: Standing, corridor: Corridor) -> str | None:
    """The variant that a booking takes; None where its way is not known."""
    named = booking.data.route_variant or booking.latest.route_variant
    if named:
        return named
    return only_variant(booking.data.origin, booking.data.destination, corridor)


def only_variant(origin: str, destination: str, corridor: Corridor) -> str | None:
    """The only variant that leads from one point to another; None where none does, or several do."""
    ways = _leading(origin, destination, corridor)
    return ways[0] if len(ways) == 1 else None


def of_booking(booking: Standing | None, corridor: Corridor) -> Goes | None:
    """Where a booking has the goods go."""
    return goes(variant_of(booking, corridor), booking.data.destination, corridor) if booking else None


def unknown(booking: Standing | None, corridor: Corridor) -> list[dict[str, Any]]:
    """That the way is not known, of goods that cross a border."""
    if booking is None or booking.data.status != "confirmed" or variant_of(booking, corridor):
        return []
    origin, destination = corridor.resolve(booking.data.origin), corridor.resolve(booking.data.destination)
    if origin and destination and origin.country == destination.country:
        return []
    causes = ["#".join(booking.booked.revision.identity)]
    return [exceptions.exception("ROUTE_UNKNOWN", None, booking.booked.instant, causes)]


def _leading(origin: str, destination: str, corridor: Corridor) -> list[str]:
    """The variants on which one point comes before the other: they have a direction."""
    start, end = corridor.resolve(origin), corridor.resolve(destination)
    if start is None or end is None:
        return []
    through = [v for v in corridor.variants if start.key in v.points and end.key in v.points]
    return [v.name for v in through if v.index(start.key) < v.index(end.key)]
