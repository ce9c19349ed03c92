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
    return [(f["code"], f["point"]) for f in picture.get("timeline", ())]


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
