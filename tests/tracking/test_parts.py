"""A consignment of several boxes: how many are where, and what that makes of the whole."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.tracking.pure import pictures

BOXES = [b.container(n) for n in range(4)]
HOW_FAR = {"planned": 0, "at_point": 1, "in_transit": 2, "delivered": 3}


def steps(box: int, how_far: int) -> list[Event]:
    """A box on its way so far: taken in, left, delivered."""
    events = [
        b.a_milestone("GTIN", BOXES[box], 1 + box, party="lahore-dry-port"),
        b.a_milestone("DEPA", BOXES[box], 10 + box),
        b.a_milestone("DLVD", BOXES[box], 400 + box, "ru-astrakhan", party="rzd"),
    ]
    return events[:how_far]


def consignment(states: list[str], *more: Event) -> Any:
    told = [event for n, state in enumerate(states) for event in steps(n, HOW_FAR[state])]
    return pictures([b.a_booking(BOXES[: len(states)]), *told, *more])[b.CONSIGNMENT]


@settings(deadline=None, max_examples=100)
@given(states=st.lists(st.sampled_from(sorted(HOW_FAR)), min_size=1, max_size=4))
def test_the_units_are_counted_and_the_whole_is_delivered_when_all_are(states: list[str]) -> None:
    picture = consignment(states)

    counted = {"planned": "planned", "under_way": "in_transit", "at_point": "at_point", "delivered": "delivered"}
    assert picture["units"] == {name: states.count(state) for name, state in counted.items()}
    assert (picture["status"] == "delivered") == (set(states) == {"delivered"})
    if "in_transit" in states:
        assert picture["status"] == "in_transit"


def test_some_delivered_and_some_never_started_is_partly_delivered() -> None:
    assert consignment(["delivered", "planned"])["status"] == "partly_delivered"


def test_what_befalls_the_goods_somewhere_does_not_say_where_their_boxes_are() -> None:
    damaged = b.a_milestone("DAMG", b.CONSIGNMENT, 5, "pk-lahore", party="pr")

    assert consignment(["in_transit", "in_transit"], damaged)["status"] == "in_transit"


def test_the_whole_is_not_delivered_while_a_box_was_never_seen_to_leave() -> None:
    whole = b.a_milestone("DLVD", b.CONSIGNMENT, 450, "ru-astrakhan", party="rzd")

    early, late = consignment(["delivered", "planned"], whole), consignment(["delivered", "in_transit"], whole)

    assert (early["status"], [e["rule"] for e in early["exceptions"]]) == ("partly_delivered", ["PHYSICAL_ORDER"])
    assert (late["status"], late["units"]["delivered"], late.get("exceptions")) == ("delivered", 2, None)
