"""What all event data have in common.

Invariant: unknown fields are ignored by readers, and a value of the wrong JSON type is never converted.
"""

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

from contracts.fields import Code, Hs, Instant, Label, Occurred, PartyKey


class Data(BaseModel):
    """The data of an event or a part of it."""

    model_config = ConfigDict(frozen=True, extra="ignore", strict=True, allow_inf_nan=False)


class Revision(Data):
    """One revision of something reported: the newest `updated_at` of a (source, id) counts.

    `retracted` voids the report (DCSA T&T 3.0 `isRetracted`); a later revision can bring it back.
    """

    updated_at: Instant
    retracted: bool = False


class Observed(Revision):
    """A revision that says when something occurred."""

    occurred_at: Occurred


Channel = Literal["system", "telephone", "email", "messenger", "sheet", "form"]
Classifier = Literal["ACT", "EST", "PLN"]


class Reference(Data):
    """A document or national number of a consignment: a note, a declaration, an invoice."""

    scheme: Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
    issuer: PartyKey
    number: Annotated[str, Field(pattern=r"^[A-Za-z0-9][A-Za-z0-9._/-]{0,63}$")]

    @property
    def key(self) -> str:
        return f"reference:{self.scheme}:{self.issuer}:{self.number}"


class Seal(Data):
    """A seal (ISO 17712 class where known) and why it was affixed."""

    number: Label
    kind: Literal["bolt", "cable", "wire", "navigation", "other"] = "other"
    affixed_by: Literal["carrier", "shipper", "customs", "terminal", "other"] = "other"
    reason: Literal["first", "after_inspection", "after_damage"] = "first"
    removed: bool = False


class Position(Data):
    """A WGS 84 position in degrees, with its accuracy in metres where known."""

    latitude: Annotated[float, Field(ge=-90, le=90, strict=False)]
    longitude: Annotated[float, Field(ge=-180, le=180, strict=False)]
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
