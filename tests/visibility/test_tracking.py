"""What tracking's door shows of a subject, and to whom."""

from __future__ import annotations

import json
from typing import Any

import pytest

from contracts.envelope.codec import Event
from tests.support import builders as b
from tests.support.doors import Doors
from tests.support.pipeline import Line

pytestmark = pytest.mark.servers

RIVAL = "consignment:volga-logistics/V1"
BOX, OTHER = b.CONTAINER, b.container(2)
OWNER, SHIPPER, STRANGER = "indus-forwarding", "ravi-textiles", "volga-logistics"
PARTIES = [{"party": SHIPPER, "role": "shipper"}]


def booked(**more: Any) -> Event:
    return b.a_booking(**({"parties": PARTIES, "remarks": "Zq7-mine"} | more))


def of_rival(*boxes: str, **more: Any) -> Event:
    secret = {"remarks": "Zq7-rival", "goods": [{"description": "Zq7-rival-goods"}]}
    return b.a_booking(boxes or (OTHER,), RIVAL, party=STRANGER, **(secret | more))


def train(code: str, at: float, point: str = "pk-lahore", party: str = "pr", **more: Any) -> Event:
    return b.a_milestone(code, b.TRAIN, at, point, party=party, **more)


def box(code: str, at: float, point: str = "pk-lahore", party: str = "lahore-dry-port", **more: Any) -> Event:
    return b.a_milestone(code, BOX, at, point, party=party, **more)


def delivered(at: float) -> Event:
    return box("DLVD", at, "ru-astrakhan", "astrakhan-terminal")


async def both_aboard(line: Line) -> None:
    consist = b.a_consist({b.WAGON: [BOX], b.wagon(2): [OTHER]}, remarks="Zq7-consist")
    await line.feed(booked(), of_rival(), consist, train("DEPA", 2))


async def test_a_party_of_the_cargo_reads_what_happens_to_its_box_on_a_train(line: Line, doors: Doors) -> None:
    await both_aboard(line)

    shown = (await doors.subject(BOX, SHIPPER)).json()

    assert [(f["code"], f["point"], f["party"]) for f in shown["timeline"]] == [("DEPA", "pk-lahore", "pr")]
    assert (shown["status"], shown["place"]["point"]) == ("in_transit", "pk-lahore")


@pytest.mark.parametrize("part", ["", "/timeline"])
@pytest.mark.parametrize("subject", [BOX, b.CONSIGNMENT])
async def test_a_neighbour_on_the_train_is_in_no_answer(line: Line, doors: Doors, subject: str, part: str) -> None:
    await both_aboard(line)

    for party in (OWNER, SHIPPER):
        text = (await doors.subject(subject, party, part)).text
        assert [s for s in (RIVAL, OTHER, b.wagon(2), "Zq7-rival", "Zq7-consist") if s in text] == []


@pytest.mark.parametrize("subject", [OTHER, RIVAL, b.TRAIN, b.WAGON, "reference:smgs:rzd:77"])
async def test_what_is_not_ones_own_is_answered_as_what_is_not_there(line: Line, doors: Doors, subject: str) -> None:
    await both_aboard(line)
    await line.feed(of_rival(references=[{"scheme": "smgs", "issuer": "rzd", "number": "77"}], updated_at=b.hours(1)))

    for part in ("", "/timeline"):
        there = await doors.subject(subject, SHIPPER, part)
        nowhere = await doors.subject("consignment:volga-logistics/NOPE", SHIPPER, part)
        assert (there.status_code, there.text) == (404, nowhere.text)


async def test_the_sender_reads_its_own_reports_whole_and_the_shipper_none(line: Line, doors: Doors) -> None:
    await line.feed(booked(id="b"), box("GTIN", -10, remarks="Zq7-terminal"))

    own = await doors.revisions(b.CONSIGNMENT, OWNER)
    assert [(r["form"], r["data"]["remarks"]) for r in own] == [("whole", "Zq7-mine")]
    told = await doors.revisions(BOX, SHIPPER)
    assert [(r["form"], r["code"], r["party"]) for r in told] == [("fact", "GTIN", "lahore-dry-port")]
    assert "Zq7" not in json.dumps(told)


async def test_what_came_before_and_behind_ones_goods_is_not_shown(line: Line, doors: Doors) -> None:
    await line.feed(box("GTIN", -60), booked(), b.a_consist(), train("DEPA", 2), delivered(500))
    await line.feed(of_rival(BOX, occurred_at=b.hours(600)), box("GTIN", 610, "ru-astrakhan", "astrakhan-terminal"))

    first = (await doors.subject(BOX, SHIPPER)).json()
    assert [f["code"] for f in first["timeline"]] == ["DEPA", "DLVD"]
    assert (first["status"], "place" in first, "version" in first) == ("delivered", False, False)
    assert RIVAL not in json.dumps(first)
    second = (await doors.subject(BOX, STRANGER)).json()
    assert [f["code"] for f in second["timeline"]] == ["GTIN"]
    assert b.CONSIGNMENT not in json.dumps(second)
    assert [r["code"] for r in await doors.revisions(BOX, SHIPPER)] == ["DLVD"]


async def test_the_first_still_reads_its_own_past_when_the_box_has_gone_on(line: Line, doors: Doors) -> None:
    await line.feed(
        booked(), b.a_consist(), train("DEPA", 2), delivered(500), box("MTRT", 550, party="lahore-dry-port")
    )
    await line.feed(of_rival(BOX, occurred_at=b.hours(600)), box("GTIN", 610))

    shown = (await doors.subject(BOX, SHIPPER)).json()

    assert [f["code"] for f in shown["timeline"]] == ["DEPA", "DLVD"]
    assert [f["code"] for f in (await doors.subject(BOX, STRANGER)).json()["timeline"]] == ["GTIN"]
    assert [r["code"] for r in await doors.revisions(BOX, SHIPPER)] == ["DLVD"]


async def test_a_later_claim_on_somebodys_box_reads_nothing(line: Line, doors: Doors) -> None:
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))
    await line.feed(of_rival(BOX, occurred_at="1990-01-02T00:00:00Z"), train("ARRI", 60, "pk-quetta"))

    shown = (await doors.subject(BOX, STRANGER)).text

    assert not [s for s in ("DEPA", "ARRI", "pk-quetta", b.CONSIGNMENT, "Zq7-mine") if s in shown]
    assert [r["form"] for r in await doors.revisions(BOX, STRANGER)] == ["whole"]


async def test_who_told_of_it_without_moving_it_is_not_named(line: Line, doors: Doors) -> None:
    heard = {"party": STRANGER, "reported_for": "ktz", "channel": "telephone"}
    onward = "train:ktz/KZ0001/2026-07-09"
    await line.feed(booked(), b.a_consist(train=onward, at=4, point="kz-bolashak", party="ktz"))
    await line.feed(b.a_milestone("PASS", onward, 5, "kz-beyneu", **heard), box("SEAL", 6, "kz-beyneu", **heard))
    await line.feed(b.a_milestone("RESM", onward, 7, None, **heard))

    text = (await doors.subject(BOX, SHIPPER)).text + json.dumps(await doors.revisions(BOX, SHIPPER))

    assert [w for w in ("PASS", "SEAL", "RESM") if w not in text] == []
    assert STRANGER not in text


@pytest.mark.parametrize(
    ("party", "seen"),
    [
        ("pr", True),
        ("rzd", True),
        ("fbr", True),
        ("kgd", True),
        ("corridor-control", True),
        ("astrakhan-terminal", False),
    ],
)
async def test_carriers_and_customs_of_the_route_read_the_picture(
    line: Line, doors: Doors, party: str, seen: bool
) -> None:
    await both_aboard(line)

    for subject in (BOX, b.CONSIGNMENT, b.TRAIN):
        assert ((await doors.subject(subject, party)).status_code == 200) == seen, subject


@pytest.mark.parametrize("party", ["rai", "rzd", "fcs", "irica", "astrakhan-terminal", "zahedan-yard"])
async def test_off_its_route_nobody_reads_of_a_consignment(line: Line, doors: Doors, party: str) -> None:
    domestic: Any = {"origin": "pk-lahore", "destination": "pk-quetta", "route_variant": None}
    await line.feed(booked(**domestic), b.a_consist(), train("DEPA", 2))

    for subject in (BOX, b.CONSIGNMENT, b.TRAIN):
        for part in ("", "/timeline"):
            assert (await doors.subject(subject, party, part)).status_code == 404
    listed = [(await doors.ask("tracking", f"/v1/subjects/{k}", party)).json()["items"] for k in ("container", "train")]
    assert listed == [[], []]


async def test_raw_bookings_are_for_who_carries_the_goods_and_for_customs(line: Line, doors: Doors) -> None:
    await both_aboard(line)

    whole = {
        party: [r["type"] for r in await doors.revisions(b.CONSIGNMENT, party) if r["form"] == "whole"]
        for party in ("pr", "rzd", "fbr", "fcs", "corridor-control", "operations", "lahore-dry-port")
    }

    booking = ["corridor.consignment.booked.v1"]
    assert whole == {
        "pr": booking,
        "rzd": [],
        "fbr": booking,
        "fcs": booking,
        "corridor-control": [],
        "operations": [],
        "lahore-dry-port": [],
    }


async def test_a_terminal_reads_what_happened_in_its_own_country(line: Line, doors: Doors) -> None:
    await line.feed(booked(), box("GTIN", -10, remarks="Zq7-gate"), b.a_consist(), train("DEPA", 2))
    await line.feed(train("ARRI", 101, "ir-mirjaveh", "rai"), box("SEAL", 120, "ir-zahedan", "zahedan-yard"))

    shown = (await doors.subject(BOX, "lahore-dry-port")).json()

    assert [f["code"] for f in shown["timeline"]] == ["GTIN", "DEPA"]
    assert b.CONSIGNMENT not in json.dumps(shown)
    assert [(r["form"], r["data"]["code"]) for r in await doors.revisions(BOX, "lahore-dry-port")] == [
        ("whole", "GTIN")
    ]
    assert [(r["form"], r["data"]["code"]) for r in await doors.revisions(BOX, "zahedan-yard")] == [("whole", "SEAL")]


async def test_customs_read_raw_what_is_coming_to_their_country_or_in_it(line: Line, doors: Doors) -> None:
    await line.feed(booked(), box("GTIN", -10), box("SEAL", 120, "ir-zahedan", "zahedan-yard"))

    whole = {
        party: [r["data"]["code"] for r in await doors.revisions(BOX, party) if "code" in r.get("data", ())]
        for party in ("fbr", "irica", "fcs")
    }

    assert whole == {"fbr": ["GTIN"], "irica": ["GTIN", "SEAL"], "fcs": ["GTIN", "SEAL"]}


@pytest.mark.parametrize("party", [SHIPPER, OWNER, "pr", "irica", "corridor-control"])
async def test_a_timeline_is_read_page_by_page_without_what_lies_between(line: Line, doors: Doors, party: str) -> None:
    events = [booked(), *(box("SEAL", n, id=f"s{n}") for n in range(9)), of_rival(BOX, status="cancelled")]
    await line.feed(*events)

    pages = [await doors.revisions(BOX, party, limit=n) for n in (1, 2, 3, 100)]

    assert pages[0] == pages[1] == pages[2] == pages[3]
    assert len(pages[0]) >= 9


async def test_a_cursor_that_no_page_gave_is_refused(line: Line, doors: Doors) -> None:
    await both_aboard(line)

    for after in ("x", "2026-01-01T00:00:00~1", "9999999999999999999999~1"):
        path = f"/v1/subjects/{BOX.replace(':', '/')}/timeline"
        assert (await doors.ask("tracking", path, "pr", after=after)).status_code == 400


async def test_a_list_shows_what_concerns_who_asks_and_fills_its_pages_with_it(line: Line, doors: Doors) -> None:
    domestic: Any = {"origin": "pk-lahore", "destination": "pk-quetta", "route_variant": None}
    hidden = [b.a_booking([], f"consignment:indus-forwarding/A{n}", **domestic) for n in range(5)]
    await line.feed(*hidden, b.a_booking([], "consignment:indus-forwarding/B", destination="ru-astrakhan"))

    page = (await doors.ask("tracking", "/v1/subjects/consignment", "rzd", limit=1)).json()

    assert [i["subject"] for i in page["items"]] == ["consignment:indus-forwarding/B"]
    assert page["after"] == "consignment:indus-forwarding/B"
    assert len((await doors.ask("tracking", "/v1/subjects/consignment", "pr")).json()["items"]) == 6


async def test_a_container_is_listed_for_those_to_whom_its_goods_go(line: Line, doors: Doors) -> None:
    await line.feed(booked(), box("GTIN", -10))

    listed = {
        party: [i["subject"] for i in (await doors.ask("tracking", "/v1/subjects/container", party)).json()["items"]]
        for party in ("pr", "rzd", "lahore-dry-port", "zahedan-yard", "operations")
    }

    assert listed == {"pr": [BOX], "rzd": [BOX], "lahore-dry-port": [BOX], "zahedan-yard": [], "operations": [BOX]}
