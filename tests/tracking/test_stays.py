"""A stay is one however often, by whomever and in which words it is reported; being seen there changes nothing."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.tracking.pure import pictures

WAY = ("pk-rohri", "pk-sibi", "pk-quetta", "pk-taftan")
STAY, BETWEEN = 4.0, 10.0


def journey(calls: int) -> list[Event]:
    """A train that comes to some points of its way, stands there for hours, and leaves all but the last."""
    events = [b.a_consist(), b.a_milestone("DEPA", at=1, id="d")]
    for n, point in enumerate(WAY[:calls]):
        events.append(b.a_milestone("ARRI", at=arrival(n), point=point, id=f"a{n}"))
        if n + 1 < calls:
            events.append(b.a_milestone("DEPA", at=arrival(n) + STAY, point=point, id=f"d{n}"))
    return events


def arrival(n: int) -> float:
    return 5 + n * (STAY + BETWEEN)


@st.composite
def echo(draw: st.DrawFn, calls: int) -> dict[str, Any]:
    """The same arrival or departure again, or a sight of the train while it stands there."""
    n = draw(st.integers(0, calls - 1))
    last = n + 1 == calls
    code = draw(st.sampled_from(["ARRI", "PASS"] if last else ["ARRI", "DEPA", "PASS"]))
    late = draw(st.floats(0.01, 0.9))
    begun = {"ARRI": arrival(n), "DEPA": arrival(n) + STAY, "PASS": arrival(n) + draw(st.floats(0.1, 2.5))}
    return {
        "code": code,
        "at": begun[code] + late,
        "point": WAY[n],
        "party": draw(st.sampled_from(["pr", "pr", "rai"])),
    }


def standing(picture: Any) -> Any:
    """What follows of a picture: status, place, and the movements by visit."""
    moves = [f for f in picture["timeline"] if not f.get("sighting") and f["code"] != "COMP"]
    return picture["status"], picture["place"], [(f["fact_id"], f["instant"]) for f in moves], picture.get("exceptions")


@settings(deadline=None, max_examples=200)
@given(data=st.data(), calls=st.integers(1, 4))
def test_what_is_said_again_changes_nothing(data: st.DataObject, calls: int) -> None:
    echoes = data.draw(st.lists(echo(calls), max_size=8))
    again = [b.a_milestone(**one, id=f"again{n}") for n, one in enumerate(echoes)]

    before, after = pictures(journey(calls)), pictures([*journey(calls), *again])

    for subject in (b.TRAIN, b.WAGON, b.CONTAINER):
        assert standing(after[subject]) == standing(before[subject])


def test_a_train_that_comes_back_stays_again_though_its_departure_was_not_reported() -> None:
    events = [
        b.a_consist(),
        b.a_milestone("ARRI", at=5, point="pk-rohri"),
        b.a_milestone("ARRI", at=10, point="pk-jacobabad"),
        b.a_milestone("DEPA", at=11, point="pk-jacobabad"),
        b.a_milestone("ARRI", at=15, point="pk-rohri"),
    ]

    timeline = pictures(events)[b.TRAIN]["timeline"]

    assert [f["visit"] for f in timeline if f["point"] == "pk-rohri"] == [1, 2]


def test_arrived_and_arrived_at_the_border_station_are_one_fact_whoever_leads_it() -> None:
    ours = b.a_milestone("BARR", at=50, point="ir-mirjaveh", party="rai")
    theirs = b.a_milestone("ARRI", at=50.5, point="ir-mirjaveh")

    both, alone = (
        [f["fact_id"] for f in pictures([b.a_consist(), *e])[b.TRAIN]["timeline"]] for e in ([ours, theirs], [theirs])
    )

    assert both == alone


def test_who_has_merely_passed_is_under_way() -> None:
    picture = pictures([b.a_consist(), b.a_milestone("PASS", at=9, point="pk-sibi")])[b.TRAIN]

    assert (picture["status"], picture["place"]["point"], picture["place"]["moving"]) == ("in_transit", "pk-sibi", True)
    assert "sighting" not in picture["latest"]


def test_a_position_renews_when_it_was_seen_and_not_where_it_stands() -> None:
    fix = b.a_milestone("PASS", b.WAGON, 30, None, position={"latitude": 30.0, "longitude": 60.0})

    picture = pictures([b.a_consist(), b.a_milestone("DEPA", at=2), fix])[b.WAGON]

    assert (picture["place"]["point"], picture["place"]["observed_at"]) == ("pk-lahore", b.hours(2))
    assert picture["last_seen"]["observed_at"] == b.hours(30)
    assert picture["last_seen"]["position"]["latitude"] == 30.0


def test_a_delivery_behind_the_gate_out_is_of_the_stay_that_it_ends() -> None:
    events = [
        b.a_booking(),
        b.a_milestone("GTIN", b.CONTAINER, 400, "ru-astrakhan", party="rzd"),
        b.a_milestone("GTOT", b.CONTAINER, 402, "ru-astrakhan", party="rzd"),
        b.a_milestone("DLVD", b.CONTAINER, 403, "ru-astrakhan", party="rzd"),
    ]

    assert [f["visit"] for f in pictures(events)[b.CONTAINER]["timeline"]] == [1, 1, 1]


def test_seals_of_other_numbers_are_facts_of_their_own_and_one_number_is_one_however_it_is_written() -> None:
    written = [("lahore-dry-port", "LDP 1001010", 1), ("pr", "ldp1001010", 1.2), ("pr", "NAV-9", 2)]
    seals = [
        b.a_milestone("SEAL", b.CONTAINER, at, party=party, seals=[{"number": number}]) for party, number, at in written
    ]

    timeline = pictures([b.a_booking(), *seals])[b.CONTAINER]["timeline"]

    assert [[s["number"] for s in f["seals"]] for f in timeline] == [["ldp1001010"], ["NAV-9"]]
    assert [a["party"] for a in timeline[0]["also"]] == ["lahore-dry-port"]
