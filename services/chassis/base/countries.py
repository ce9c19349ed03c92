"""The countries through which a subject's way leads, which decide who is concerned.

Invariant: a function of the picture and the corridor data; what neither of them names is on no way.
"""

from collections.abc import Iterable, Sequence

from contracts.corridor.corridor import Corridor
from contracts.events.tracking import SubjectChanged
from contracts.identifiers.subjects import kind_of, local


def route_of(picture: SubjectChanged, corridor: Corridor) -> tuple[str, ...]:
    """The countries of the way of a subject, as its picture tells of it."""
    seen = [one.point for some in (picture.calls, picture.timeline, picture.members) for one in some]
    ends = picture.origin, picture.destination
    return countries_of(picture.subject, picture.route_variant, ends, seen, corridor)


def countries_of(
    subject: str,
    variant: str | None,
    ends: tuple[str | None, str | None],
    seen: Iterable[str | None],
    corridor: Corridor,
) -> tuple[str, ...]:
    """The countries of a subject's way, in their order: those of its route, of its plan, and where it was seen.

    Where no route is named, the one that leads from origin to destination is meant; where several do, none.
    """
    known = [p for code in ends if code and (p := corridor.resolve(code))]
    planned = _route_points(variant, [p.key for p in known], corridor)
    found = [
        *map(corridor.point, planned),
        *known,
        *(p for code in dict.fromkeys(seen) if code and (p := corridor.resolve(code))),
    ]
    countries = [p.country for p in found]
    if kind_of(subject) == "train":
        countries += [p.country for p in corridor.points if p.railway == local(subject).split("/")[0]][:1]
    return tuple(dict.fromkeys(countries))


def _route_points(variant: str | None, ends: Sequence[str], corridor: Corridor) -> Sequence[str]:
    """The points between the ends, on the variant that is named or on the only one that has both in this order."""
    leading = [v.points for v in corridor.variants if len(ends) == 2 and _leads(v.points, *ends)]
    named = [v.points for v in corridor.variants if v.name == variant]
    found = named or (leading if len(leading) == 1 else [])
    if not found:
        return ()
    points = found[0]
    return points[points.index(ends[0]) : points.index(ends[1]) + 1] if points in leading else points


def _leads(points: Sequence[str], origin: str, destination: str) -> bool:
    return origin in points and destination in points and points.index(origin) <= points.index(destination)
