"""One function for each event that tracking consumes: which subjects it names, and what they read because of it.

Invariant: reading goes one way: run plan, train, wagon, container, consignment, run summary.
"""

from collections.abc import Callable, Iterator
from typing import Final, cast

from contracts import catalogue
from contracts.envelope.codec import Event
from contracts.events.base import Data
from contracts.events.operator import ConsignmentBooked, MilestoneReported, TrainComposed, TrainPlanned
from services.chassis.ingest.records import Link


def on_milestone_reported(subject: str, data: MilestoneReported) -> Iterator[Link]:
    """A milestone is about its subject; loading names a wagon, putting in and cutting out name a train."""
    yield subject, ""
    if data.wagon and data.code in ("LOAD", "DISC"):
        yield subject, data.wagon
        yield data.wagon, ""
    if data.train and data.code in ("ATCH", "DTCH"):
        yield subject, data.train
        yield data.train, ""


def on_train_planned(subject: str, data: TrainPlanned) -> Iterator[Link]:
    """A plan is about its train or run; a train reads its run's plan, and the run sums up its trains."""
    yield subject, ""
    if data.run and data.run != subject:
        yield from _in_run(subject, data.run)


def on_train_composed(subject: str, data: TrainComposed) -> Iterator[Link]:
    """A consist is about the train, its wagons, and what they carry."""
    yield subject, ""
    if data.run:
        yield from _in_run(subject, data.run)
    for wagon in data.wagons:
        yield wagon.wagon, subject
        for carried in wagon.containers:
            yield carried, wagon.wagon
        if wagon.consignment:
            yield wagon.consignment, wagon.wagon


def on_consignment_booked(subject: str, data: ConsignmentBooked) -> Iterator[Link]:
    """A booking is about the consignment, what carries it, its references and its run."""
    yield subject, ""
    for carrier in (*data.containers, *data.wagons):
        yield subject, carrier
        yield carrier, ""
    for reference in data.references:
        yield subject, reference.key
        yield reference.key, ""
    if data.run:
        yield data.run, subject


def _in_run(train: str, run: str) -> Iterator[Link]:
    yield train, run
    yield run, train


_LINKS: Final = cast(
    dict[str, Callable[[str, Data], Iterator[Link]]],
    {
        catalogue.MILESTONE: on_milestone_reported,
        catalogue.PLANNED: on_train_planned,
        catalogue.COMPOSED: on_train_composed,
        catalogue.BOOKED: on_consignment_booked,
    },
)


def links_of(event: Event) -> Iterator[Link]:
    """The links of an event, by its type."""
    return _LINKS[event.type](event.subject, event.data)
