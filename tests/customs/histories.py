"""Generated histories: what declarants and authorities may send of a few cases, containers and consignments.

Repeats, revisions that change time, case or procedure, conflicts, retractions, holds on every scope, decisions made
here and transcribed, on all goods and on some, limits, seals, bare dates and instants ahead are all drawn.
"""

from __future__ import annotations

import json
from typing import Any, get_args

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from contracts import catalogue
from contracts.envelope.codec import Event
from contracts.events.authority import Decision
from contracts.identifiers.subjects import parse_case, procedures_of
from tests.support import builders as b

CONTAINERS = tuple(b.container(n) for n in (1, 2))
CONSIGNMENTS = ("consignment:indus-forwarding/B1", "consignment:indus-forwarding/B2")
REFERENCE = {"scheme": "smgs", "issuer": "trk", "number": "778"}
CASES = (
    f"case:{CONSIGNMENTS[0]}/PK/EXPORT/1",
    f"case:{CONSIGNMENTS[0]}/EAEU/TRANSIT/1",
    f"case:{CONSIGNMENTS[1]}/RU/IMPORT/1",
    "case:reference:smgs:trk:778/PK/EXPORT/1",
)
SCOPES = (*CASES, *CONSIGNMENTS, *CONTAINERS)
AUTHORITIES = {"PK": ("fbr",), "EAEU": ("kgd", "fcs"), "RU": ("fcs",)}
ALL = ("fbr", "kgd", "fcs")
DECLARANTS = ("indus-forwarding", "volga-logistics")
# What carries a case far, more often than what only disturbs it.
COURSE = ("accept", "accept", "release", "release", "release", "start_transit", "inspect", "review")

Report = dict[str, Any]
hour = st.integers(0, 40)


@st.composite
def moments(draw: DrawFn) -> dict[str, str]:
    """When something occurred: mostly an instant, sometimes a date alone, seldom one that is still to come."""
    kind = draw(st.sampled_from(["instant"] * 8 + ["date", "ahead"]))
    if kind == "date":
        return {"occurred_at": draw(st.sampled_from(["2026-06-22", "2026-06-23"]))}
    return {"occurred_at": "2027-01-01T00:00:00Z" if kind == "ahead" else b.hours(draw(hour))}


@st.composite
def declarations(draw: DrawFn) -> Report:
    case = parse_case(draw(st.sampled_from(CASES)))
    more = {"stage": "advance"} if draw(st.integers(0, 5)) == 0 else {}
    data = {"jurisdiction": case.jurisdiction, "procedure": case.procedure, **more, **draw(moments())}
    data["occurred_at"] = draw(st.sampled_from([data["occurred_at"], b.hours(0)]))
    kind = catalogue.CANCELLED if draw(st.integers(0, 7)) == 0 else catalogue.LODGED
    return {"type": kind, "subject": case.about, "party": draw(st.sampled_from(DECLARANTS)), "data": data}


@st.composite
def decisions(draw: DrawFn) -> Report:
    case = draw(st.sampled_from(CASES))
    party = draw(st.sampled_from(AUTHORITIES[parse_case(case).jurisdiction]))
    decision = draw(st.one_of(st.sampled_from(COURSE), st.sampled_from(get_args(Decision))))
    data = {"decision": decision, "officer": "A1", **draw(moments())}
    if decision in ("start_transit", "extend") and draw(st.booleans()):
        data["limit"] = draw(st.sampled_from([b.hours(30), b.hours(60), "2026-06-23", "2026-09-01"]))
    if draw(st.integers(0, 3)) == 0:
        data["containers"] = draw(st.lists(st.sampled_from(CONTAINERS), min_size=1, max_size=2, unique=True))
    if decision == "discharge" and draw(st.booleans()):
        data["reason"] = "PARTIAL"
    if draw(st.integers(0, 3)) == 0:
        data["seals"] = [{"number": draw(st.sampled_from(["S1", "S 1", "S2"])), "removed": draw(st.booleans())}]
    if draw(st.integers(0, 4)) == 0:
        data |= {"origin": "transcribed", "national_number": draw(st.sampled_from(["N1", "N2"]))}
    return {"type": catalogue.DECISION, "subject": case, "party": party, "data": data}


@st.composite
def holds(draw: DrawFn) -> Report:
    scope = draw(st.sampled_from(SCOPES))
    allowed = AUTHORITIES[parse_case(scope).jurisdiction] if scope.startswith("case:") else ALL
    data = {"hold": draw(st.sampled_from(["H1", "H2"])), **draw(moments())}
    kind = draw(st.sampled_from([catalogue.HOLD_PLACED, catalogue.HOLD_PLACED, catalogue.HOLD_LIFTED]))
    if kind == catalogue.HOLD_PLACED:
        data["reason"] = "RANDOM"
    return {"type": kind, "subject": scope, "party": draw(st.sampled_from(allowed)), "data": data}


REPORTS: SearchStrategy[Report] = st.one_of(declarations(), decisions(), decisions(), holds())


@st.composite
def histories(draw: DrawFn) -> list[Event]:
    """A list of events as they were sent, each identity with one to three revisions."""
    events: list[Event] = []
    for number, report in enumerate(draw(st.lists(REPORTS, min_size=3, max_size=14))):
        for revision in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
            events.append(_revision(draw, report, f"id{number}", revision))
    return events


def _revision(draw: DrawFn, report: Report, event_id: str, revision: int) -> Event:
    data: dict[str, Any] = json.loads(json.dumps(report["data"]))
    subject = report["subject"]
    if revision:
        kind = draw(st.sampled_from(["time", "case", "retracted", "conflict", "repeat", "decision"]))
        if kind == "case" and report["type"] == catalogue.LODGED:
            data["procedure"] = draw(st.sampled_from(procedures_of(data["jurisdiction"])))
        elif kind == "decision" and "decision" in data:
            data["decision"] = draw(st.sampled_from(COURSE))
        elif kind == "retracted":
            data["retracted"] = True
        elif kind in ("time", "conflict"):
            data["occurred_at"] = b.hours(draw(hour))
        if kind != "repeat":
            data["updated_at"] = b.hours(0 if kind == "conflict" else 100 + draw(st.integers(0, 2)))
    return b.an_event(report["type"], subject, data, id=event_id, party=report["party"])
