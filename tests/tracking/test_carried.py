"""What a consignment is told of a container that has gone on with other goods."""

from __future__ import annotations

from typing import Any

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.tracking.pure import pictures

OTHER = "consignment:volga-logistics/V1"


def moved(code: str, at: float, point: str, party: str = "astrakhan-terminal") -> Event:
    return b.a_milestone(code, b.CONTAINER, at, point, party=party)


FIRST = [b.a_booking(), moved("GTIN", 0, "pk-lahore", "lahore-dry-port"), moved("DLVD", 500, "ru-astrakhan")]
RETURNED = moved("MTRT", 550, "ru-astrakhan")
NEXT = [
    b.a_booking(consignment=OTHER, at=600, party="volga-logistics"),
    moved("GTIN", 700, "pk-lahore", "lahore-dry-port"),
]


def carried(events: list[Event], consignment: str = b.CONSIGNMENT) -> list[tuple[str, list[tuple[str, str]]]]:
    listed: list[Any] = pictures(events)[consignment].get("carried", [])
    return [(one["subject"], [(m["code"], m["point"]) for m in one["moves"]]) for one in listed]


def test_a_journey_that_is_over_is_told_to_the_consignment_of_it() -> None:
    moves = [("GTIN", "pk-lahore"), ("DLVD", "ru-astrakhan")]

    assert carried([*FIRST, RETURNED, *NEXT]) == [(b.CONTAINER, moves)]


def test_nothing_of_it_is_told_to_the_next_consignment() -> None:
    assert carried([*FIRST, RETURNED, *NEXT], OTHER) == []


def test_the_journey_is_the_containers_own_until_it_goes_on() -> None:
    assert carried([*FIRST, RETURNED]) == []


def test_who_booked_the_container_and_never_had_it_is_told_of_no_journey() -> None:
    rival = b.a_booking(consignment="consignment:volga-logistics/V0", at=-40, party="volga-logistics", id="zz")

    assert carried([*FIRST, rival, RETURNED, *NEXT], "consignment:volga-logistics/V0") == []


def test_goods_that_are_taken_on_the_same_journey_are_told_apart() -> None:
    """Two consignments one after the other, and then the return of the empty: each is told of its own part."""
    second = "consignment:volga-logistics/V0"
    there = [
        b.a_booking(
            consignment=second, at=510, party="volga-logistics", origin="ru-astrakhan", destination="pk-lahore"
        ),
        moved("GTIN", 520, "ru-astrakhan"),
        moved("DLVD", 540, "pk-lahore", "lahore-dry-port"),
    ]
    events = [*FIRST, *there, moved("MTRT", 550, "pk-lahore", "lahore-dry-port"), *NEXT]

    assert [code for code, _ in carried(events)[0][1]] == ["GTIN", "DLVD"]
    assert carried(events, second) == [(b.CONTAINER, [("GTIN", "ru-astrakhan"), ("DLVD", "pk-lahore")])]
