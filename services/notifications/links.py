"""One function for each event that notifications consumes: which entities it names, and what they read.

Invariant: reading goes one way: consignment, container, wagon, train; a run is read by its trains. A consignment is
read by everything whose audience its parties belong to.
"""

from collections.abc import Callable, Iterator
from typing import Final, cast

from contracts import catalogue
from contracts.envelope.codec import Event
from contracts.events.base import Data
from contracts.events.customs import ArrivalAnnounced, CaseChanged, ViolationChanged
from contracts.events.tracking import ExceptionChanged, SubjectChanged
from contracts.identifiers.subjects import kind_of
from services.chassis.ingest.records import Link
from services.notifications.domain.facts import about_of


def on_subject_changed(subject: str, data: SubjectChanged) -> Iterator[Link]:
    """A picture: a unit reads the consignments that it carries, now or before; what carries it reads the unit.

    A train reads its run as well: it goes where that goes.
    """
    yield subject, ""
    if data.run and kind_of(subject) == "train":
        yield subject, data.run
    for association in data.associations:
        if association.relation == "in_consignment":
            yield subject, association.subject
        elif association.relation in ("on_wagon", "in_train"):
            yield association.subject, subject
    if kind_of(subject) == "consignment":
        for member in data.members:
            yield member.subject, subject


def on_exception_changed(entity: str, data: ExceptionChanged) -> Iterator[Link]:
    """An exception reads the subject that it is about."""
    yield entity, ""
    yield entity, data.subject


def on_case_changed(entity: str, data: CaseChanged) -> Iterator[Link]:
    """A case reads its consignment."""
    yield entity, ""
    if data.consignment:
        yield entity, data.consignment


def on_violation_changed(entity: str, data: ViolationChanged) -> Iterator[Link]:
    """A violation reads the unit that left, and the consignment that it left with."""
    yield entity, ""
    yield entity, data.subject
    if about := about_of(data):
        yield entity, about


def on_arrival_announced(entity: str, data: ArrivalAnnounced) -> Iterator[Link]:
    """An announcement reads its consignment."""
    yield entity, ""
    yield entity, data.consignment


_LINKS: Final = cast(
    dict[str, Callable[[str, Data], Iterator[Link]]],
    {
        catalogue.SUBJECT: on_subject_changed,
        catalogue.EXCEPTION: on_exception_changed,
        catalogue.CASE: on_case_changed,
        catalogue.VIOLATION: on_violation_changed,
        catalogue.ARRIVAL: on_arrival_announced,
    },
)


def links_of(event: Event) -> Iterator[Link]:
    """The links of an event, by its type."""
    return _LINKS[event.type](event.subject, event.data)
