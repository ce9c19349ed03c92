"""What a milestone code means: whom it is about, where it sorts, whether it places, moves or only claims.

Invariant: every code is in `MILESTONES` once, and its rank is its own, so that reports of one point at one
instant have one order whoever sorts them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final, Literal

from contracts.milestones.codes import (
    CODES,
    GROUPS,
    SUBJECT_KINDS,
    Group,
    Milestone,
    MilestoneCode,
    Movement,
    Standards,
    SubjectKind,
)
from contracts.milestones.standards import STANDARDS
from contracts.milestones.table import KINDS, ROWS, Row

__all__ = [
    "CLAIMS",
    "CODES",
    "GROUPS",
    "MILESTONES",
    "PHYSICAL_ORDER",
    "SPINE",
    "SUBJECT_KINDS",
    "Group",
    "Milestone",
    "MilestoneCode",
    "Movement",
    "PhysicalOrder",
    "Standards",
    "SubjectKind",
    "codes_of",
    "milestone",
    "rank",
]


def _read(row: Row) -> Milestone:
    code, rank, group, meaning, subjects, movement, marks = row
    return Milestone(
        code=code,
        rank=rank,
        group=group,
        meaning=meaning,
        subjects=frozenset(KINDS[letter] for letter in subjects),
        movement=movement,
        places="P" in marks,
        spine="S" in marks,
        claim="!" in marks,
        standards=STANDARDS.get(code, Standards()),
    )


MILESTONES: Final[Mapping[str, Milestone]] = MappingProxyType({row.code: row for row in map(_read, ROWS)})
"""The whole table, in order of rank."""

SPINE: Final = tuple(row.code for row in MILESTONES.values() if row.spine)
"""The codes that completeness is scored by; at each border, those that its data name come on top."""

CLAIMS: Final = frozenset(row.code for row in MILESTONES.values() if row.claim)
"""The codes that are claims when an operator reports them: customs alone decides."""


@dataclass(frozen=True, slots=True)
class PhysicalOrder:
    """`earlier` cannot happen after `later`, of the same visit or at the next point of the journey."""

    earlier: MilestoneCode
    later: MilestoneCode
    where: Literal["same_visit", "next_point"]


PHYSICAL_ORDER: Final = (
    PhysicalOrder("DEPA", "ARRI", "next_point"),
    PhysicalOrder("DEPA", "BARR", "next_point"),
    PhysicalOrder("ARRI", "DEPA", "same_visit"),
    PhysicalOrder("BARR", "DEPA", "same_visit"),
    PhysicalOrder("GTIN", "GTOT", "same_visit"),
    PhysicalOrder("GCIN", "GCOUT", "same_visit"),
)
"""What can be checked of any two ACT reports without knowing the journey's plan."""


def milestone(code: str) -> Milestone:
    """The row of a code; raises `KeyError` for a text that is no code."""
    return MILESTONES[code]


def rank(code: str) -> int:
    """Where a code sorts among reports of one instant; raises `KeyError` for a text that is no code."""
    return milestone(code).rank


def codes_of(kind: SubjectKind) -> tuple[MilestoneCode, ...]:
    """The codes that can be reported of a kind of subject, in order of rank."""
    return tuple(row.code for row in MILESTONES.values() if kind in row.subjects)
