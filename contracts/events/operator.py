"""What operators report: milestones, plans, consists and bookings.

Invariant: every one of them is a revision of something identified by (source, id), and names its subject in
`ce_subject`.
"""

from typing import Annotated, Literal

from pydantic import Field

from contracts.events.base import (
    Channel,
    Classifier,
    Data,
    Goods,
    Observed,
    Position,
    Reference,
    Revision,
    Seal,
)
from contracts.events.fields import (
    Code,
    Consignment,
    Container,
    Instant,
    Kilograms,
    Label,
    PartyKey,
    Run,
    Text,
    Train,
    Wagon,
    none_given,
)
from contracts.milestones.lookup import MilestoneCode


class MilestoneReported(Observed):
    """A milestone of a train, wagon, container, consignment or run (domain table, DCSA and TAF codes mapped).

    `point` is our own key or a `scheme:value` alias. `wagon`, `train`, `container` and `consignment` are the
    other things that the milestone is about, such as the wagon of a LOAD. `reported_for` names the party whose
    report this is when somebody else enters it.
    """

    code: MilestoneCode
    classifier: Classifier
    corridor: Code = "pk-ru"
    point: Code | None = None
    wagon: Wagon | None = None
    train: Train | None = None
    container: Container | None = None
    consignment: Consignment | None = None
    handover_to: PartyKey | None = None
    seals: Annotated[list[Seal], Field(max_length=20)] = none_given()
    position: Position | None = None
    cause: Code | None = None
    delay_minutes: Annotated[int, Field(ge=-100_000, le=100_000)] | None = None
    reported_for: PartyKey | None = None
    channel: Channel = "system"
    remarks: Text | None = None


class Call(Data):
    """A planned call at a point; the first has no arrival, the last no departure."""

    point: Code
    arrival: Instant | None = None
    departure: Instant | None = None


class TrainPlanned(Revision):
    """The plan of a train or of a whole service run, as calls in order of travel."""

    corridor: Code = "pk-ru"
    corridor_version: Annotated[int, Field(ge=1, le=10_000)] = 1
    route_variant: Code | None = None
    run: Run | None = None
    calls: Annotated[list[Call], Field(min_length=1, max_length=200)]
    status: Literal["planned", "cancelled", "postponed", "rerouted"] = "planned"
    cause: Code | None = None
    remarks: Text | None = None


class ConsistWagon(Data):
    """A wagon of a consist, in its position from the head; masses in kilograms, length in millimetres."""

    wagon: Wagon
    position: Annotated[int, Field(ge=1, le=200)]
    containers: Annotated[list[Container], Field(max_length=6)] = none_given()
    consignment: Consignment | None = None
    gross_kg: Kilograms | None = None
    tare_kg: Kilograms | None = None
    length_mm: Annotated[int, Field(ge=1, le=100_000)] | None = None
    un_numbers: Annotated[list[Annotated[str, Field(pattern=r"^[0-9]{4}$")]], Field(max_length=20)] = none_given()
    cover: Code | None = None
    destination: Code | None = None


class TrainComposed(Observed):
    """A consist: the whole train in order (TAF TrainComposition; 1520 telegram-natural-sheet, message 02)."""

    corridor: Code = "pk-ru"
    point: Code
    run: Run | None = None
    wagons: Annotated[list[ConsistWagon], Field(max_length=200)]
    reported_for: PartyKey | None = None
    channel: Channel = "system"
    remarks: Text | None = None


class ConsignmentParty(Data):
    """A party of a consignment and its role."""

    party: PartyKey
    role: Literal["shipper", "consignee", "forwarder", "carrier", "notify", "declarant"]


class ConsignmentBooked(Observed):
    """A booking: what goes from where to where, in which containers or wagons, for whom."""

    corridor: Code = "pk-ru"
    route_variant: Code | None = None
    run: Run | None = None
    containers: Annotated[list[Container], Field(max_length=200)] = none_given()
    wagons: Annotated[list[Wagon], Field(max_length=200)] = none_given()
    parties: Annotated[list[ConsignmentParty], Field(max_length=40)] = none_given()
    origin: Code
    destination: Code
    goods: Annotated[list[Goods], Field(max_length=200)] = none_given()
    references: Annotated[list[Reference], Field(max_length=100)] = none_given()
    status: Literal["confirmed", "cancelled"] = "confirmed"
    description: Label | None = None
    remarks: Text | None = None
