"""Generated histories: what parties may send of a few trains, wagons, containers and consignments.

Repeats, revisions that change time, subject or units, conflicts, retractions, associations, second-hand reports,
rival claims, reports of parties without a relation, bare dates and instants in the future are all drawn; only a change
of type is not, since its refusal depends on order.
"""

from __future__ import annotations

from typing import Any

from hypothesis import strategies as st
from hypothesis.strategies import DrawFn, SearchStrategy

from contracts.envelope.codec import Event
from tests.support import builders as b

TRAINS = ("train:pr/PK0001/2026-06-22", "train:rai/IR0001/2026-06-27")
WAGONS = tuple(b.wagon(n) for n in (1, 2, 3))
CONTAINERS = tuple(b.container(n) for n in (1, 2, 3))
CONSIGNMENTS = (
    "consignment:indus-forwarding/B1",
    "consignment:indus-forwarding/B2",
    "consignment:volga-logistics/V1",
)
REFERENCES = (
    {"scheme": "smgs", "issuer": "trk", "number": "778"},
    {"scheme": "cim", "issuer": "pr", "number": "702688"},
)
POINTS = ("pk-lahore", "pk-sibi", "pk-taftan", "ir-mirjaveh", "ir-zahedan")
PARTIES = ("pr", "pr", "rai", "rai", "trk", "indus-forwarding", "volga-logistics")

WRITTEN = b.hours(-80)
"""Before the broker takes anything: a revision that is ahead of it would be refused."""
hour = st.integers(0, 60)


@st.composite
def train_moves(draw: DrawFn) -> dict[str, Any]:
    return {
        "make": b.a_milestone,
        "code": draw(st.sampled_from(["DEPA", "ARRI", "PASS", "BARR", "STOP"])),
        "subject": draw(st.sampled_from(TRAINS)),
        "at": draw(hour),
        "point": draw(st.sampled_from(POINTS)),
    }


@st.composite
def unit_moves(draw: DrawFn) -> dict[str, Any]:
    code = draw(st.sampled_from(["LOAD", "DISC", "GTIN", "SEAL", "DLVD", "MTRT", "DEPA", "ETA"]))
    more: dict[str, Any] = {"wagon": draw(st.sampled_from(WAGONS))} if code in ("LOAD", "DISC") else {}
    if code == "LOAD" and draw(st.booleans()):
        more["consignment"] = draw(st.sampled_from(CONSIGNMENTS))
    if code == "ETA":
        more["classifier"] = "EST"
    return {
        "make": b.a_milestone,
        "code": code,
        "subject": draw(st.sampled_from(CONTAINERS)),
        "at": draw(hour),
        "point": draw(st.sampled_from(POINTS)),
        **more,
    }


@st.composite
def wagon_moves(draw: DrawFn) -> dict[str, Any]:
    return {
        "make": b.a_milestone,
        "code": draw(st.sampled_from(["ATCH", "DTCH"])),
        "subject": draw(st.sampled_from(WAGONS)),
        "at": draw(hour),
        "point": draw(st.sampled_from(POINTS)),
        "train": draw(st.sampled_from(TRAINS)),
    }


@st.composite
def consists(draw: DrawFn) -> dict[str, Any]:
    wagons = draw(st.lists(st.sampled_from(WAGONS), unique=True, max_size=3))
    carried = {w: draw(st.lists(st.sampled_from(CONTAINERS), unique=True, max_size=2)) for w in wagons}
    run = draw(st.sampled_from([{}, {"run": b.RUN}]))
    train = draw(st.sampled_from(TRAINS))
    return {
        "make": b.a_consist,
        "wagons": carried,
        "train": train,
        "party": train.partition(":")[2].split("/")[0],
        "at": draw(hour),
        "point": draw(st.sampled_from(POINTS)),
        **run,
    }


@st.composite
def bookings(draw: DrawFn) -> dict[str, Any]:
    consignment = draw(st.sampled_from(CONSIGNMENTS))
    return {
        "make": b.a_booking,
        "containers": draw(st.lists(st.sampled_from(CONTAINERS), unique=True, max_size=2)),
        "consignment": consignment,
        "at": draw(st.integers(-60, 5)),
        "origin": draw(st.sampled_from(["pk-lahore", "ir-zahedan"])),
        "references": draw(st.lists(st.sampled_from(REFERENCES), max_size=1)),
        "party": consignment.partition(":")[2].split("/")[0],
    }


@st.composite
def notes(draw: DrawFn) -> dict[str, Any]:
    reference = draw(st.sampled_from(["reference:smgs:trk:778", "reference:cim:pr:702688"]))
    return {"make": b.a_milestone, "code": "NOTE", "subject": reference, "at": draw(hour), "point": None}


@st.composite
def plans(draw: DrawFn) -> dict[str, Any]:
    train = draw(st.sampled_from(TRAINS))
    party = train.partition(":")[2].split("/")[0]
    whole_run = {"make": b.a_plan, "subject": b.RUN}
    return draw(st.sampled_from([{"make": b.a_plan, "subject": train, "run": b.RUN, "party": party}, whole_run]))


@st.composite
def oddities(draw: DrawFn) -> dict[str, Any]:
    """A bare date, an instant far ahead, an unknown point, a report for a silent neighbour."""
    more = draw(
        st.sampled_from(
            [
                {"occurred_at": "2026-06-23"},
                {"occurred_at": "2027-06-23T00:00:00Z"},
                {"point": "unlocode:PKZZZ"},
                {"reported_for": "rai", "party": "indus-forwarding", "channel": "telephone", "point": "ir-mirjaveh"},
            ]
        )
    )
    base = {"make": b.a_milestone, "code": "ARRI", "subject": draw(st.sampled_from(TRAINS)), "at": draw(hour)}
    return base | {"point": draw(st.sampled_from(POINTS))} | more


REPORTS: SearchStrategy[dict[str, Any]] = st.one_of(
    train_moves(), unit_moves(), wagon_moves(), consists(), bookings(), notes(), plans(), oddities()
)


@st.composite
def histories(draw: DrawFn, least: int = 2, most: int = 14) -> list[Event]:
    """A list of events as they were sent, each identity with one to three revisions."""
    events: list[Event] = []
    for number, report in enumerate(draw(st.lists(REPORTS, min_size=least, max_size=most))):
        party = report.pop("party", None) or draw(st.sampled_from(PARTIES))
        for revision in range(draw(st.sampled_from([1, 1, 1, 2, 3]))):
            events.append(_revision(draw, report, f"id{number}", party, revision))
    return events


def _revision(draw: DrawFn, report: dict[str, Any], event_id: str, party: str, revision: int) -> Event:
    values = {"updated_at": WRITTEN} | report
    make = values.pop("make")
    if revision:
        kind = draw(st.sampled_from(["time", "subject", "retracted", "conflict", "repeat"]))
        if kind == "repeat":
            return make(**values, id=event_id, party=party)  # type: ignore[no-any-return]
        if kind == "subject" and str(values.get("subject")) in CONTAINERS:
            values["subject"] = draw(st.sampled_from(CONTAINERS))
        if kind == "subject" and "containers" in values:
            values["containers"] = draw(st.lists(st.sampled_from(CONTAINERS), unique=True, max_size=2))
        if kind == "retracted":
            values["retracted"] = True
        if kind in ("time", "conflict") and "at" in values:
            values["at"] = draw(hour)
        values["updated_at"] = WRITTEN if kind == "conflict" else b.hours(-79 + draw(st.integers(0, 2)))
    return make(**values, id=event_id, party=party)  # type: ignore[no-any-return]
