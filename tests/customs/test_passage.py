"""A consignment on its way over the borders: what is announced, and what left without permission.

Tracking's pictures come from the real tracking store.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest

from contracts import catalogue, topics
from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.support.pipeline import Line, hand_over
from tests.support.stores import Store

pytestmark = pytest.mark.servers

PASSAGE = f"passage:{b.CONSIGNMENT}"
TRANSIT = f"case:{b.CONSIGNMENT}/IR/TRANSIT/1"
OTHER = "consignment:volga-logistics/V1"
TRAIN_IN_IRAN = "train:rai/IR0001/2026-06-27"


def departed(at: float, point: str = "pk-lahore", party: str = "pr", **more: Any) -> Event:
    return b.a_milestone("DEPA", at=at, point=point, party=party, **more)


def arrived(at: float, point: str = "ir-mirjaveh", party: str = "rai", **more: Any) -> Event:
    return b.a_milestone("BARR", at=at, point=point, party=party, **more)


def moved(code: str, at: float, point: str, party: str = "astrakhan-terminal", **more: Any) -> Event:
    """A report of the container itself."""
    return b.a_milestone(code, b.CONTAINER, at, point, party=party, **more)


def setting_out(**booking: Any) -> list[Event]:
    return [b.a_booking(**booking), b.a_consist(), departed(at=2)]


def lodged(jurisdiction: str, procedure: str, at: float, about: str = b.CONSIGNMENT, **more: Any) -> Event:
    return b.a_declaration(about, at, jurisdiction=jurisdiction, procedure=procedure, **more)


def ruled(decisions: str, first: float, case: str = b.CASE, party: str = "fbr", **more: Any) -> list[Event]:
    """Decisions an hour apart."""
    return [b.a_decision(d, case, first + n, party=party, **more) for n, d in enumerate(decisions.split())]


def exit_confirmed(by: float) -> list[Event]:
    """An export from its declaration to the confirmation of its exit."""
    return [lodged("PK", "EXPORT", -40), *ruled("accept release start_transit present discharge", by - 4)]


def released(by: float) -> list[Event]:
    """The transit of Iran, released."""
    return [lodged("IR", "TRANSIT", -40), *ruled("accept release", by - 1, TRANSIT, "irica")]


async def passage(line: Line, key: str = PASSAGE) -> Any:
    return (await line.customs.pictures())[key]


async def announced(line: Line, key: str = PASSAGE) -> list[tuple[str, str]]:
    return [(a["country"], a["state"]) for a in (await passage(line, key))["announcements"]]


async def rules(line: Line, key: str = PASSAGE) -> list[tuple[str, str]]:
    return [(v["rule"], v["point"]) for v in (await passage(line, key))["violations"]]


async def sent(store: Store, kind: str) -> list[tuple[str, dict[str, Any]]]:
    """What is left in the outbox of one type of event, as (topic, data)."""
    rows = await store.pool.fetch("SELECT topic, body FROM outbox WHERE ce_type = $1 ORDER BY id", kind)
    return [(row["topic"], json.loads(row["body"])) for row in rows]


def void(event: Event) -> Event:
    data = json.loads(event.body) | {"updated_at": b.hours(900), "retracted": True}
    return b.an_event(event.type, event.subject, data, id=event.id, party=event.source.split(":")[2])


# --- Announcements


async def test_nothing_is_announced_before_anything_has_moved(line: Line) -> None:
    await line.feed(b.a_booking(), b.a_consist())

    assert await announced(line) == []


async def test_what_is_under_way_is_announced_to_the_next_country(line: Line) -> None:
    line = at(line, 90)
    await line.feed(*setting_out(), departed(at=80, point="pk-quetta"))

    (arrival,) = (await passage(line))["announcements"]
    assert (arrival["country"], arrival["state"], arrival["filed"]) == ("IR", "expected", False)
    # 40 h to Taftan, 24 h there, 1 h to Mirjaveh.
    assert arrival["expected_from"] == b.hours(80 + 40 + 24 + 1)
    assert arrival["expected_to"] > arrival["expected_from"]
    assert [u["subject"] for u in arrival["units"]] == [b.CONTAINER]


async def test_an_arrival_is_announced_when_it_comes_within_the_horizon(line: Line) -> None:
    """Iran is 125 planned hours from the departure of Lahore, and 72 are announced."""
    line = at(line, 3)
    await line.feed(*setting_out())
    before = await announced(line)

    await line.step(b.START + timedelta(hours=2 + 125 - 72))

    assert (before, await announced(line)) == ([], [("IR", "expected")])


async def test_it_is_not_announced_an_instant_too_early(line: Line) -> None:
    line = at(line, 3)
    await line.feed(*setting_out())

    await line.step(b.START + timedelta(hours=2 + 125 - 72) - timedelta(microseconds=1))

    assert await announced(line) == []


def at(line: Line, hours: float) -> Line:
    """The line with its clock set anew, that many hours after the start."""
    for store in (line.tracking, line.customs, line.notifications):
        store.clock._instant = b.START + timedelta(hours=hours)
    return line


async def test_who_has_come_is_announced_as_arrived_and_the_next_country_gets_its_turn(line: Line) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"), arrived(at=101))

    assert await announced(line) == [("IR", "arrived"), ("TM", "expected")]
    assert [a.get("arrived_at") for a in (await passage(line))["announcements"]] == [b.hours(101), None]


async def test_a_container_left_behind_keeps_the_announcement_open_and_silences_none_ahead(line: Line) -> None:
    boxes = [b.CONTAINER, b.container(2)]
    wagons = {b.WAGON: boxes[:1], b.wagon(2): boxes[1:]}
    left = b.a_milestone("DTCH", b.wagon(2), at=50, point="pk-quetta", train=b.TRAIN)

    await line.feed(b.a_booking(boxes), b.a_consist(wagons), departed(at=2), left, departed(100, "pk-taftan"))
    await line.feed(arrived(at=101))

    found = {a["country"]: a for a in (await passage(line))["announcements"]}
    assert {c: a["state"] for c, a in found.items()} == {"IR": "expected", "TM": "expected"}
    assert {u["subject"]: u["state"] for u in found["IR"]["units"]} == {boxes[0]: "arrived", boxes[1]: "expected"}
    assert [u["subject"] for u in found["TM"]["units"]] == boxes[:1]


async def test_a_booked_wagon_is_announced_once_a_carrier_has_put_the_goods_on_it(line: Line) -> None:
    """Whoever books the wagon of a rival learns nothing of its way."""
    await line.feed(b.a_booking([], wagons=[b.WAGON]), b.a_consist({b.WAGON: []}), departed(at=2))
    booked = await announced(line)
    loaded = {"wagon": b.WAGON, "position": 1, "consignment": b.CONSIGNMENT}
    await line.feed(b.a_consist(at=3, wagons_listed=[loaded]), departed(at=4, point="pk-quetta"))

    assert (booked, await announced(line)) == ([], [("IR", "expected")])


async def test_an_announcement_goes_to_the_country_and_to_our_own_services(line: Line) -> None:
    await line.feed(*setting_out())

    assert [t for t, _ in await sent(line.customs, catalogue.ARRIVAL)] == ["customs-cases-ir"]
    assert any(i["fact"] == f"arrival:{b.CONSIGNMENT}/IR" for i in await line.notifications.deliveries())


async def test_an_announcement_is_withdrawn_when_the_consignment_is_cancelled_before_it_moves(line: Line) -> None:
    await line.feed(b.a_booking(id="booking"), moved("GTIN", 1, "pk-lahore", "lahore-dry-port"))
    await line.feed(b.a_booking(id="booking", status="cancelled", updated_at=b.hours(9)))

    assert await announced(line) == []
    assert [d["state"] for _, d in await sent(line.customs, catalogue.ARRIVAL)] == ["expected", "withdrawn"]


async def test_an_announcement_is_withdrawn_when_the_container_was_the_wrong_one(line: Line) -> None:
    await line.feed(b.a_booking(id="booking"), moved("GTIN", 1, "pk-lahore", "lahore-dry-port"))
    await line.feed(b.a_booking([b.container(7)], id="booking", updated_at=b.hours(9)))

    assert await announced(line) == []


WITHDRAWING: dict[str, dict[str, Any]] = {
    "cancelled": {"status": "cancelled"},
    "retracted": {"retracted": True},
    "another container": {"containers": [b.container(7)]},
    "another way": {"route_variant": "R2"},
    "no way": {"route_variant": None},
    "another destination": {"destination": "pk-quetta"},
}


@pytest.mark.parametrize("change", WITHDRAWING.values(), ids=WITHDRAWING.keys())
async def test_once_the_goods_have_left_a_forwarder_withdraws_nothing(line: Line, change: dict[str, Any]) -> None:
    """Neither what was announced nor the violation, whatever its booking says now."""
    await line.feed(*setting_out(id="booking"), departed(at=100, point="pk-taftan"))
    before = await announced(line), await rules(line)

    await line.feed(b.a_booking(**{"id": "booking", "updated_at": b.hours(9), **change}))

    assert (await announced(line), await rules(line)) == before
    assert before[1] == [("LEFT_WITHOUT_PERMISSION", "pk-taftan")]
    (request,) = (await line.tracking.pictures())[b.CONSIGNMENT]["requests"]
    assert request["changes"]


@pytest.mark.parametrize("code", ["MTRT", "DLVD", "STRP"])
async def test_goods_do_not_arrive_by_the_word_of_their_forwarder(line: Line, code: str) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"))
    before = await announced(line), await rules(line)

    await line.feed(moved(code, 20, "pk-quetta", "indus-forwarding"))

    assert (await announced(line), await rules(line)) == before


async def test_an_announcement_says_whether_a_declaration_is_there(line: Line) -> None:
    await line.feed(*setting_out(), lodged("IR", "TRANSIT", -40))

    (arrival,) = (await passage(line))["announcements"]
    assert (arrival["filed"], arrival["cases"]) == (True, [TRANSIT])


async def test_advance_data_are_no_declaration(line: Line) -> None:
    await line.feed(*setting_out(), lodged("IR", "TRANSIT", -40, stage="advance"))

    assert (await passage(line))["announcements"][0]["filed"] is False


async def test_a_declaration_may_be_about_a_reference_of_the_consignment(line: Line) -> None:
    reference = {"scheme": "smgs", "issuer": "trk", "number": "778"}

    await line.feed(*setting_out(references=[reference]), lodged("IR", "TRANSIT", -40, "reference:smgs:trk:778"))

    assert (await passage(line))["announcements"][0]["filed"] is True


async def test_a_declaration_about_a_reference_that_two_claim_counts_for_the_first(line: Line) -> None:
    reference = {"scheme": "smgs", "issuer": "trk", "number": "778"}
    other = b.a_booking([b.container(5)], OTHER, party="volga-logistics", references=[reference])

    await line.feed(*setting_out(references=[reference]))
    await line.step(line.tracking.clock.now() + timedelta(minutes=1))
    await line.feed(other, lodged("IR", "TRANSIT", -40, "reference:smgs:trk:778"))

    assert (await passage(line))["announcements"][0]["filed"] is True


async def test_the_shared_transit_is_filed_for_both_of_its_countries(line: Line) -> None:
    await line.feed(*setting_out(), lodged("EAEU", "TRANSIT", -40))
    await line.feed(moved("GTIN", 300, "kz-bolashak", "ktz"))

    found = {a["country"]: (a["state"], a["filed"]) for a in (await passage(line))["announcements"]}
    assert (found["KZ"], found["RU"]) == (("arrived", True), ("expected", True))


async def test_the_seals_that_are_on_are_announced(line: Line) -> None:
    """They accumulate; one that was removed is on no more, however its number is written."""
    seals = [
        moved("SEAL", 1, "pk-lahore", "lahore-dry-port", seals=[{"number": "PK 777"}]),
        moved("SEAL", 1.2, "pk-lahore", "lahore-dry-port", seals=[{"number": "NAV9"}, {"number": "LDP1"}]),
        moved("SEAL", 1.4, "pk-lahore", "lahore-dry-port", seals=[{"number": "pk777", "removed": True}]),
    ]

    await line.feed(*setting_out(), *seals, departed(at=80, point="pk-quetta"))

    assert (await passage(line))["announcements"][0]["units"][0]["seals"] == ["NAV9", "LDP1"]


async def test_seals_last_reported_are_announced(line: Line) -> None:
    sealed = moved("SEAL", 1, "pk-lahore", "lahore-dry-port", seals=[{"number": "PK777"}])

    await line.feed(*setting_out(), sealed)

    assert (await passage(line))["announcements"][0]["units"][0]["seals"] == ["PK777"]


async def test_with_a_way_that_is_in_no_corridor_data_goods_are_announced_where_all_ways_lead(
    line: Line,
) -> None:
    """A forwarder's word for its route must not put tracking's record aside."""
    await line.feed(*setting_out(route_variant="R99"), *exit_confirmed(by=90))

    assert await line.customs.rows("dead_letter") == []
    assert await announced(line) == [("IR", "expected")]
    assert await line.customs.rows("fold_queue") == []


async def test_without_a_variant_a_border_that_all_ways_cross_is_announced_and_watched(line: Line) -> None:
    await line.feed(*setting_out(route_variant=None), departed(at=60, point="pk-quetta"))
    before = await announced(line)

    await line.feed(moved("ARRI", 81, "ir-mirjaveh", "rai"))

    assert (before, await announced(line)) == ([("IR", "expected")], [("IR", "arrived")])
    assert await rules(line) == [("LEFT_WITHOUT_PERMISSION", "pk-taftan")]


async def test_newer_corridor_data_than_ours_do_not_put_a_record_aside(line: Line) -> None:
    """Copies of tracking may be on a newer release for a while."""
    await line.tracking.feed(setting_out())
    await line.tracking.settle()
    await line.tracking.pool.execute(
        "UPDATE outbox SET body = convert_to(replace(convert_from(body, 'UTF8'), $1, $2), 'UTF8') WHERE topic = $3",
        '"corridor_version":1',
        '"corridor_version":99',
        topics.TRACKING_EVENTS.name,
    )

    await hand_over(line.tracking, topics.TRACKING_EVENTS.name, line.customs)
    await line.customs.settle()

    assert await line.customs.rows("dead_letter") == []
    assert await announced(line) == [("IR", "expected")]


# --- Violations


async def test_a_train_that_leaves_the_exit_station_unconfirmed_is_a_violation(line: Line) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"))

    (violation,) = (await passage(line))["violations"]
    assert (violation["rule"], violation["point"]) == ("LEFT_WITHOUT_PERMISSION", "pk-taftan")
    assert (violation["instant"], violation["rests_on"]) == (b.hours(100), "observed")
    assert violation["case"] == b.CASE


async def test_a_train_that_leaves_with_its_exit_confirmed_is_none(line: Line) -> None:
    await line.feed(*exit_confirmed(by=99), *setting_out(), departed(at=100, point="pk-taftan"))

    assert await rules(line) == []


async def test_permission_that_was_given_after_it_left_comes_too_late(line: Line) -> None:
    await line.feed(*exit_confirmed(by=101), *setting_out(), departed(at=100, point="pk-taftan"))

    assert await rules(line) == [("LEFT_WITHOUT_PERMISSION", "pk-taftan")]


async def test_crossing_is_no_violation_of_the_entry_side(line: Line) -> None:
    await line.feed(*exit_confirmed(by=99), *setting_out(), departed(at=100, point="pk-taftan"), arrived(at=101))

    assert await rules(line) == []


async def test_leaving_the_entry_zone_unreleased_is_a_violation(line: Line) -> None:
    crossed = [departed(at=100, point="pk-taftan"), arrived(at=101), arrived(at=106, point="ir-zahedan")]

    await line.feed(*exit_confirmed(by=99), *setting_out(), *crossed, departed(150, "ir-zahedan", "rai"))

    assert await rules(line) == [("LEFT_ZONE_WITHOUT_RELEASE", "ir-zahedan")]


async def test_leaving_the_entry_zone_released_is_none(line: Line) -> None:
    crossed = [departed(at=100, point="pk-taftan"), arrived(at=101), departed(150, "ir-zahedan", "rai")]

    await line.feed(*exit_confirmed(by=99), *released(by=149), *setting_out(), *crossed)

    assert await rules(line) == []


async def test_goods_that_were_recalled_were_not_released_when_they_left(line: Line) -> None:
    recalled = b.a_decision("inspect", TRANSIT, at=149.5, party="irica")
    crossed = [departed(at=100, point="pk-taftan"), arrived(at=101), departed(150, "ir-zahedan", "rai")]

    await line.feed(*exit_confirmed(by=99), *released(by=149), recalled, *setting_out(), *crossed)

    assert await rules(line) == [("LEFT_ZONE_WITHOUT_RELEASE", "ir-zahedan")]


async def test_goods_that_are_to_be_returned_may_not_go_on(line: Line) -> None:
    """Their case is closed, as that of goods which have passed."""
    sent_back = [lodged("IR", "TRANSIT", -40), *ruled("accept review refuse return", 102, TRANSIT, "irica")]
    crossed = [departed(at=100, point="pk-taftan"), arrived(at=101), departed(150, "ir-zahedan", "rai")]

    await line.feed(*exit_confirmed(by=99), *sent_back, *setting_out(), *crossed)

    assert await rules(line) == [("LEFT_ZONE_WITHOUT_RELEASE", "ir-zahedan")]


async def test_a_departure_that_nobody_reported_is_inferred_and_said_to_be(line: Line) -> None:
    await line.feed(*setting_out(), arrived(at=101))

    (violation,) = (await passage(line))["violations"]
    assert (violation["rests_on"], violation["instant"]) == ("inferred", b.hours(101))


async def test_a_violation_is_withdrawn_when_the_permission_arrives_late(line: Line) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"))
    await line.feed(*exit_confirmed(by=99))

    assert await rules(line) == []
    told = [d["state"] for t, d in await sent(line.customs, catalogue.VIOLATION) if t == "customs-cases-pk"]
    assert told == ["raised", "withdrawn"]


async def test_a_violation_is_withdrawn_when_the_departure_is_retracted(line: Line) -> None:
    left = departed(at=100, point="pk-taftan")
    await line.feed(*setting_out(), left)
    await line.feed(void(left))

    assert await rules(line) == []


async def test_a_violation_is_raised_again_when_it_holds_again(line: Line) -> None:
    left = departed(at=100, point="pk-taftan")
    await line.feed(*setting_out(), left)
    await line.feed(void(left))
    await line.feed(departed(at=100, point="pk-taftan", id=left.id, updated_at=b.hours(901)))

    told = [d["state"] for t, d in await sent(line.customs, catalogue.VIOLATION) if t == "customs-cases-pk"]
    assert told == ["raised", "withdrawn", "raised"]


async def test_a_violation_goes_to_the_law_that_was_broken_and_to_our_own_services(line: Line) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"))

    assert [t for t, _ in await sent(line.customs, catalogue.VIOLATION)] == ["customs-cases-pk"]
    assert any(i["fact"].startswith("violation:") for i in await line.notifications.deliveries())


async def test_a_release_lets_go_the_containers_that_its_declaration_names_and_no_others(line: Line) -> None:
    boxes = [b.CONTAINER, b.container(2)]
    export = [lodged("PK", "EXPORT", -40, containers=boxes[:1]), *exit_confirmed(by=99)[1:]]

    await line.feed(*export, b.a_booking(boxes), b.a_consist({b.WAGON: boxes}), departed(at=2))
    await line.feed(departed(at=100, point="pk-taftan"))

    assert [v["subject"] for v in (await passage(line))["violations"]] == boxes[1:]


async def test_a_border_without_formality_asks_for_no_permission(line: Line) -> None:
    """Inside the union no declaration is made where Kazakhstan ends."""
    await line.feed(*setting_out(), moved("GTIN", 300, "kz-beyneu", "ktz"))
    before = await rules(line)

    await line.feed(moved("DEPA", 320, "ru-aksarayskaya", "rzd"))

    assert await rules(line) == before


# --- A container that goes on with other goods


def delivered_and_gone_on() -> Sequence[Event]:
    """The container is delivered, given back empty, and booked by somebody else."""
    return [
        moved("DLVD", 500, "ru-astrakhan"),
        moved("MTRT", 550, "ru-astrakhan"),
        b.a_booking(consignment=OTHER, at=600, party="volga-logistics"),
        moved("GTIN", 700, "pk-lahore", "lahore-dry-port"),
        moved("DEPA", 710, "pk-lahore", "pr"),
    ]


async def test_what_was_announced_and_raised_stands_when_the_container_goes_on_with_other_goods(line: Line) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"), arrived(at=101))
    await line.feed(*delivered_and_gone_on()[:1])
    before = await passage(line)

    await line.feed(*delivered_and_gone_on()[1:])

    after = await passage(line)
    assert before["violations"] and before["announcements"]
    assert (after["violations"], after["announcements"]) == (before["violations"], before["announcements"])


async def test_the_next_goods_are_announced_on_their_own_way_alone(line: Line) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"), arrived(at=101))

    await line.feed(*delivered_and_gone_on())

    assert await announced(line, f"passage:{OTHER}") == [("IR", "expected")]
    assert await rules(line, f"passage:{OTHER}") == []


async def test_the_same_violation_by_the_next_goods_is_another_one(line: Line) -> None:
    await line.feed(*setting_out(), departed(at=100, point="pk-taftan"))
    await line.feed(*delivered_and_gone_on())
    await line.feed(moved("DEPA", 800, "pk-taftan", "pr"))

    rows = await sent(line.customs, catalogue.VIOLATION)
    raised = {d["violation"] for t, d in rows if t == "customs-cases-pk" and d["rule"] == "LEFT_WITHOUT_PERMISSION"}
    assert len({v for v in raised if "/pk-ir/" in v}) == 2


async def test_a_hold_on_the_next_goods_is_none_on_the_goods_before(line: Line) -> None:
    await line.feed(*setting_out(), lodged("PK", "EXPORT", -40), *delivered_and_gone_on())

    await line.feed(b.a_hold(b.CONTAINER, at=720))

    pictures = await line.customs.pictures()
    assert pictures[b.CASE].get("holds") is None
    assert pictures[f"case:{OTHER}/PK/EXPORT/1"]["held"] is True
