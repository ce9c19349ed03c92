"""The countries on a subject's route, which decide who may see it.

Invariant: a pure function of the picture and the corridor data.
"""

from collections.abc import Iterable, Sequence

from contracts.corridor.corridor import Corridor
from contracts.events.tracking import SubjectChanged
from contracts.identifiers.subjects import kind_of, local


def route_of(picture: SubjectChanged, corridor: Corridor) -> tuple[str, ...]:
    """The countries of a subject's route, from its picture."""
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
    """The countries of a subject in order: those of its route variant, its ends, and the points that have seen it.

    Without a `variant`, the only variant that leads from origin to destination counts; if several do, none counts.
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
    """The points between the ends, on the named variant or on the only one that has both in this order."""
    leading = [v.points for v in corridor.variants if len(ends) == 2 and _leads(v.points, *ends)]
    named = [v.points for v in corridor.variants if v.name == variant]
    found = named or (leading if len(leading) == 1 else [])
    if not found:
        return ()
    points = found[0]
    return points[points.index(ends[0]) : points.index(ends[1]) + 1] if points in leading else points


def _leads(points: Sequence[str], origin: str, destination: str) -> bool:
    return origin in points and destination in points and points.index(origin) <= points.index(destination)
