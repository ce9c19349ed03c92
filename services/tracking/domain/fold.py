"""From everything known of one subject to its picture and publications.

Invariant: raise `FOLD_NUMBER` with every change that can draw another picture from the same reports.
"""

from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final

from contracts import catalogue, topics
from contracts.corridor.corridor import Corridor
from contracts.corridor.durations import load_durations
from contracts.identifiers.subjects import kind_of
from services.chassis.projection.fold import Folded, Inputs, Publication
from services.tracking.domain import picture, reading, stored
from services.tracking.domain.consignments import fold_consignment
from services.tracking.domain.containers import fold_container
from services.tracking.domain.eta.of_pictures import expected
from services.tracking.domain.picture import Drawn
from services.tracking.domain.reading import Sorted
from services.tracking.domain.references import fold_reference
from services.tracking.domain.runs import fold_run
from services.tracking.domain.shared import Own
from services.tracking.domain.trains import fold_train, fold_wagon

FOLD_NUMBER: Final = 26

# What the picture has of a subject that somebody merely named.
_OF_ANYTHING: Final = frozenset({"subject", "kind", "known", "status"})

CLOSED: Final[Mapping[str, str]] = MappingProxyType({"state": "closed"})
"""What closes an exception that is open."""
_EXCEPTION: Final = ("rule", "leg", "severity", "opened_at", "causes", "about", "statements")

Draw = Callable[[Inputs, Sorted, Corridor], tuple[Drawn, Own]]
_KINDS: Final[Mapping[str, Draw]] = MappingProxyType(
    {
        "run": fold_run,
        "train": fold_train,
        "wagon": fold_wagon,
        "container": fold_container,
        "consignment": fold_consignment,
        "reference": fold_reference,
    }
)


def fold(inputs: Inputs, corridor: Corridor, as_of: datetime) -> Folded:
    """The picture of one subject at `as_of`, what others read of it, and what is published."""
    found = reading.read(inputs, corridor, as_of)
    drawn, own = _KINDS[kind_of(inputs.subject)](inputs, found, corridor)
    content = picture.draw(drawn, corridor)
    ahead = expected(content, drawn.facts, drawn.goes, load_durations(corridor.id), as_of)
    if ahead.arrivals:
        content["estimates"] = ahead.arrivals
    due = min(filter(None, (*found.due, ahead.due)), default=None)
    return Folded(
        inputs.subject,
        content,
        stored.write(picture.summary(content["status"], drawn.facts), own),
        due,
        [_subject(content, corridor), *_exceptions(inputs.subject, content)],
        drawn.parked,
    )


def _subject(content: Mapping[str, Any], corridor: Corridor) -> Publication:
    data = {"fold": FOLD_NUMBER, "corridor": corridor.id, "corridor_version": corridor.version}
    told_on = (topics.TRACKING_EVENTS.name,)
    is_empty = content.keys() <= _OF_ANYTHING and not content["known"]
    return Publication(content["subject"], catalogue.SUBJECT, told_on, data, whole=True, empty=is_empty)


def _exceptions(subject: str, content: Mapping[str, Any]) -> Iterator[Publication]:
    """The exceptions that are open; one that is gone is told to be closed."""
    for one in content.get("exceptions", ()):
        entity = _entity(subject, one)
        data = {"exception": entity, "subject": subject, "state": "open", "causes": []} | {
            name: one[name] for name in _EXCEPTION if one.get(name)
        }
        yield Publication(entity, catalogue.EXCEPTION, (topics.TRACKING_EVENTS.name,), data, closing=CLOSED)


def _entity(subject: str, exception: Mapping[str, Any]) -> str:
    leg = f"/{exception['leg']}" if exception.get("leg") else ""
    return f"exception:{exception['rule']}/{subject}{leg}"[:300]
