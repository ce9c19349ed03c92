"""Where the hours went."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from contracts.corridor.corridor import load_corridor
from contracts.events.fields import utc_text
from services.tracking.domain.eta.ahead import Stay
from services.tracking.domain.ledger import Interval, ledger, planned_by, planned_on, total

CORRIDOR = load_corridor("pk-ru")
R1 = CORRIDOR.variant("R1")
PLAN = planned_on(R1)
BEGAN = datetime(2026, 7, 1, tzinfo=UTC)


def at(hours: float) -> datetime:
    return BEGAN + timedelta(hours=hours)


def hours(one: Interval) -> float:
    return one.delay / timedelta(hours=1)


STAYS = {
    "pk-lahore": Stay(None, at(5)),
    "pk-quetta": Stay(at(70), at(71)),
    "pk-taftan": Stay(at(108), at(150)),
    "ir-mirjaveh": Stay(at(152), None),
}


def test_each_interval_has_what_it_took_beyond_the_plan() -> None:
    found = ledger(PLAN, STAYS, [], at(0), CORRIDOR)
    assert [(one.kind, one.place, hours(one)) for one in found] == [
        ("departure", "pk-lahore", 5),
        ("leg", "pk-lahore>pk-quetta", 5),
        ("stay", "pk-quetta", 1),
        ("leg", "pk-quetta>pk-taftan", -3),
        ("stay", "pk-taftan", 18),
        ("leg", "pk-taftan>ir-mirjaveh", 1),
    ]
    assert total(found) == timedelta(hours=27)
    assert {one.party for one in found} == {"pr"}


def test_a_departure_that_nobody_reported_is_put_between_its_neighbours_by_the_plan() -> None:
    stays = STAYS | {"pk-taftan": Stay(at(108), None)}
    found = {one.place: one for one in ledger(PLAN, stays, [], at(0), CORRIDOR)}
    # 44 hours for a stay of 24 and a leg of 1.
    assert found["pk-taftan"].end == at(108) + timedelta(hours=44) * 24 / 25
    assert found["pk-taftan"].is_inferred and found["pk-taftan>ir-mirjaveh"].is_inferred
    assert not found["pk-quetta"].is_inferred


def test_what_was_reported_meanwhile_is_the_cause() -> None:
    told = [
        {"code": "STOP", "cause": "no locomotive", "instant": utc_text(at(120)), "fact_id": "s"},
        {"code": "ARRI", "instant": utc_text(at(108)), "fact_id": "a"},
    ]
    found = {one.place: one for one in ledger(PLAN, STAYS, told, at(0), CORRIDOR)}
    assert found["pk-taftan"].causes == ("no locomotive",) and found["pk-taftan"].facts == ("a",)
    assert found["pk-quetta"].causes == ()


def test_a_train_is_held_to_its_own_plan() -> None:
    calls = [
        {"point": "pk-lahore", "departure": utc_text(at(0))},
        {"point": "pk-quetta", "arrival": utc_text(at(50)), "departure": utc_text(at(60))},
        {"point": "pk-taftan", "arrival": utc_text(at(90))},
    ]
    found = ledger(planned_by(calls), STAYS, [], at(0), CORRIDOR)
    assert [(one.place, hours(one)) for one in found] == [
        ("pk-lahore", 5),
        ("pk-lahore>pk-quetta", 15),
        ("pk-quetta", -9),
        ("pk-quetta>pk-taftan", 7),
    ]
    assert planned_by([*calls, {"point": "ir-mirjaveh"}]) == {} == planned_by(calls[:1])


def test_without_two_ends_there_is_no_ledger() -> None:
    assert ledger(PLAN, {}, [], at(0), CORRIDOR) == []
    assert ledger(PLAN, {"pk-quetta": Stay(at(1), None)}, [], None, CORRIDOR) == []


def test_a_correction_moves_hours_from_one_interval_to_the_next() -> None:
    corrected = STAYS | {"pk-taftan": Stay(at(128), at(150))}
    before, after = (ledger(PLAN, stays, [], at(0), CORRIDOR) for stays in (STAYS, corrected))
    moved = {a.place: hours(a) - hours(b) for b, a in zip(before, after, strict=True) if a.delay != b.delay}
    assert moved == {"pk-quetta>pk-taftan": 20, "pk-taftan": -20}
    assert total(before) == total(after)


_instants = st.one_of(st.none(), st.floats(0, 600).map(at))


@given(
    st.lists(st.builds(Stay, _instants, _instants), min_size=len(R1.calls), max_size=len(R1.calls)),
    st.one_of(st.none(), st.just(at(-3))),
)
def test_the_hours_add_up_whatever_was_reported(stays: list[Stay], departs: datetime | None) -> None:
    found = ledger(PLAN, dict(zip(R1.calls, stays, strict=True)), [], departs, CORRIDOR)
    assert all(one.start <= one.end for one in found if one.kind != "departure")
    assert all(one.end == other.start for one, other in pairwise(found))
    if found:
        planned = sum((one.planned for one in found), timedelta())
        assert total(found) == found[-1].end - found[0].start - planned
