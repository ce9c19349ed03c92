"""What cannot have happened in the order in which it was told: it is kept and marked, and nothing follows from it."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.tracking.pure import pictures

END = "ru-astrakhan"


def unit(code: str, at: float, point: str = END, party: str = "rzd", **more: Any) -> Event:
    return b.a_milestone(code, b.CONTAINER, at, point, party=party, **more)


DELIVERED = [b.a_booking(), unit("GTIN", 400), unit("DLVD", 410)]
moved = st.builds(
    unit,
    st.sampled_from(["GTOT", "DEPA", "ARRI", "PASS"]),
    st.floats(410.1, 600),
    st.sampled_from([END, "ru-aksarayskaya-1"]),
    st.sampled_from(["rzd", "astrakhan-terminal"]),
)
besides = st.builds(unit, st.sampled_from(["SEAL", "DAMG", "CINS", "TAMP", "AVPU"]), st.floats(410.1, 600))


@settings(deadline=None, max_examples=150)
@given(later=st.lists(moved | besides, max_size=6))
def test_what_was_delivered_stays_so_whatever_moves_are_told_behind_it(later: list[Event]) -> None:
    picture = pictures([*DELIVERED, *later])[b.CONTAINER]

    assert picture["status"] == "delivered"
    assert (picture["place"]["point"], picture["place"]["moving"]) == (END, False)
    assert pictures([*DELIVERED, *later])[b.CONSIGNMENT]["status"] == "delivered"


@settings(deadline=None, max_examples=50)
@given(later=st.lists(moved, max_size=4), code=st.sampled_from(["GTIN", "STUF"]))
def test_the_next_load_ends_a_delivery_and_not_that_of_its_consignment(later: list[Event], code: str) -> None:
    found = pictures([*DELIVERED, *later, unit(code, 700, party="astrakhan-terminal")])

    assert found[b.CONTAINER]["status"] == "at_point"
    assert found[b.CONSIGNMENT]["status"] == "delivered"


def test_a_gate_out_behind_the_delivery_is_shown_and_marked() -> None:
    timeline = pictures([*DELIVERED, unit("GTOT", 410.1)])[b.CONTAINER]["timeline"]

    assert [(f["code"], f.get("out_of_order", False)) for f in timeline] == [
        ("GTIN", False),
        ("DLVD", False),
        ("GTOT", True),
    ]


def test_two_departures_without_an_arrival_between_them_are_flagged() -> None:
    once = [b.a_plan(), b.a_milestone("DEPA", at=2)]

    assert "exceptions" not in pictures(once)[b.TRAIN]
    (found,) = pictures([*once, b.a_milestone("DEPA", at=25)])[b.TRAIN]["exceptions"]
    assert (found["rule"], found["about"]) == ("PHYSICAL_ORDER", f"{b.TRAIN}|1|DEPA|pk-lahore|2|1")


def test_a_train_that_comes_back_and_leaves_again_is_not_flagged() -> None:
    moves = [("DEPA", 2, "pk-lahore"), ("ARRI", 6, "pk-rohri"), ("DEPA", 9, "pk-rohri"), ("DEPA", 25, "pk-lahore")]

    picture = pictures([b.a_plan(), *(b.a_milestone(code, at=at, point=point) for code, at, point in moves)])[b.TRAIN]

    assert "exceptions" not in picture


def test_an_arrival_that_is_told_before_the_departure_that_leads_to_it_is_where_the_train_is() -> None:
    """A clock with the summer time that was: the arrival seems to be an hour earlier."""
    events = [
        b.a_consist(),
        b.a_milestone("ARRI", at=90, point="pk-taftan"),
        b.a_milestone("BARR", at=99.7, point="ir-mirjaveh", party="rai"),
        b.a_milestone("DEPA", at=100, point="pk-taftan"),
    ]

    picture = pictures(events)[b.TRAIN]

    assert (picture["status"], picture["place"]["point"]) == ("at_point", "ir-mirjaveh")
    assert [e["rule"] for e in picture["exceptions"]] == ["PHYSICAL_ORDER"]
    assert "exceptions" not in pictures(events)[b.CONTAINER]
