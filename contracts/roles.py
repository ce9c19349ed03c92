"""Who may report what, by role: kinds of subjects, codes, and what a role's own word makes a fact.

Invariant: this is the whole of what a role may say at acceptance. Whether it has anything to do with the subject is
for the fold, which knows what has happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Final

from contracts.identifiers.subjects import Kind
from contracts.milestones.codes import CODES

_BOOKING: Final = frozenset({"BKD", "BKX"})
_UNITS: Final[frozenset[Kind]] = frozenset({"wagon", "container", "consignment", "reference"})
ENDS: Final = frozenset({"DLVD", "STRP", "MTRT"})
"""The codes that end a journey or a claim: they count from who holds the unit there."""

BEGINS: Final = frozenset({"STUF", "GTIN", "LOAD"})
"""The codes that begin a new use of a unit that was delivered."""


@dataclass(frozen=True, slots=True)
class Role:
    """What a role may report first-hand.

    `kinds` are the subjects that it may speak of, `codes` what it may say of them. `facts` are the codes that are
    facts when it says them; any other is shown as its claim and moves nothing. With `placed` a report names a point,
    one of the party's own.
    """

    kinds: frozenset[Kind]
    codes: frozenset[str]
    facts: frozenset[str]
    placed: bool = False


_CARRIED: Final = frozenset(CODES) - _BOOKING

ROLES: Final[Mapping[str, Role]] = MappingProxyType(
    {
        "railway": Role(_UNITS | {"run", "train"}, _CARRIED, _CARRIED),
        "terminal": Role(_UNITS, _CARRIED - {"NOTE"}, _CARRIED, placed=True),
        "forwarder": Role(_UNITS, frozenset(CODES), frozenset({"BKD", "NOTE", "BKX", "STUF", "SEAL"})),
    }
)
"""The roles that report milestones; whoever is not here reports none."""
