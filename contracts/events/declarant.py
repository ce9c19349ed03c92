"""What declarants lodge: declarations to a customs service, and their cancellation.

Invariant: the case of a declaration is (`ce_subject`, jurisdiction, procedure, sequence); the office is an
attribute, so a re-route does not change the case.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator
from pydantic_core import PydanticCustomError

from contracts.events.base import Data, Document, Goods, Observed
from contracts.events.fields import Code, Container, Label, Occurred, Text, Wagon, none_given
from contracts.identifiers.subjects import BadSubject, Case, Jurisdiction, Procedure, check_procedure


class Guarantee(Data):
    """Whether a transit guarantee is required, and which; the ground where it is not."""

    required: bool
    ground: Label | None = None
    number: Label | None = None
    amount: Annotated[int, Field(ge=0, le=10**12)] | None = None
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")] | None = None


class _CaseOfSubject(Observed):
    jurisdiction: Jurisdiction
    procedure: Procedure
    sequence: Annotated[int, Field(ge=1, le=999)] = 1

    @model_validator(mode="after")
    def _has_the_procedure(self) -> Self:
        try:
            check_procedure(self.jurisdiction, self.procedure)
        except BadSubject as no_such:
            raise PydanticCustomError("bad_field", "{why}", {"why": str(no_such)}) from None
        return self

    def case(self, about: str) -> Case:
        """The case of a declaration about the consignment or reference `about`."""
        return Case(about, self.jurisdiction, self.procedure, self.sequence)


class DeclarationLodged(_CaseOfSubject):
    """A declaration, or with `stage` "advance" the advance cargo data that precede it.

    `attempt` counts lodgings after a rejection; an amendment is a new revision of the same event.
    """

    stage: Literal["advance", "declaration"] = "declaration"
    attempt: Annotated[int, Field(ge=1, le=99)] = 1
    number: Label | None = None
    office: Code | None = None
    containers: Annotated[list[Container], Field(max_length=200)] = none_given()
    wagons: Annotated[list[Wagon], Field(max_length=200)] = none_given()
    goods: Annotated[list[Goods], Field(max_length=200)] = none_given()
    guarantee: Guarantee | None = None
    documents: Annotated[list[Document], Field(max_length=100)] = none_given()
    valid_until: Occurred | None = None
    remarks: Text | None = None


class DeclarationCancelled(_CaseOfSubject):
    """A declaration withdrawn by its declarant."""

    number: Label | None = None
    remarks: Text | None = None
