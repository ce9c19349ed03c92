"""The transition table against an independent transcription of the domain's.

Every state, every trigger, every procedure: what is not written here is not allowed.
"""

from __future__ import annotations

from typing import get_args

import pytest

from contracts.events.authority import Decision
from services.customs.domain import transitions
from services.customs.domain.transitions import STATES, next_state, target

PROCEDURES = ("EXPORT", "TRANSIT", "IMPORT")
TRIGGERS = ("advise", "lodge", "overdue", *get_args(Decision))

# state: what the domain allows next, and by what. Another `inspected` or `extend` says more of the same state.
DOMAIN = """
NOT_FILED           advise PRE_ADVISED     lodge LODGED
PRE_ADVISED         lodge LODGED           cancel CANCELLED
LODGED              accept ACCEPTED        reject REJECTED         cancel CANCELLED
REJECTED            lodge LODGED           cancel CANCELLED
ACCEPTED            release RELEASED       review DOC_REVIEW       inspect INSPECTION_ORDERED  cancel CANCELLED
DOC_REVIEW          release RELEASED       inspect INSPECTION_ORDERED  refuse REFUSED          cancel CANCELLED
INSPECTION_ORDERED  present INSPECTING     inspected INSPECTING    review DOC_REVIEW
INSPECTING          release RELEASED       review DOC_REVIEW       refuse REFUSED              seize SEIZED
INSPECTING          inspected INSPECTING
RELEASED            inspect INSPECTION_ORDERED
OVERDUE             present PRESENTED      claim CLAIM
IN_TRANSIT          present PRESENTED      overdue OVERDUE         inspect INSPECTION_ORDERED
PRESENTED           discharge DISCHARGED   discrepancy DISCREPANCY
DISCREPANCY         discharge DISCHARGED   inspect INSPECTION_ORDERED  seize SEIZED            claim CLAIM
SEIZED              release RELEASED       return CLOSED
REFUSED             lodge LODGED           return CLOSED
CLAIM               discharge DISCHARGED
CLOSED
DISCHARGED
CANCELLED
"""
# An import is closed out of its release; an export and a transit are hauled on from it.
IMPORT_ONLY = "RELEASED discharge CLOSED"
HAULED_ONLY = """
RELEASED            start_transit IN_TRANSIT
IN_TRANSIT          extend IN_TRANSIT
OVERDUE             extend IN_TRANSIT
"""
# An import never leaves the office, so what the table says of it there cannot be reached but by a national system.
ORDERED_EN_ROUTE = "INSPECTING start_transit IN_TRANSIT"
NOT_OF_AN_IMPORT = {("PRESENTED", "discharge"), ("DISCREPANCY", "discharge"), ("CLAIM", "discharge")}


# Customs take over what a declarant has changed since they accepted it; the case stays where it is.
AMENDED = """
ACCEPTED            amend ACCEPTED
DOC_REVIEW          amend DOC_REVIEW
INSPECTION_ORDERED  amend INSPECTION_ORDERED
INSPECTING          amend INSPECTING
RELEASED            amend RELEASED
IN_TRANSIT          amend IN_TRANSIT
OVERDUE             amend OVERDUE
PRESENTED           amend PRESENTED
DISCREPANCY         amend DISCREPANCY
"""


def read(*texts: str) -> dict[tuple[str, str], str]:
    """(state, trigger) to the next state."""
    found: dict[tuple[str, str], str] = {}
    for line in "\n".join(texts).split("\n"):
        state, *pairs = line.split() or [""]
        found |= {(state, trigger): after for trigger, after in zip(pairs[::2], pairs[1::2], strict=True)}
    return found


def allowed(procedure: str, *, en_route: bool) -> dict[tuple[str, str], str]:
    if procedure == "IMPORT":
        found = read(DOMAIN, AMENDED, IMPORT_ONLY)
        return {key: after for key, after in found.items() if key not in NOT_OF_AN_IMPORT}
    return read(DOMAIN, AMENDED, HAULED_ONLY, ORDERED_EN_ROUTE if en_route else "")


def test_the_transcription_names_every_state_and_every_trigger() -> None:
    named = {line.split()[0] for line in DOMAIN.strip().split("\n")}

    assert named == set(STATES)
    assert {trigger for _, trigger in read(DOMAIN, AMENDED, HAULED_ONLY)} == set(TRIGGERS)


@pytest.mark.parametrize("en_route", [False, True])
@pytest.mark.parametrize("procedure", PROCEDURES)
@pytest.mark.parametrize("state", STATES)
def test_a_state_allows_what_the_domain_allows_and_nothing_else(state: str, procedure: str, en_route: bool) -> None:
    found = {t: next_state(state, t, procedure, en_route=en_route) for t in TRIGGERS}

    expected = {t: after for (s, t), after in allowed(procedure, en_route=en_route).items() if s == state}
    assert {t: after for t, after in found.items() if after is not None} == expected


@pytest.mark.parametrize("state", sorted(transitions.ENDS))
@pytest.mark.parametrize("procedure", PROCEDURES)
def test_an_end_is_an_end(state: str, procedure: str) -> None:
    assert not [t for t in TRIGGERS if next_state(state, t, procedure, en_route=True)]


# Where a decision of a national system leads, whatever was known before.
BY_LAW = {
    "accept": "ACCEPTED",
    "reject": "REJECTED",
    "review": "DOC_REVIEW",
    "inspect": "INSPECTION_ORDERED",
    "inspected": "INSPECTING",
    "release": "RELEASED",
    "refuse": "REFUSED",
    "seize": "SEIZED",
    "return": "CLOSED",
    "cancel": "CANCELLED",
    "start_transit": "IN_TRANSIT",
    "extend": "IN_TRANSIT",
    "present": "PRESENTED",
    "discharge": "DISCHARGED",
    "discrepancy": "DISCREPANCY",
    "claim": "CLAIM",
    # Without a state it changes nothing.
    "amend": None,
}


@pytest.mark.parametrize("decision", get_args(Decision))
def test_a_national_decision_leads_where_its_name_says(decision: str) -> None:
    assert target(decision, "TRANSIT") == BY_LAW[decision]


def test_a_national_discharge_of_an_import_closes_it() -> None:
    assert target("discharge", "IMPORT") == "CLOSED"
