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
ACCEPTED            refuse REFUSED         seize SEIZED
DOC_REVIEW          release RELEASED       inspect INSPECTION_ORDERED  refuse REFUSED          cancel CANCELLED
DOC_REVIEW          seize SEIZED
INSPECTION_ORDERED  present INSPECTING     inspected INSPECTING    review DOC_REVIEW           release RELEASED
INSPECTION_ORDERED  refuse REFUSED         cancel CANCELLED        seize SEIZED
INSPECTING          release RELEASED       review DOC_REVIEW       refuse REFUSED              seize SEIZED
INSPECTING          inspected INSPECTING
RELEASED            inspect INSPECTION_ORDERED
OVERDUE             inspect INSPECTION_ORDERED  seize SEIZED       discharge DISCHARGED
IN_TRANSIT          inspect INSPECTION_ORDERED  seize SEIZED       discharge DISCHARGED
PRESENTED           discharge DISCHARGED   inspect INSPECTION_ORDERED  seize SEIZED            release RELEASED
LET_OUT             discharge DISCHARGED   inspect INSPECTION_ORDERED  seize SEIZED
DISCREPANCY         discharge DISCHARGED   inspect INSPECTION_ORDERED  seize SEIZED
SEIZED              release RELEASED       return CLOSED           confiscate CONFISCATED
REFUSED             lodge LODGED           return CLOSED           release RELEASED            cancel CANCELLED
CLAIM               discharge DISCHARGED   return CLOSED
CLOSED
DISCHARGED
CONFISCATED
CANCELLED
"""
# An import is closed out of its release; an export and a transit are hauled on from it.
IMPORT_ONLY = "RELEASED discharge CLOSED"
HAULED_ONLY = """
RELEASED            start_transit IN_TRANSIT
IN_TRANSIT          extend IN_TRANSIT      overdue OVERDUE         present PRESENTED           let_out LET_OUT
IN_TRANSIT          discrepancy DISCREPANCY
OVERDUE             extend IN_TRANSIT      present PRESENTED       let_out LET_OUT             claim CLAIM
PRESENTED           let_out LET_OUT        discrepancy DISCREPANCY
LET_OUT             discrepancy DISCREPANCY  claim CLAIM
DISCREPANCY         let_out LET_OUT        claim CLAIM
DISCHARGED          discrepancy DISCREPANCY
"""
# What is cleared at the border itself, and what stays in the country after all.
EXPORT_ONLY = "RELEASED let_out LET_OUT   discharge DISCHARGED   cancel CANCELLED"
ORDERED_EN_ROUTE = "INSPECTING start_transit IN_TRANSIT  let_out LET_OUT  discharge DISCHARGED  discrepancy DISCREPANCY"
# An import never leaves the office, so what the table says of it there cannot be reached but by a national system.
AWAY = ("IN_TRANSIT", "OVERDUE", "PRESENTED", "LET_OUT", "DISCREPANCY", "CLAIM")
NOT_OF_AN_IMPORT = {(state, "discharge") for state in AWAY}


# Customs take over what a declarant has changed since they accepted it; the case stays where it is.
AMENDED = "\n".join(
    f"{state} amend {state}"
    for state in (
        *("ACCEPTED", "DOC_REVIEW", "INSPECTION_ORDERED", "INSPECTING", "RELEASED"),
        *("IN_TRANSIT", "OVERDUE", "PRESENTED", "LET_OUT", "DISCREPANCY"),
    )
)


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
    export = EXPORT_ONLY if procedure == "EXPORT" else ""
    return read(DOMAIN, AMENDED, HAULED_ONLY, export, ORDERED_EN_ROUTE if en_route else "")


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
def test_an_end_is_an_end_unless_a_discrepancy_is_found_behind_it(state: str, procedure: str) -> None:
    opens = ["discrepancy"] if state == "DISCHARGED" and procedure != "IMPORT" else []

    assert [t for t in TRIGGERS if next_state(state, t, procedure, en_route=True)] == opens


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
    "let_out": "LET_OUT",
    "discharge": "DISCHARGED",
    "discrepancy": "DISCREPANCY",
    "claim": "CLAIM",
    "confiscate": "CONFISCATED",
    # Without a state it changes nothing.
    "amend": None,
}


@pytest.mark.parametrize("decision", get_args(Decision))
def test_a_national_decision_leads_where_its_name_says(decision: str) -> None:
    assert target("NOT_FILED", decision, "TRANSIT") == BY_LAW[decision]


@pytest.mark.parametrize("decision", get_args(Decision))
@pytest.mark.parametrize("procedure", PROCEDURES)
def test_a_national_decision_never_takes_a_case_back(decision: str, procedure: str) -> None:
    """From the state that it leads to, and from every one behind that on the course of a case, it leads nowhere."""
    course = {
        "EXPORT": ("LODGED", "ACCEPTED", "RELEASED", "IN_TRANSIT", "PRESENTED", "LET_OUT", "DISCHARGED"),
        "TRANSIT": ("LODGED", "ACCEPTED", "RELEASED", "IN_TRANSIT", "PRESENTED", "LET_OUT", "DISCHARGED"),
        "IMPORT": ("LODGED", "ACCEPTED", "RELEASED", "CLOSED"),
    }[procedure]
    for place, state in enumerate(course):
        following = target(state, decision, procedure)
        assert following not in course[: place + 1]


@pytest.mark.parametrize("decision", ["start_transit", "extend", "let_out", "discrepancy", "claim"])
def test_an_import_is_never_in_transit_whoever_says_so(decision: str) -> None:
    assert all(target(state, decision, "IMPORT") is None for state in STATES)


def test_a_national_discharge_of_an_import_closes_it() -> None:
    assert target("RELEASED", "discharge", "IMPORT") == "CLOSED"


def test_every_decision_has_its_place_among_those_of_one_instant() -> None:
    assert {"advise", "lodge", *get_args(Decision)} == set(transitions.ORDER)
