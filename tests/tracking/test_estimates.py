"""When subjects are expected, as their pictures show it."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.corridor.durations import Durations, Record, load_durations
from contracts.envelope.codec import Event
from services.tracking.domain import fold as folding
from tests.support import builders as b
from tests.support.stores import AS_OF
from tests.tracking.pure import folded, pictures

BOX, OTHER = b.container(1), b.container(2)
CALLS = [
    {"point": "pk-lahore", "departure": b.hours(0)},
    {"point": "pk-quetta", "arrival": b.hours(60), "departure": b.hours(62)},
    {"point": "pk-taftan", "arrival": b.hours(102)},
]
PLAN = b.a_plan(calls=CALLS, route_variant="R1")
LEFT = b.a_milestone("DEPA", at=5)
SOON = b.START + timedelta(hours=6)


def estimates(subject: str, *events: Event, as_of: datetime = SOON) -> dict[str, dict[str, Any]]:
    """What a picture expects, by point."""
    return {one["point"]: one for one in pictures(events, as_of)[subject].get("estimates", ())}


def test_a_train_on_its_way_is_expected_at_each_call_ahead_with_what_the_plan_says() -> None:
    found = estimates(b.TRAIN, PLAN, LEFT)
    assert list(found) == ["pk-quetta", "pk-taftan"]
    quetta = found["pk-quetta"]
    assert quetta["source"] == "corridor" and quetta["planned"] == b.hours(60)
    assert quetta["earliest"] < quetta["expected"] < quetta["latest"]
    # The plan, five hours late.
    assert quetta["others"] == [{"source": "plan", "expected": b.hours(65)}]


def test_a_train_that_has_not_left_or_has_arrived_is_expected_nowhere() -> None:
    assert estimates(b.TRAIN, PLAN) == {}
    arrived = [b.a_milestone("ARRI", at=70, point="pk-quetta"), b.a_milestone("ARRI", at=120, point="pk-taftan")]
    assert estimates(b.TRAIN, PLAN, LEFT, *arrived, as_of=AS_OF) == {}


def test_a_railways_own_estimate_is_shown_beside_ours() -> None:
    said = b.a_milestone("ETA", at=80, point="pk-quetta", classifier="EST", id="eta-1")
    (plan, other) = estimates(b.TRAIN, PLAN, LEFT, said)["pk-quetta"]["others"]
    assert plan["source"] == "plan"
    assert other == {
        "source": "pr",
        "expected": b.hours(80),
        "event_source": b.source_of("pr"),
        "event_id": "eta-1",
    }


def test_who_was_right_most_often_there_is_announced(monkeypatch: pytest.MonkeyPatch) -> None:
    known = load_durations("pk-ru")
    assert known is not None
    records = (
        Record(point="pk-quetta", source="pr", right=9, n=10),
        Record(point="pk-quetta", source="corridor", right=5, n=10),
    )

    def with_records(_: str) -> Durations:
        return Durations.model_validate(known.model_dump() | {"records": records})

    monkeypatch.setattr(folding, "load_durations", with_records)
    said = b.a_milestone("ETA", at=200, point="pk-quetta", classifier="EST")
    quetta = estimates(b.TRAIN, PLAN, LEFT, said)["pk-quetta"]
    assert (quetta["source"], quetta["expected"]) == ("pr", b.hours(200))
    assert quetta["earliest"] < quetta["latest"] == b.hours(200)
    assert [other["source"] for other in quetta["others"]] == ["corridor", "plan"]


def test_a_box_is_expected_all_the_way_to_the_destination_of_its_booking() -> None:
    found = estimates(BOX, b.a_booking([BOX]), b.a_milestone("DEPA", BOX, at=1))
    assert list(found)[-1] == "ru-astrakhan"
    assert "kz-bolashak" in found


def test_a_consignment_comes_when_the_last_of_its_boxes_does() -> None:
    booked = b.a_booking([BOX, OTHER])
    early, late = b.a_milestone("DEPA", BOX, at=1), b.a_milestone("DEPA", OTHER, at=40)
    as_of = b.START + timedelta(hours=41)
    whole = estimates(b.CONSIGNMENT, booked, early, late, as_of=as_of)
    of_last = estimates(OTHER, booked, early, late, as_of=as_of)
    assert {p: one["expected"] for p, one in whole.items()} == {p: one["expected"] for p, one in of_last.items()}


def test_where_the_route_is_not_known_nothing_is_expected() -> None:
    booked = b.a_booking([BOX], route_variant=None, destination="ir-zahedan")
    assert estimates(BOX, booked, b.a_milestone("DEPA", BOX, at=1)) == {}


def test_an_overdue_train_is_looked_at_again_by_itself() -> None:
    """Its picture is due when it should have come, and an hour, two, four hours later."""
    late = b.START + timedelta(hours=90)
    due = folded([PLAN, LEFT], late)[b.TRAIN].due
    assert due is not None and late < due
    before = estimates(b.TRAIN, PLAN, LEFT, as_of=due - timedelta(seconds=1))["pk-quetta"]
    after = estimates(b.TRAIN, PLAN, LEFT, as_of=due)["pk-quetta"]
    assert before["made_at"] < after["made_at"] and before["expected"] < after["expected"]


def test_between_two_looks_nothing_moves() -> None:
    one, other = (estimates(b.TRAIN, PLAN, LEFT, as_of=b.START + timedelta(hours=h)) for h in (6, 50))
    assert one == other
