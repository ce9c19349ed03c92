"""The table of event types: name, model, who sends it, what its `ce_subject` may be.

Invariant: every type that any topic carries is in this table once; schemas, examples, topics and the AsyncAPI
document are made from it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from contracts.events import authority, customs, declarant, notifications, operator, receipts, tracking
from contracts.events.base import Data

Sender = Literal["operator", "declarant", "authority", "tracking", "customs", "notifications", "service"]


@dataclass(frozen=True, slots=True)
class EventType:
    """One type: `subjects` are the kinds of subject key that it may name; empty means any text."""

    name: str
    model: type[Data]
    sender: Sender
    subjects: tuple[str, ...] = ()

    @property
    def incoming(self) -> bool:
        """Whether it is sent to us, and so held to the closed enumerations."""
        return self.sender in ("operator", "declarant", "authority")


_UNITS: Final = ("run", "train", "wagon", "container", "consignment", "reference")
_ABOUT: Final = ("consignment", "reference")

_ALL: Final = (
    EventType("corridor.milestone.reported.v1", operator.MilestoneReported, "operator", _UNITS),
    EventType("corridor.train.planned.v1", operator.TrainPlanned, "operator", ("train", "run")),
    EventType("corridor.train.composed.v1", operator.TrainComposed, "operator", ("train",)),
    EventType("corridor.consignment.booked.v1", operator.ConsignmentBooked, "operator", ("consignment",)),
    EventType("corridor.declaration.lodged.v1", declarant.DeclarationLodged, "declarant", _ABOUT),
    EventType("corridor.declaration.cancelled.v1", declarant.DeclarationCancelled, "declarant", _ABOUT),
    EventType("corridor.decision.issued.v1", authority.DecisionIssued, "authority", ("case",)),
    EventType(
        "corridor.hold.placed.v1",
        authority.HoldPlaced,
        "authority",
        ("case", "container", "consignment", "wagon"),
    ),
    EventType(
        "corridor.hold.lifted.v1",
        authority.HoldLifted,
        "authority",
        ("case", "container", "consignment", "wagon"),
    ),
    EventType("corridor.receipt.issued.v1", receipts.ReceiptIssued, "service"),
    EventType("corridor.deadletter.recorded.v1", receipts.DeadLetterRecorded, "service"),
    EventType("corridor.subject.changed.v1", tracking.SubjectChanged, "tracking"),
    EventType("corridor.exception.changed.v1", tracking.ExceptionChanged, "tracking"),
    EventType("corridor.case.changed.v1", customs.CaseChanged, "customs"),
    EventType("corridor.violation.changed.v1", customs.ViolationChanged, "customs"),
    EventType("corridor.arrival.announced.v1", customs.ArrivalAnnounced, "customs"),
    EventType("corridor.decision.answered.v1", customs.DecisionAnswered, "customs"),
    EventType("corridor.notification.published.v1", notifications.NotificationPublished, "notifications"),
)

TYPES: Final[Mapping[str, EventType]] = MappingProxyType({t.name: t for t in _ALL})

MILESTONE: Final = "corridor.milestone.reported.v1"
PLANNED: Final = "corridor.train.planned.v1"
COMPOSED: Final = "corridor.train.composed.v1"
BOOKED: Final = "corridor.consignment.booked.v1"
LODGED: Final = "corridor.declaration.lodged.v1"
CANCELLED: Final = "corridor.declaration.cancelled.v1"
DECISION: Final = "corridor.decision.issued.v1"
HOLD_PLACED: Final = "corridor.hold.placed.v1"
HOLD_LIFTED: Final = "corridor.hold.lifted.v1"
RECEIPT: Final = "corridor.receipt.issued.v1"
DEAD_LETTER: Final = "corridor.deadletter.recorded.v1"
SUBJECT: Final = "corridor.subject.changed.v1"
EXCEPTION: Final = "corridor.exception.changed.v1"
CASE: Final = "corridor.case.changed.v1"
VIOLATION: Final = "corridor.violation.changed.v1"
ARRIVAL: Final = "corridor.arrival.announced.v1"
ANSWER: Final = "corridor.decision.answered.v1"
NOTIFICATION: Final = "corridor.notification.published.v1"


def select(*senders: Sender) -> Mapping[str, EventType]:
    """The types that these senders send."""
    return {name: kind for name, kind in TYPES.items() if kind.sender in senders}


def name_of(model: type[Data]) -> str:
    """The type name of a model of this table; raises `KeyError`."""
    for kind in _ALL:
        if kind.model is model:
            return kind.name
    raise KeyError(model.__name__)
