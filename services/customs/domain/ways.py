"""Ways: which route variants lead from the origin of goods to their destination, and which of them a unit has taken.

Invariant: a way has the direction of its goods; it begins at the origin and ends at the destination, and what lies
before or behind is none of its borders. Nothing is assumed of a way that nobody has named or seen.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from contracts.corridor.borders import Border
from contracts.corridor.corridor import Corridor
from contracts.corridor.routes import Regime, RouteVariant
from contracts.identifiers.subjects import procedures_of


@dataclass(frozen=True, slots=True)
class Way:
    """A route variant from `first` to `last`, by places on the route; `first` is None where the origin is not known.

    `borders` are those in between, in order; `sure` are the keys of those that the goods cross whichever of several
    ways they take.
    """

    route: RouteVariant
    first: int | None
    last: int
    borders: tuple[Border, ...]
    sure: frozenset[str]

    def index(self, point: str) -> int | None:
        """The place of a point on the route; None for one off it."""
        return self.route.index(point) if point in self.route.points else None

    @property
    def has_customs(self) -> bool:
        """Whether the goods leave a customs territory: inside one they need no case."""
        return any(border.has_customs_formality for border in self.borders)

    def stretch(self) -> tuple[str, ...]:
        """The points from the origin to the destination."""
        return self.route.points[self.first or 0 : self.last + 1]


def ways_between(origin: str | None, destination: str | None, variant: str | None, corridor: Corridor) -> list[Way]:
    """The ways that lead from an origin to a destination: the named one first; an unknown end bounds nothing.

    An end that is on no route counts as everywhere in its country, where no variant leads there more exactly.
    """
    found = [way for route in corridor.variants if (way := _way(route, origin, destination, corridor)) is not None]
    ends = {point.key for code in (origin, destination) if code and (point := corridor.resolve(code))}
    found = [way for way in found if ends <= set(way.route.points)] or found
    if origin is None or destination is None:
        # Without both ends the direction is not known, unless a variant is named.
        found = [way for way in found if way.route.name == variant]
    return sorted(found, key=lambda way: way.route.name != variant)


def way_of(points: Iterable[str], ways: Sequence[Way], variant: str | None) -> Way | None:
    """The way that a unit takes, by the points at which it was seen: the named one, as long as it was on it.

    Of several that it may take the first, which is sure of the borders that they share; None where none leads there.
    """
    named = [way for way in ways if way.route.name == variant]
    seen = {p for p in points if any(p in way.route.points for way in ways)}
    possible = [way for way in ways if seen <= set(way.route.points)]
    taken = [way for way in named if way in possible] or possible or named or list(ways)
    if not taken:
        return None
    shared = frozenset.intersection(*(frozenset(b.key for b in way.borders) for way in taken))
    one = taken[0]
    return Way(one.route, one.first, one.last, one.borders, shared)


def laws_on(way: Way, corridor: Corridor) -> Iterator[tuple[str, str]]:
    """The jurisdictions and procedures under which goods can be cleared on a way."""
    for country in dict.fromkeys(corridor.point(key).country for key in way.stretch()) if way.has_customs else ():
        for law in corridor.laws_in(country):
            yield from ((law, procedure) for procedure in procedures_of(law))


def planned(way: Way, corridor: Corridor) -> Iterator[Regime]:
    """The customs regimes that goods pass on a way: cleared where they begin and end, if that is on the route."""
    if not way.has_customs:
        return
    first, points = way.first or 0, way.route.points
    for regime in way.route.regimes:
        begins, ends = way.route.index(regime.begins), way.route.index(regime.ends)
        if begins > way.last or ends < first:
            continue
        if regime.procedure == "TRANSIT" and ends > way.last:
            yield _cleared(points[way.last], "IMPORT", regime, corridor)
        elif regime.procedure == "TRANSIT" and begins < first:
            yield _cleared(points[first], "EXPORT", regime, corridor)
        else:
            yield regime


def _cleared(point: str, procedure: str, regime: Regime, corridor: Corridor) -> Regime:
    own = corridor.laws_in(corridor.point(point).country)[-1]
    return regime.model_copy(update={"jurisdiction": own, "procedure": procedure})


def _way(route: RouteVariant, origin: str | None, destination: str | None, corridor: Corridor) -> Way | None:
    first, last = _places(route, origin, corridor), _places(route, destination, corridor)
    if not last and destination is not None and _is_on_the_corridor(destination, corridor):
        return None
    if not first and origin is not None and _is_on_the_corridor(origin, corridor):
        return None
    begins, ends = min(first, default=None), max(last, default=len(route.points) - 1)
    if (begins or 0) >= ends:
        return None
    inside = [b for b in corridor.borders_of(route.name) if _is_inside(b, route, begins or 0, ends)]
    return Way(route, begins, ends, tuple(inside), frozenset(b.key for b in inside))


def _is_inside(border: Border, route: RouteVariant, first: int, last: int) -> bool:
    return first <= route.index(border.exit.point) and route.index(border.entry.point) <= last


def _places(route: RouteVariant, code: str | None, corridor: Corridor) -> list[int]:
    """Where a point is on a route: of one that is off it, all places in its country."""
    point = corridor.resolve(code) if code else None
    if point is None:
        return []
    if point.key in route.points:
        return [route.index(point.key)]
    return [n for n, key in enumerate(route.points) if corridor.point(key).country == point.country]


def _is_on_the_corridor(code: str, corridor: Corridor) -> bool:
    """Whether some route passes the country of a point, so that one which does not does not lead there."""
    return any(_places(route, code, corridor) for route in corridor.variants)
