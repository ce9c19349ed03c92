"""The closed list of milestone codes, and the columns of their table.

Invariant: the list is closed for each version of the contract: a new code makes a new `.vN` of the event that
carries it.
"""

from dataclasses import dataclass
from typing import Final, Literal, get_args

SubjectKind = Literal["run", "train", "wagon", "container", "consignment"]
SUBJECT_KINDS: Final[tuple[SubjectKind, ...]] = get_args(SubjectKind)

Movement = Literal["arrives", "departs", "passes", "crosses"]

Group = Literal[
    "booking",
    "arrival",
    "handover",
    "gauge_change",
    "customs",
    "loading",
    "consist",
    "departure",
    "crossing",
    "incident",
    "delivery",
]
"""Groups in order of rank. Arrival to crossing is the order of things at one point; what has no place in it
comes before (papers) or after (an incident on the day of a move, delivery to the consignee)."""
GROUPS: Final[tuple[Group, ...]] = get_args(Group)

MilestoneCode = Literal[
    "BKD",
    "NOTE",
    "BKX",
    "ARRI",
    "BARR",
    "GTIN",
    "OFFR",
    "HREF",
    "HACC",
    "GCIN",
    "GCOUT",
    "PREA",
    "CLOD",
    "CREJ",
    "CACC",
    "CUSS",
    "CUSI",
    "CHLD",
    "CINS",
    "CHLX",
    "CREF",
    "CREL",
    "CDIS",
    "PLACED",
    "DISC",
    "AVPU",
    "STUF",
    "SEAL",
    "LOAD",
    "REMOVED",
    "DTCH",
    "ATCH",
    "COMP",
    "PASS",
    "DEPA",
    "GTOT",
    "XBRD",
    "ETA",
    "DLAY",
    "STOP",
    "RESM",
    "CANC",
    "TAMP",
    "DAMG",
    "DRLM",
    "LOST",
    "DLVD",
    "STRP",
    "MTRT",
]
"""What can be reported of a run, train, wagon, container or consignment."""
CODES: Final[tuple[MilestoneCode, ...]] = get_args(MilestoneCode)

ARRIVALS: Final[frozenset[MilestoneCode]] = frozenset({"ARRI", "BARR"})
"""The codes that say of a border station the same: that the subject has arrived there."""


@dataclass(frozen=True, slots=True)
class Standards:
    """How a code is written in the standards; empty where they have nothing for it.

    `dcsa`: DCSA T&T event type and code (with document type). `epcis`: EPCIS event and action. `biz_step` and
    `dispositions`: CBV 2.0. `rec24`: UN/CEFACT Rec 24 rev 6; `rec24_near` come close, and may be written but
    not read back. `taf`: TAF TSI message, with the running status. None of them is unique to one code.
    """

    dcsa: tuple[str, ...] = ()
    epcis: str | None = None
    biz_step: str | None = None
    dispositions: tuple[str, ...] = ()
    rec24: tuple[int, ...] = ()
    rec24_near: tuple[int, ...] = ()
    taf: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Milestone:
    """One row of the table.

    `rank` orders codes of one point at one instant. `places`: an ACT of it says that the subject is, or was,
    at the point. `movement`: what it does to the stay there. `spine`: completeness is scored by it. `claim`:
    it is for customs to say, so that an operator's report of it is shown as a claim and decides nothing.
    """

    code: MilestoneCode
    rank: int
    group: Group
    meaning: str
    subjects: frozenset[SubjectKind]
    movement: Movement | None
    places: bool
    spine: bool
    claim: bool
    standards: Standards
