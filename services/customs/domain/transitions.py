"""The transition table of a customs case.

Invariant: every state and trigger of the table of the domain is here once; what is not here is not allowed.
A trigger may be given again in its own state where it then says something new: an outcome, a later limit.
"""

from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

NOT_FILED: Final = "NOT_FILED"
STATES: Final = (
    "NOT_FILED",
    "PRE_ADVISED",
    "LODGED",
    "REJECTED",
    "ACCEPTED",
    "DOC_REVIEW",
    "INSPECTION_ORDERED",
    "INSPECTING",
    "RELEASED",
    "IN_TRANSIT",
    "OVERDUE",
    "PRESENTED",
    "DISCREPANCY",
    "SEIZED",
    "REFUSED",
    "CLAIM",
    "CLOSED",
    "DISCHARGED",
    "CANCELLED",
)
ENDS: Final = frozenset({"CLOSED", "DISCHARGED", "CANCELLED"})

_ACCEPTED: Final = (
    *("ACCEPTED", "DOC_REVIEW", "INSPECTION_ORDERED", "INSPECTING", "RELEASED"),
    *("IN_TRANSIT", "OVERDUE", "PRESENTED", "DISCREPANCY"),
)

# trigger -> {state: next state}
_TABLE: Final[dict[str, dict[str, str]]] = {
    "advise": {"NOT_FILED": "PRE_ADVISED"},
    "lodge": {"NOT_FILED": "LODGED", "PRE_ADVISED": "LODGED", "REJECTED": "LODGED", "REFUSED": "LODGED"},
    "cancel": dict.fromkeys(("PRE_ADVISED", "LODGED", "REJECTED", "ACCEPTED", "DOC_REVIEW"), "CANCELLED"),
    "accept": {"LODGED": "ACCEPTED"},
    "reject": {"LODGED": "REJECTED"},
    "review": dict.fromkeys(("ACCEPTED", "INSPECTION_ORDERED", "INSPECTING"), "DOC_REVIEW"),
    "inspect": dict.fromkeys(("ACCEPTED", "DOC_REVIEW", "RELEASED", "IN_TRANSIT", "DISCREPANCY"), "INSPECTION_ORDERED"),
    "inspected": dict.fromkeys(("INSPECTION_ORDERED", "INSPECTING"), "INSPECTING"),
    "release": dict.fromkeys(("ACCEPTED", "DOC_REVIEW", "INSPECTING", "SEIZED"), "RELEASED"),
    "refuse": dict.fromkeys(("DOC_REVIEW", "INSPECTING"), "REFUSED"),
    "seize": dict.fromkeys(("INSPECTING", "DISCREPANCY"), "SEIZED"),
    "return": dict.fromkeys(("SEIZED", "REFUSED"), "CLOSED"),
    "start_transit": dict.fromkeys(("RELEASED", "INSPECTING"), "IN_TRANSIT"),
    "extend": dict.fromkeys(("IN_TRANSIT", "OVERDUE"), "IN_TRANSIT"),
    "overdue": {"IN_TRANSIT": "OVERDUE"},
    "present": {"INSPECTION_ORDERED": "INSPECTING", "IN_TRANSIT": "PRESENTED", "OVERDUE": "PRESENTED"},
    "discharge": dict.fromkeys(("PRESENTED", "DISCREPANCY", "CLAIM"), "DISCHARGED"),
    "discrepancy": {"PRESENTED": "DISCREPANCY"},
    "claim": dict.fromkeys(("OVERDUE", "DISCREPANCY"), "CLAIM"),
    # Customs take a declarant's change over; the case stays where it is.
    "amend": {state: state for state in _ACCEPTED},
}
# What differs by procedure: an import is closed after its release, and is never in transit.
_IMPORT: Final[dict[str, dict[str, str]]] = {"discharge": {"RELEASED": "CLOSED"}, "start_transit": {}, "extend": {}}

# Goods that are inspected go on in transit only if the inspection was ordered on the way.
_EN_ROUTE: Final = ("INSPECTING", "start_transit")

TABLE: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(_TABLE)

# Where the law of a national system takes a case, whatever we know of the steps before.
TARGET: Final[Mapping[str, str]] = MappingProxyType(
    {trigger: next(iter(states.values())) for trigger, states in _TABLE.items() if trigger != "amend"}
    | {"present": "PRESENTED"}
)

# From these states on the goods may move on behind the entry station, until another decision.
LET_GO: Final = frozenset({"RELEASED", "IN_TRANSIT", "OVERDUE", "PRESENTED", "DISCHARGED", "CLOSED"})


def next_state(state: str, trigger: str, procedure: str, *, en_route: bool) -> str | None:
    """The state that a trigger leads to; None where the table does not allow it. `en_route`: transit had begun."""
    if (state, trigger) == _EN_ROUTE and not en_route:
        return None
    if procedure == "IMPORT" and trigger in _IMPORT:
        return _IMPORT[trigger].get(state)
    return TABLE[trigger].get(state)


def target(trigger: str, procedure: str) -> str | None:
    """Where a transcribed decision leads, whatever came before; None for one that leads nowhere by itself."""
    if procedure == "IMPORT" and trigger == "discharge":
        return "CLOSED"
    return TARGET.get(trigger)
