"""Borders: which station and which customs stand on either side, and in what order things happen there.

Invariant: where the handover is made, where the gauge changes and whether customs have a say at all are data
of each border; no code knows a border by name.
"""

from typing import Annotated, Literal

from pydantic import Field, model_validator

from contracts.corridor.data_files import Frozen
from contracts.corridor.locations import PartyKey, PointKey
from contracts.milestones.lookup import MilestoneCode

JurisdictionKey = Annotated[str, Field(pattern=r"^[A-Z]{2,8}$")]
Procedure = Literal["EXPORT", "TRANSIT", "IMPORT"]


class CustomsPost(Frozen):
    """The customs of one side: whose law, and the procedure that is usual there.

    At an exit the goods have to be let out before they leave for the frontier, at an entry to be released before they
    leave the entry zone.
    """

    jurisdiction: JurisdictionKey
    procedure: Procedure


class BorderSide(Frozen):
    """The station of one side; `customs` is None where no formality is made."""

    point: PointKey
    customs: CustomsPost | None


class Handover(Frozen):
    """Where responsibility passes, and to which railway."""

    point: PointKey
    receiving: PartyKey


class Step(Frozen):
    """A report that completeness expects at a border."""

    point: PointKey
    code: MilestoneCode


class Border(Frozen):
    """A border in the direction of travel.

    `entry_zone`: the points that can be reached without release. `gauge_change`: the point where the gauge
    changes, which may lie beyond the entry station, or None.
    """

    key: str
    exit: BorderSide
    entry: BorderSide
    entry_zone: Annotated[tuple[PointKey, ...], Field(min_length=1)]
    handover: Handover
    gauge_change: PointKey | None
    order: tuple[Step, ...]

    @model_validator(mode="after")
    def _check(self) -> "Border":
        self._check_customs()
        if self.entry.point not in self.entry_zone:
            raise ValueError(f"{self.key}: the entry zone does not hold the entry station")
        expected = {(step.point, step.code) for step in self.order}
        if not {step.point for step in self.order} <= set(self.all_points):
            raise ValueError(f"{self.key}: a report is expected at a point that the border does not name")
        if (self.handover.point, "HACC") not in expected:
            raise ValueError(f"{self.key}: no HACC at the point of handover")
        changes = {point for point, code in expected if code in ("GCIN", "GCOUT")}
        if changes != ({self.gauge_change} if self.gauge_change else set()):
            raise ValueError(f"{self.key}: gauge change reports and the point of gauge change differ")
        return self

    def _check_customs(self) -> None:
        leaving, entering = self.exit.customs, self.entry.customs
        if (leaving is None) != (entering is None):
            raise ValueError(f"{self.key}: customs on one side only")
        if leaving and leaving.procedure == "IMPORT":
            raise ValueError(f"{self.key}: nothing is imported where goods leave")
        if entering and entering.procedure == "EXPORT":
            raise ValueError(f"{self.key}: nothing is exported where goods enter")

    @property
    def has_customs_formality(self) -> bool:
        return self.exit.customs is not None

    @property
    def all_points(self) -> tuple[str, ...]:
        """Every point that the border's data name."""
        changes = (self.gauge_change,) if self.gauge_change else ()
        return (*self.points, *self.entry_zone, self.handover.point, *changes)

    @property
    def jurisdictions(self) -> tuple[str, ...]:
        """The jurisdictions whose customs stand here."""
        return tuple(side.customs.jurisdiction for side in (self.exit, self.entry) if side.customs)

    @property
    def points(self) -> tuple[str, str]:
        """The exit and the entry station."""
        return self.exit.point, self.entry.point
