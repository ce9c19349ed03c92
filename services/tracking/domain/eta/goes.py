"""Where a subject goes: the route variant that it is on, and the point at which its way ends.

Invariant: nothing is guessed: where the route is not known, or does not lead to the destination, there is none.
"""

from dataclasses import dataclass

from contracts.corridor.corridor import Corridor
from contracts.corridor.routes import RouteVariant


@dataclass(frozen=True, slots=True)
class Goes:
    """By which route variant a subject goes, and to which point."""

    route: RouteVariant
    destination: str


def goes(variant: str | None, destination: str | None, corridor: Corridor) -> Goes | None:
    """The way by a variant of a name to a point of ours or of a party; None where there is none."""
    end = corridor.resolve(destination) if destination else None
    route = next((v for v in corridor.variants if v.name == variant), None)
    return Goes(route, end.key) if route and end and end.key in route.points else None
