"""The transition table of a customs case, as data.

Invariant: every state and trigger is here once; what is not here is not allowed. A trigger may be given again in its
own state where it then says something new: an outcome, a later limit.
"""

from collections.abc import Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Final, NamedTuple

NOT_FILED: Final = "NOT_FILED"
# How far a case has come in each state. What a national system tells late never leads to one that is not further.
_REACHED: Final[Mapping[str, int]] = MappingProxyType(
    {
        NOT_FILED: 0,
        "PRE_ADVISED": 1,
        "LODGED": 2,
        "REJECTED": 3,
        "ACCEPTED": 4,
        "DOC_REVIEW": 5,
        "INSPECTION_ORDERED": 5,
        "INSPECTING": 6,
        "REFUSED": 7,
        "RELEASED": 8,
        "IN_TRANSIT": 9,
        "OVERDUE": 9,
        "PRESENTED": 10,
        "LET_OUT": 11,
        "DISCREPANCY": 12,
        "CLAIM": 13,
        "SEIZED": 13,
        "CLOSED": 14,
        "DISCHARGED": 14,
        "CONFISCATED": 14,
        "CANCELLED": 14,
    }
)
STATES: Final = tuple(_REACHED)
ENDS: Final = frozenset({"CLOSED", "DISCHARGED", "CONFISCATED", "CANCELLED"})

_BEFORE_RELEASE: Final = ("ACCEPTED", "DOC_REVIEW", "INSPECTION_ORDERED", "INSPECTING")
_ON_THE_WAY: Final = ("IN_TRANSIT", "OVERDUE")
_AT_THE_END: Final = ("PRESENTED", "LET_OUT", "DISCREPANCY")
_ACCEPTED: Final = (*_BEFORE_RELEASE, "RELEASED", *_ON_THE_WAY, *_AT_THE_END)

# trigger -> {state: next state}
_TABLE: Final[Mapping[str, dict[str, str]]] = {
    "advise": {NOT_FILED: "PRE_ADVISED"},
    "lodge": dict.fromkeys((NOT_FILED, "PRE_ADVISED", "REJECTED", "REFUSED"), "LODGED"),
    "cancel": dict.fromkeys(
        ("PRE_ADVISED", "LODGED", "REJECTED", "ACCEPTED", "DOC_REVIEW", "INSPECTION_ORDERED", "REFUSED"), "CANCELLED"
    ),
    "accept": {"LODGED": "ACCEPTED"},
    "reject": {"LODGED": "REJECTED"},
    "review": dict.fromkeys(("ACCEPTED", "INSPECTION_ORDERED", "INSPECTING"), "DOC_REVIEW"),
    "inspect": dict.fromkeys(("ACCEPTED", "DOC_REVIEW", "RELEASED", *_ON_THE_WAY, *_AT_THE_END), "INSPECTION_ORDERED"),
    "inspected": dict.fromkeys(("INSPECTION_ORDERED", "INSPECTING"), "INSPECTING"),
    # Onward from where it was presented; after an appeal that was won.
    "release": dict.fromkeys((*_BEFORE_RELEASE, "PRESENTED", "REFUSED", "SEIZED"), "RELEASED"),
    "refuse": dict.fromkeys(_BEFORE_RELEASE, "REFUSED"),
    "seize": dict.fromkeys((*_BEFORE_RELEASE, *_ON_THE_WAY, *_AT_THE_END), "SEIZED"),
    "return": dict.fromkeys(("SEIZED", "REFUSED", "CLAIM"), "CLOSED"),
    "confiscate": {"SEIZED": "CONFISCATED"},
    "start_transit": {"RELEASED": "IN_TRANSIT"},
    "extend": dict.fromkeys(_ON_THE_WAY, "IN_TRANSIT"),
    "overdue": {"IN_TRANSIT": "OVERDUE"},
    "present": {"INSPECTION_ORDERED": "INSPECTING"} | dict.fromkeys(_ON_THE_WAY, "PRESENTED"),
    "let_out": dict.fromkeys((*_ON_THE_WAY, "PRESENTED", "DISCREPANCY"), "LET_OUT"),
    "discharge": dict.fromkeys((*_ON_THE_WAY, *_AT_THE_END, "CLAIM"), "DISCHARGED"),
    # Behind its discharge a case is opened again by what was found since.
    "discrepancy": dict.fromkeys(("IN_TRANSIT", "PRESENTED", "LET_OUT", "DISCHARGED"), "DISCREPANCY"),
    "claim": dict.fromkeys(("OVERDUE", "LET_OUT", "DISCREPANCY"), "CLAIM"),
    # Customs take a declarant's change over; the case stays where it is.
    "amend": {state: state for state in _ACCEPTED},
}
TABLE: Final[Mapping[str, Mapping[str, str]]] = MappingProxyType(_TABLE)

# What differs by procedure. An import is closed after its release, and is never in transit.
_BY_PROCEDURE: Final[Mapping[str, Mapping[str, Mapping[str, str]]]] = {
    "IMPORT": {
        "discharge": {"RELEASED": "CLOSED"},
        "present": {"INSPECTION_ORDERED": "INSPECTING"},
        "start_transit": {},
        "extend": {},
        "overdue": {},
        "let_out": {},
        "discrepancy": {},
        "claim": {},
    },
    # What is cleared at the border itself goes out from there; goods may stay in the country after all.
    "EXPORT": {
        "let_out": _TABLE["let_out"] | {"RELEASED": "LET_OUT"},
        "discharge": _TABLE["discharge"] | {"RELEASED": "DISCHARGED"},
        "cancel": _TABLE["cancel"] | {"RELEASED": "CANCELLED"},
    },
}
# Goods that are inspected go on from there only if the inspection was ordered on the way.
_EN_ROUTE: Final[Mapping[str, str]] = MappingProxyType(
    {
        "start_transit": "IN_TRANSIT",
        "let_out": "LET_OUT",
        "discharge": "DISCHARGED",
        "discrepancy": "DISCREPANCY",
    }
)

# From these states on the goods may move on behind the entry station, until another decision.
LET_GO: Final = frozenset({"RELEASED", "IN_TRANSIT", "OVERDUE", "PRESENTED", "LET_OUT", "DISCHARGED", "CLOSED"})
# In these the goods may leave the exit station for the frontier.
LET_OUT: Final = frozenset({"LET_OUT", "DISCHARGED", "CLOSED"})
# In these a transit is under way: goods that it has brought to their destination are still its own.
UNDER_TRANSIT: Final = frozenset({"RELEASED", "IN_TRANSIT", "OVERDUE"})

# In which order statements of one instant, or of which only the day is known, are taken to have been made.
ORDER: Final[Sequence[str]] = (
    *("advise", "lodge", "reject", "accept", "amend", "review", "inspect", "inspected", "refuse", "seize", "release"),
    *("start_transit", "extend", "present", "let_out", "discrepancy", "discharge", "claim", "confiscate", "return"),
    "cancel",
)


class Row(NamedTuple):
    """One allowed transition; `en_route` says that transit has to have begun."""

    state: str
    trigger: str
    following: str
    en_route: bool = False


def next_state(state: str, trigger: str, procedure: str, *, en_route: bool) -> str | None:
    """The state that a trigger leads to; None where the table does not allow it. `en_route`: transit had begun."""
    if state == "INSPECTING" and trigger in _EN_ROUTE:
        return _EN_ROUTE[trigger] if en_route and procedure != "IMPORT" else None
    return _rows(trigger, procedure).get(state)


def target(state: str, trigger: str, procedure: str) -> str | None:
    """Where a decision of a national system leads from a state from which the table does not allow it.

    None where it leads nowhere: the procedure does not know it, or the case has come further already.
    """
    following = _rows(trigger, procedure)
    if trigger == "amend" or not following:
        return None
    leads_to = "PRESENTED" if trigger == "present" and procedure != "IMPORT" else next(iter(following.values()))
    return leads_to if state not in ENDS and _REACHED[leads_to] > _REACHED[state] else None


def rows(procedure: str) -> Iterator[Row]:
    """The whole table of a procedure, state by state."""
    for state in STATES:
        for trigger in TABLE:
            following = next_state(state, trigger, procedure, en_route=False)
            on_the_way = next_state(state, trigger, procedure, en_route=True)
            if on_the_way is not None:
                yield Row(state, trigger, on_the_way, following is None)


def _rows(trigger: str, procedure: str) -> Mapping[str, str]:
    return _BY_PROCEDURE.get(procedure, {}).get(trigger, TABLE[trigger])
