"""What all event data have in common.

Invariant: unknown fields are ignored by readers, and a value of the wrong JSON type is never converted. An
enumeration is closed for whoever writes it, and open for whoever reads what a service has published.
"""

from datetime import timedelta
from typing import Annotated, Any, Final, Literal, Self, TypeVar

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    ValidationError,
    ValidationInfo,
    ValidatorFunctionWrapHandler,
    WrapValidator,
    model_validator,
)

from contracts.events.fields import Code, Hs, Instant, Label, Occurred, PartyKey, subject_key

FUTURE_SKEW: Final = timedelta(minutes=10)
"""How far the clock of a sender may be ahead of ours."""

OPEN: Final = {"enumerations": "open"}
"""The validation context of published data, in which a value that this reader does not know is `other`."""


def _or_other(value: Any, known: ValidatorFunctionWrapHandler, info: ValidationInfo) -> Any:
    try:
        return known(value)
    except ValidationError:
        if info.context == OPEN and isinstance(value, str):
            return "other"
        raise


_Values = TypeVar("_Values")
Enumerated = Annotated[_Values, WrapValidator(_or_other)]
"""An enumeration of published data: a newer service may send a value that is not listed, read as `other`."""


class Data(BaseModel):
    """The data of an event or a part of it."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False, hide_input_in_errors=True)


class Revision(Data):
    """One revision of something reported: the newest `updated_at` of a (source, id) counts.

    `retracted` voids the report (DCSA T&T 3.0 `isRetracted`); a later revision can bring it back.
    """

    updated_at: Instant
    retracted: bool = False


class Observed(Revision):
    """A revision that says when something occurred."""

    occurred_at: Occurred


Channel = Enumerated[Literal["system", "telephone", "email", "messenger", "sheet", "form"]]
Classifier = Enumerated[Literal["ACT", "EST", "PLN"]]


_reference_key: Final = subject_key("reference")


class Reference(Data):
    """A document or national number of a consignment: a note, a declaration, an invoice."""

    scheme: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    issuer: PartyKey
    number: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]

    @model_validator(mode="after")
    def _is_a_key(self) -> Self:
        _ = self.key
        return self

    @property
    def key(self) -> str:
        """The subject key, in its one spelling: the same that a report gets which names the reference."""
        return _reference_key(f"reference:{self.scheme}:{self.issuer}:{self.number}")


class Seal(Data):
    """A seal (ISO 17712 class where known) and why it was affixed."""

    number: Label
    kind: Enumerated[Literal["bolt", "cable", "wire", "navigation", "other"]] = "other"
    affixed_by: Enumerated[Literal["carrier", "shipper", "customs", "terminal", "other"]] = "other"
    reason: Enumerated[Literal["first", "after_inspection", "after_damage"]] = "first"
    removed: bool = False


class Position(Data):
    """A WGS 84 position in degrees, with its accuracy in metres where known."""

    latitude: Annotated[float, Field(ge=-90, le=90)]
    longitude: Annotated[float, Field(ge=-180, le=180)]
    accuracy_m: Annotated[int, Field(ge=0, le=1_000_000)] | None = None


class Goods(Data):
    """One line of goods; masses in whole kilograms."""

    hs: Hs | None = None
    description: Label | None = None
    packages: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    gross_kg: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    net_kg: Annotated[int, Field(ge=0, le=10_000_000)] | None = None
    un_number: Annotated[str, Field(pattern=r"^[0-9]{4}$")] | None = None
    hazard_class: Code | None = None


class Document(Data):
    """A document that travels with a declaration."""

    type: Code
    number: Label
    issued_by: Label | None = None
