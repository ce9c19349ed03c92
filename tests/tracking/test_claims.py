"""What a consignment shows of its units ends with its own carriage of them, whatever becomes of them afterwards."""

from __future__ import annotations

from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from tests.support import builders as b
from tests.tracking.pure import pictures

BACK = "consignment:volga-logistics/V1"
CODES = ("GTIN", "GTOT", "STUF", "LOAD", "DISC", "DLVD", "STRP", "MTRT", "TAMP", "DAMG", "SEAL", "PASS", "CINS")

OUT = [
    b.a_booking(),
    b.a_milestone("GTIN", b.CONTAINER, 1, party="lahore-dry-port", id="in"),
    b.a_milestone("DLVD", b.CONTAINER, 400, "ru-astrakhan", party="rzd", id="end"),
]
RETURN = b.a_booking([b.CONTAINER], BACK, 410, party="volga-logistics", origin="ru-astrakhan", destination="pk-lahore")


@st.composite
def afterwards(draw: st.DrawFn) -> dict[str, Any]:
    return {
        "code": draw(st.sampled_from(CODES)),
        "subject": b.CONTAINER,
        "at": 400.25 + draw(st.integers(1, 200)),
        "point": draw(st.sampled_from(["ru-astrakhan", "pk-lahore", "kz-beyneu"])),
        "party": draw(st.sampled_from(["rzd", "astrakhan-terminal", "ktz"])),
        "wagon": b.WAGON,
    }


@settings(deadline=None, max_examples=150)
@given(later=st.lists(afterwards(), max_size=8), booked=st.booleans())
def test_nothing_that_occurs_behind_its_delivery_is_in_a_consignment(later: list[dict[str, Any]], booked: bool) -> None:
    before = pictures(OUT)[b.CONSIGNMENT]

    after = [b.a_milestone(**one, id=f"later{n}") for n, one in enumerate(later)]
    found = pictures([*OUT, *([RETURN] if booked else []), *after])[b.CONSIGNMENT]

    # What a box was to it is told by itself, once the box has a journey of its own again.
    assert {name: value for name, value in found.items() if name != "carried"} == before
    assert before["status"] == "delivered"


def test_the_delivery_itself_is_in_it() -> None:
    (member,) = pictures(OUT)[b.CONSIGNMENT]["members"]

    assert (member["status"], member["code"], member["instant"]) == ("delivered", "DLVD", b.hours(400))
