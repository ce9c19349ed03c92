"""What is known of a subject's way, as audiences are worked out with it, and as other pictures read it.

Invariant: a way rests on the subject's own picture, on the consignments that it carries and on the run that it
belongs to. What is on board takes a train's news along its own route.
"""

from collections.abc import Iterable, Iterator, Mapping

from contracts.corridor.corridor import Corridor
from contracts.events.tracking import Association, SubjectChanged
from contracts.identifiers.subjects import kind_of
from services.chassis.base import countries, visibility
from services.chassis.base.visibility import Way
from services.notifications.domain.shared import Ride, SharedWay

_RIDES = {"container": "on_wagon", "consignment": "on_wagon", "wagon": "in_train"}

Shared = Mapping[str, SharedWay]


def way_of(data: SubjectChanged, shared: Shared, corridor: Corridor) -> Way:
    """The way of a subject: a train goes where its run goes, and for those to whom its cargo goes."""
    consignments = {s: known.way for s, known in shared.items() if kind_of(s) == "consignment"}
    about = {s: (way.parties, way.route) for s, way in consignments.items()}
    listed = [(a.subject, a.start, a.end) for a in data.associations if a.relation == "in_consignment"]
    route = [*countries.route_of(data, corridor), *_aboard(data, shared)]
    if data.kind == "train" and data.run and data.run in shared:
        route += shared[data.run].way.route
    own = data.kind == "consignment"
    parties = visibility.parties_of(data.subject, (p.party for p in data.parties)) if own else frozenset[str]()
    return Way(data.subject, tuple(dict.fromkeys(route)), parties, visibility.claims_of(listed, about))


def shared_way(way: Way, data: SubjectChanged, shared: Shared) -> SharedWay:
    """A way as those read it whose audience depends on it, with what it rode on, and where that goes."""
    return SharedWay(way, tuple(_rides(data, way, shared)))


def _aboard(data: SubjectChanged, shared: Shared) -> Iterator[str]:
    """The countries to which what is, or was, on board of a train goes."""
    if data.kind == "train":
        yield from (country for ride in _on(data.subject, shared) for country in ride.going)


def _rides(data: SubjectChanged, way: Way, shared: Shared) -> Iterator[Ride]:
    for one in data.associations:
        if one.relation == _RIDES.get(data.kind):
            going = sorted(set(_going(data, way, one, shared)))
            if going:
                yield Ride(one.subject, one.start, one.end, tuple(going))


def _going(data: SubjectChanged, way: Way, one: Association, shared: Shared) -> Iterable[str]:
    """To which countries that goes which a subject has on board, or is, while it is associated."""
    if data.kind == "consignment":
        return way.route
    if data.kind == "container":
        return (c for claim in way.claims if claim.meets(one.start, one.end) for c in claim.route)
    return (c for ride in _on(data.subject, shared) if ride.meets(one.start, one.end) for c in ride.going)


def _on(subject: str, shared: Shared) -> Iterator[Ride]:
    """The rides on a train or wagon."""
    return (ride for known in shared.values() for ride in known.rides if ride.on == subject)
