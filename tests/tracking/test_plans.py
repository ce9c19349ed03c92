"""Plans: each call has the times of its own visit, and the newest word on whether a train runs counts."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.tracking.pure import pictures

PLACES = ["pk-lahore", "pk-rohri", "pk-jacobabad", "pk-sibi", "pk-quetta"]
ways = st.lists(st.sampled_from(PLACES), min_size=2, max_size=7).filter(
    lambda way: all(one != after for one, after in pairwise(way))
)


def planned(way: list[str], **more: Any) -> Event:
    calls = [
        {"point": point, "arrival": b.hours(10 * n), "departure": b.hours(10 * n + 2)} for n, point in enumerate(way)
    ]
    return b.a_plan(calls=calls, **more)


def run(way: list[str], late: float) -> list[Event]:
    """A train that has run so far, always as late."""
    return [
        b.a_milestone(code, at=10 * n + stay + late, point=point, id=f"{code}{n}")
        for n, point in enumerate(way)
        for code, stay in (("ARRI", 0), ("DEPA", 2))
    ]


@settings(deadline=None, max_examples=150)
@given(way=ways, data=st.data(), late=st.floats(0, 30))
def test_each_call_has_the_times_of_its_own_visit_however_often_a_point_is_called_at(
    way: list[str], data: st.DataObject, late: float
) -> None:
    so_far = data.draw(st.integers(0, len(way)))

    calls = pictures([planned(way), *run(way[:so_far], late)])[b.TRAIN]["calls"]

    told = [(c.get("actual_arrival"), c.get("actual_departure")) for c in calls]
    arrived = [(b.hours(10 * n + late), b.hours(10 * n + 2 + late)) for n in range(so_far)]
    assert told == [*arrived, *[(None, None)] * (len(way) - so_far)]


words = st.lists(st.sampled_from(["planned", "cancelled", "CANC"]), min_size=1, max_size=6)


def said(kind: str, at: int) -> Event:
    if kind == "CANC":
        return b.a_milestone("CANC", at=-50 + at, id=f"w{at}", updated_at=b.hours(-50 + at))
    return b.a_plan(id=f"w{at}", status=kind, updated_at=b.hours(-50 + at))


@settings(deadline=None, max_examples=100)
@given(kinds=words)
def test_of_plans_and_cancellings_the_newest_counts(kinds: list[str]) -> None:
    events = [b.a_plan(id="w", updated_at=b.hours(-60)), *(said(kind, at) for at, kind in enumerate(kinds))]

    expected = "planned" if kinds[-1] == "planned" else "cancelled"
    assert pictures(events)[b.TRAIN]["status"] == expected


CANCELLED_ON_THE_WAY = [
    b.a_consist(),
    b.a_milestone("DEPA", at=2),
    b.a_milestone("ARRI", at=40, point="pk-quetta"),
]
by_report = b.a_milestone("CANC", at=45, point="pk-quetta", updated_at=b.hours(45))
by_plan = b.a_plan(status="cancelled", updated_at=b.hours(45))


@given(word=st.sampled_from([by_report, by_plan]))
@settings(deadline=None)
def test_cancelled_on_the_way_it_ended_there_and_what_it_carried_wants_another_train(word: Event) -> None:
    found = pictures([*CANCELLED_ON_THE_WAY, word])

    assert (found[b.TRAIN]["status"], found[b.TRAIN]["place"]["point"]) == ("ended", "pk-quetta")
    for unit in (b.WAGON, b.CONTAINER):
        assert (found[unit]["status"], found[unit]["place"]["point"]) == ("at_point", "pk-quetta")
        assert [e["rule"] for e in found[unit]["exceptions"]] == ["WITHOUT_ONWARD_TRAIN"]


def test_it_is_closed_when_another_train_has_left_with_it() -> None:
    other = "train:pr/PK0002/2026-06-24"
    onward = [
        b.a_consist(train=other, at=50, point="pk-quetta"),
        b.a_milestone("DEPA", other, at=55, point="pk-quetta"),
    ]

    found = pictures([*CANCELLED_ON_THE_WAY, by_report, *onward])

    assert (found[b.CONTAINER]["status"], found[b.CONTAINER].get("exceptions")) == ("in_transit", None)


def test_a_train_that_was_planned_again_in_time_leaves_its_cancelling_to_nobody() -> None:
    again = b.a_plan(updated_at=b.hours(46))

    found = pictures([*CANCELLED_ON_THE_WAY, by_report, again])

    assert (found[b.TRAIN]["status"], found[b.CONTAINER].get("exceptions")) == ("at_point", None)


def test_what_befalls_a_wagon_befalls_what_is_on_it() -> None:
    """Cut out, it stands there with its box, and wants a train."""
    cut_out = b.a_milestone("DTCH", b.WAGON, at=30, point="pk-sibi", train=b.TRAIN)
    refused = b.a_milestone("HREF", b.WAGON, at=31, point="pk-sibi")

    picture = pictures([b.a_consist(), b.a_milestone("DEPA", at=2), cut_out, refused])[b.CONTAINER]

    assert [(f["code"], f.get("via")) for f in picture["timeline"]] == [
        ("DEPA", b.TRAIN),
        ("DTCH", b.WAGON),
        ("HREF", b.WAGON),
    ]
    assert (picture["status"], picture["place"]["point"]) == ("at_point", "pk-sibi")
    assert [e["rule"] for e in picture["exceptions"]] == ["HANDOVER_REFUSED", "WITHOUT_ONWARD_TRAIN"]
