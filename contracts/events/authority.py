"""What customs services send: decisions on cases, and holds.

Invariant: a decision names its case in `ce_subject`; a hold names what it stops there, and is an object of its
own, known by (authority, hold id).
"""

from typing import Annotated, Literal, Self

from pydantic import ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.events.base import Observed, Seal
from contracts.events.fields import Code, Container, Label, Occurred, Text, Wagon, none_given

Decision = Literal[
    "accept",
    "reject",
    "review",
    "inspect",
    "inspected",
    "release",
    "refuse",
    "seize",
    "return",
    "cancel",
    "start_transit",
    "extend",
    "present",
    "let_out",
    "discharge",
    "discrepancy",
    "claim",
    "confiscate",
    "amend",
]

HoldReason = Literal[
    "DOC_MISSING",
    "DOC_MISMATCH",
    "VALUE",
    "TARIFF",
    "ORIGIN",
    "WEIGHT_GT5",
    "SEAL_BROKEN",
    "SEAL_MISMATCH",
    "SEAL_MISSING",
    "CONTAINER_DAMAGED",
    "CONTAINER_NOT_DECLARED",
    "LATE_ARRIVAL",
    "ROUTE_DEVIATION",
    "GUARANTEE_INVALID",
    "GUARANTEE_SHORT",
    "DUTY_UNPAID",
    "SPS_PLANT",
    "SPS_VET",
    "PROHIBITED",
    "SANCTION_CHECK",
    "LICENCE",
    "RANDOM",
    "INTEL",
    "NAV_SEAL_ALARM",
    "SYSTEM_DOWN",
]

HoldId = Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]


class DecisionIssued(Observed):
    """A decision on a case, made here or transcribed from the national system with its number there.

    `reason` is a hold or inspection reason, a rejection reason (FORMAT, RULE, DUPLICATE, WRONG_OFFICE,
    NO_ADVANCE_INFO) or a closing reason (NORMAL, PARTIAL, EXCEPTION). `number` is the declaration's number,
    given with `accept`. `limit` and `limit_office` are the delivery limit of `start_transit` and `extend`.
    `containers` and `wagons` are those that the decision is about, none for the whole case; a discharge with the
    reason PARTIAL names what it writes off. `let_out` says that goods were presented and may leave the territory.
    `seals` are those put on or, with `removed`, taken off.
    """

    model_config = ConfigDict(json_schema_extra={"anyOf": [{"required": ["officer"]}, {"required": ["system"]}]})

    decision: Decision
    reason: Code | None = None
    office: Code | None = None
    officer: Label | None = None
    system: Label | None = None
    origin: Literal["decided_here", "transcribed"] = "decided_here"
    national_number: Label | None = None
    number: Label | None = None
    limit: Occurred | None = None
    limit_office: Code | None = None
    seals: Annotated[list[Seal], Field(max_length=20)] = none_given()
    remarks: Text | None = None
    containers: Annotated[list[Container], Field(max_length=200)] = none_given()
    wagons: Annotated[list[Wagon], Field(max_length=200)] = none_given()

    @model_validator(mode="after")
    def _names_who_decided(self) -> Self:
        if self.officer is None and self.system is None:
            raise PydanticCustomError("bad_field", "a decision names its officer or its system")
        if self.origin == "transcribed" and self.national_number is None:
            raise PydanticCustomError("bad_field", "a transcribed decision has its national_number")
        return self


class HoldPlaced(Observed):
    """A hold on a consignment, container, wagon or case; several may be open at once."""

    hold: HoldId
    reason: HoldReason
    authority: Literal["customs", "plant_health", "veterinary", "railway", "security"] = "customs"
    office: Code | None = None
    officer: Label | None = None
    system: Label | None = None
    remarks: Text | None = None


class HoldLifted(Observed):
    """The lifting of a hold; it releases nothing by itself."""

    hold: HoldId
    office: Code | None = None
    officer: Label | None = None
    system: Label | None = None
    remarks: Text | None = None
