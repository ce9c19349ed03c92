"""The way that a booking takes when it names none."""

from __future__ import annotations

from typing import Any

import pytest

from tests.support import builders as b
from tests.tracking.pure import pictures


def consignment(origin: str, destination: str, **more: Any) -> Any:
    return pictures([b.a_booking(origin=origin, destination=destination, **{"route_variant": None, **more})])[
        b.CONSIGNMENT
    ]


def rules(picture: Any) -> list[str]:
    return [e["rule"] for e in picture.get("exceptions", ())]


def test_the_one_variant_that_leads_there_is_taken() -> None:
    picture = consignment("pk-lahore", "ir-sarakhs")

    assert (picture["route_variant"], rules(picture)) == ("R1", [])


@pytest.mark.parametrize(
    "ends", [("pk-lahore", "ru-astrakhan"), ("ru-astrakhan", "pk-lahore")], ids=["several lead there", "none does"]
)
def test_a_way_that_is_not_known_is_said(ends: tuple[str, str]) -> None:
    picture = consignment(*ends)

    assert ("route_variant" in picture, rules(picture)) == (False, ["ROUTE_UNKNOWN"])


def test_a_booking_that_names_its_way_or_crosses_no_border_needs_none() -> None:
    assert rules(consignment("pk-lahore", "ru-astrakhan", route_variant="R2")) == []
    assert rules(consignment("kz-atyrau", "kz-beyneu")) == []
    assert rules(consignment("pk-lahore", "ru-astrakhan", status="cancelled")) == []
