"""What a unit takes over of its train: by the stay that a list is of, and by ranks where instants or days are equal."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.tracking.pure import pictures

OTHER = b.container(2)


def codes(picture: Any) -> list[tuple[str, str]]:
    return [(f["code"], f.get("point", "")) for f in picture.get("timeline", ())]


@settings(deadline=None, max_examples=100)
@given(listed=st.floats(-20, 12))
def test_a_consist_holds_before_the_departure_whenever_its_list_was_made(listed: float) -> None:
    """The list is telegraphed when the train has long left, or has passed the next point."""
    events = [
        b.a_consist(at=listed),
        b.a_milestone("DEPA", at=2),
        b.a_milestone("PASS", at=9, point="pk-rohri"),
        b.a_milestone("ARRI", at=30, point="pk-sibi"),
    ]

    found = pictures(events)

    assert codes(found[b.CONTAINER]) == [("DEPA", "pk-lahore"), ("PASS", "pk-rohri"), ("ARRI", "pk-sibi")]
    assert (found[b.TRAIN]["status"], found[b.TRAIN]["place"]["point"]) == ("at_point", "pk-sibi")


@settings(deadline=None, max_examples=50)
@given(at=st.floats(25, 49))
def test_a_list_that_is_sent_ahead_holds_from_the_arrival_on(at: float) -> None:
    """What is no longer in it was on board until there."""
    events = [
        b.a_consist({b.WAGON: [b.CONTAINER], b.wagon(2): [OTHER]}),
        b.a_milestone("DEPA", at=2),
        b.a_consist({b.WAGON: [b.CONTAINER]}, at=at, point="pk-sibi", id="second"),
        b.a_milestone("ARRI", at=30, point="pk-sibi"),
        b.a_milestone("DEPA", at=50, point="pk-sibi"),
    ]

    found = pictures(events)

    assert codes(found[OTHER]) == [("DEPA", "pk-lahore"), ("ARRI", "pk-sibi")]
    assert codes(found[b.CONTAINER])[-1] == ("DEPA", "pk-sibi")


@settings(deadline=None, max_examples=60)
@given(first=st.floats(-3, 6), second=st.floats(-3, 6), newer=st.booleans())
def test_of_several_lists_of_one_stay_the_newest_counts_whatever_its_id(
    first: float, second: float, newer: bool
) -> None:
    early, late = b.hours(-70), b.hours(-60)
    events = [
        b.a_consist({b.WAGON: [b.CONTAINER]}, at=first, id="one", updated_at=early if newer else late),
        b.a_consist({b.WAGON: [OTHER]}, at=second, id="two", updated_at=late if newer else early),
        b.a_milestone("DEPA", at=2),
        b.a_milestone("ARRI", at=30, point="pk-sibi"),
    ]

    found = pictures(events)

    counts, forgotten = (OTHER, b.CONTAINER) if newer else (b.CONTAINER, OTHER)
    assert codes(found[counts]) == [("DEPA", "pk-lahore"), ("ARRI", "pk-sibi")]
    assert codes(found[forgotten]) == []


def loaded(occurred_at: str) -> list[Event]:
    load = b.a_milestone("LOAD", b.CONTAINER, occurred_at=occurred_at, wagon=b.WAGON)
    return [b.a_booking(), b.a_consist({b.WAGON: []}), load, b.a_milestone("DEPA", at=2)]


def test_what_was_loaded_on_a_day_left_with_the_train_of_that_day() -> None:
    assert ("DEPA", "pk-lahore") in codes(pictures(loaded("2026-06-22"))[b.CONTAINER])


def test_what_was_loaded_on_the_next_day_did_not() -> None:
    assert ("DEPA", "pk-lahore") not in codes(pictures(loaded("2026-06-23"))[b.CONTAINER])


@settings(deadline=None)
@given(same=st.sampled_from([b.hours(30), "2026-06-23"]))
def test_what_is_taken_off_at_the_instant_of_the_arrival_has_arrived(same: str) -> None:
    events = [
        *loaded(b.hours(0)),
        b.a_milestone("ARRI", point="pk-sibi", occurred_at=same),
        b.a_milestone("DISC", b.CONTAINER, point="pk-sibi", occurred_at=same, wagon=b.WAGON),
        b.a_milestone("DEPA", at=60, point="pk-sibi"),
    ]

    assert codes(pictures(events)[b.CONTAINER])[-2:] == [("ARRI", "pk-sibi"), ("DISC", "pk-sibi")]


# --- On two wagons at once, and on several

IRAN, ELSEWHERE = "train:rai/IR0006/2026-06-22", b.wagon(7)
HERE = [b.a_consist(), b.a_milestone("DEPA", at=2)]
THERE = [
    b.a_consist({ELSEWHERE: [b.CONTAINER]}, IRAN, 0.5, "ir-bafq", party="rai", id="there"),
    b.a_milestone("DEPA", IRAN, 2.5, "ir-bafq", party="rai"),
]


def test_a_box_in_two_consists_at_once_is_moved_by_neither() -> None:
    picture = pictures([*HERE, *THERE])[b.CONTAINER]

    assert codes(picture) == []
    (found,) = picture["exceptions"]
    assert (found["rule"], found["causes"]) == ("IDENTITY_MISMATCH", sorted([b.WAGON, ELSEWHERE]))


@settings(deadline=None)
@given(mended=st.sampled_from(["retracted", "without the box"]))
def test_a_correction_of_either_consist_settles_it(mended: str) -> None:
    boxes: dict[str, list[str]] = {ELSEWHERE: [b.CONTAINER] if mended == "retracted" else []}
    more: dict[str, Any] = {"retracted": True} if mended == "retracted" else {}
    again = b.a_consist(boxes, IRAN, 0.5, "ir-bafq", party="rai", id="there", updated_at=b.hours(9), **more)

    picture = pictures([*HERE, *THERE, again])[b.CONTAINER]

    assert (codes(picture), picture.get("exceptions")) == ([("DEPA", "pk-lahore")], None)


def test_one_consist_that_has_a_box_twice_says_nothing_of_where_it_is() -> None:
    picture = pictures([b.a_consist({b.WAGON: [b.CONTAINER], ELSEWHERE: [b.CONTAINER]}), *HERE[1:]])[b.CONTAINER]

    assert [e["rule"] for e in picture["exceptions"]] == ["IDENTITY_MISMATCH"]
    assert codes(picture) == []


def test_a_box_that_has_come_where_it_is_put_on_another_wagon_goes_on_with_that() -> None:
    """Nobody says that it was taken off: it was there."""
    events = [
        *HERE,
        b.a_milestone("ARRI", at=100, point="ir-zahedan", party="rai"),
        b.a_consist({ELSEWHERE: [b.CONTAINER]}, IRAN, 110, "ir-zahedan", party="rai"),
        b.a_milestone("DEPA", IRAN, 120, "ir-zahedan", party="rai"),
    ]

    picture = pictures(events)[b.CONTAINER]

    assert picture.get("exceptions") is None
    assert codes(picture)[-1] == ("DEPA", "ir-zahedan")


@settings(deadline=None, max_examples=60)
@given(wagons=st.integers(2, 5), cut=st.integers(0, 4))
def test_goods_in_several_wagons_are_followed_in_each(wagons: int, cut: int) -> None:
    """One of them is cut out on the way: the goods are there as well, and go on with the others."""
    row = [b.wagon(20 + n) for n in range(wagons)]
    loads = [b.a_milestone("LOAD", b.CONSIGNMENT, -2 - n, wagon=w) for n, w in enumerate(row)]
    listed = [{"wagon": w, "position": n, "consignment": b.CONSIGNMENT} for n, w in enumerate(row, start=1)]
    out = b.a_milestone("DTCH", row[cut % wagons], 10, "pk-sibi", train=b.TRAIN)
    events = [b.a_booking([], wagons=row), *loads, b.a_consist(wagons_listed=listed), HERE[1], out]

    picture = pictures([*events, b.a_milestone("PASS", at=40, point="pk-taftan")])[b.CONSIGNMENT]

    assert ("PASS", "pk-taftan") in codes(picture)
    assert ("DTCH", "pk-sibi") in codes(picture)
    open_now = [a["subject"] for a in picture["associations"] if a["relation"] == "on_wagon" and "end" not in a]
    assert sorted(open_now) == sorted(row)


def test_goods_that_are_put_on_another_wagon_are_on_none_that_stands_there() -> None:
    """At a change of gauge, where nobody says that they were taken off."""
    old, new = b.wagon(20), b.wagon(21)
    events = [
        b.a_booking([], wagons=[old]),
        b.a_milestone("LOAD", b.CONSIGNMENT, -2, wagon=old),
        b.a_consist(wagons_listed=[{"wagon": old, "position": 1, "consignment": b.CONSIGNMENT}]),
        HERE[1],
        b.a_milestone("ARRI", at=100, point="ir-zahedan", party="rai"),
        b.a_milestone("LOAD", b.CONSIGNMENT, 110, "ir-zahedan", party="rai", wagon=new),
    ]

    found = [a for a in pictures(events)[b.CONSIGNMENT]["associations"] if a["relation"] == "on_wagon"]

    assert [(a["subject"], a.get("end")) for a in found] == [(old, b.hours(110)), (new, None)]


def test_the_handover_sheet_of_a_train_is_of_all_that_is_in_it() -> None:
    accepted = b.a_milestone("HACC", at=105, point="ir-mirjaveh", party="rai", handover_to="rai")

    found = pictures([*HERE, b.a_milestone("BARR", at=100, point="ir-mirjaveh", party="rai"), accepted])

    for subject in (b.TRAIN, b.WAGON, b.CONTAINER):
        assert codes(found[subject])[-1] == ("HACC", "ir-mirjaveh")


@settings(deadline=None)
@given(code=st.sampled_from(["STOP", "RESM", "TAMP", "DAMG", "DRLM", "DLAY"]))
def test_what_befalls_a_unit_on_its_way_does_not_say_that_it_stands(code: str) -> None:
    befell = b.a_milestone(code, b.WAGON, at=20, point="pk-sibi")

    picture = pictures([*HERE, befell])[b.CONTAINER if code != "DLAY" else b.WAGON]

    assert (picture["status"], picture["place"]["point"], picture["place"]["moving"]) == (
        "in_transit",
        "pk-lahore",
        True,
    )


@settings(deadline=None)
@given(named=st.booleans())
def test_a_wagon_that_is_cut_out_goes_no_further_whether_or_not_its_train_is_named(named: bool) -> None:
    more = {"train": b.TRAIN} if named else {}
    cut_out = b.a_milestone("DTCH", b.WAGON, 30, "pk-sibi", **more)

    found = pictures([*HERE, cut_out, b.a_milestone("ARRI", at=100, point="pk-taftan")])

    for unit in (b.WAGON, b.CONTAINER):
        assert (found[unit]["status"], found[unit]["place"]["point"]) == ("at_point", "pk-sibi")


def test_a_wagon_that_was_cut_out_goes_on_when_a_list_has_it_again() -> None:
    events = [
        *HERE,
        b.a_milestone("ARRI", at=28, point="pk-sibi"),
        b.a_milestone("DTCH", b.WAGON, 30, "pk-sibi"),
        b.a_consist(at=40, point="pk-sibi", id="again"),
        b.a_milestone("DEPA", at=50, point="pk-sibi"),
    ]

    assert codes(pictures(events)[b.CONTAINER])[-1] == ("DEPA", "pk-sibi")
