"""Who is told what of a journey: reports go through tracking and customs to the feeds of the parties."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest

from contracts import catalogue, topics
from contracts.envelope.codec import Event
from services.chassis.base.parties import Party, save_party
from services.chassis.queue import fold_queue
from services.notifications import audiences, feeds, store
from services.notifications.app import blueprint
from services.notifications.domain.fold import head, visible
from tests.support import builders as b
from tests.support.fixtures import line_fixture
from tests.support.pipeline import Line, cleared, emptied, hand_over, runtime_of, taken_out
from tests.support.stores import Store

pytestmark = pytest.mark.servers

OTHER = "consignment:volga-logistics/V1"
THIRD = "consignment:indus-forwarding/B3"
SHIPPER, CONSIGNEE, FORWARDER, STRANGER = "ravi-textiles", "caspian-trading", "indus-forwarding", "volga-logistics"
CUSTOMS = ("fbr", "irica", "tmcustoms", "kgd", "fcs")
PARTIES = [{"party": SHIPPER, "role": "shipper"}, {"party": CONSIGNEE, "role": "consignee"}]


shared_line = line_fixture("module")


@pytest.fixture
async def line(shared_line: Line) -> Line:
    return await emptied(shared_line)


def booked(*boxes: str, consignment: str = b.CONSIGNMENT, at: float = -48, **more: Any) -> Event:
    party = consignment.removeprefix("consignment:").split("/")[0]
    own: Any = {"parties": PARTIES} if party == FORWARDER else {}
    return b.a_booking(boxes or (b.CONTAINER,), consignment, at, party=party, **own, **more)


def moved(code: str, at: float, point: str = "ru-astrakhan", party: str = "astrakhan-terminal", **more: Any) -> Event:
    return b.a_milestone(code, b.CONTAINER, at, point, party=party, **more)


def train(code: str, at: float, point: str = "pk-lahore", party: str = "pr", **more: Any) -> Event:
    return b.a_milestone(code, b.TRAIN, at, point, party=party, **more)


def void(event: Event) -> Event:
    data = json.loads(event.body) | {"updated_at": b.hours(900), "retracted": True}
    return b.an_event(event.type, event.subject, data, id=event.id, party=event.source.split(":")[2])


async def feed(line: Line, party: str) -> list[dict[str, Any]]:
    """A party's items, as its feed shows them."""
    return await feeds.read_feed(line.notifications.pool, party, 0, 1000)


async def codes(line: Line, party: str, subject: str = b.CONTAINER) -> list[str]:
    """The codes that a party was told of a subject, in order of occurrence."""
    items = [i for i in await feed(line, party) if i["subject"] == subject and i["topic"] == "milestone"]
    return [i["code"] for i in sorted(items, key=lambda i: i.get("instant", ""))]


async def picture(line: Line, subject: str = b.CONTAINER) -> dict[str, Any]:
    found = await store.read_picture(line.notifications.pool, subject)
    assert found is not None
    return found


async def rows(line: Line, party: str, **query: Any) -> dict[str, dict[str, Any]]:
    """What the overview shows to a party."""
    found, _ = await store.read_overview(line.notifications.pool, party, None, query.get("query", ""), 1000)
    return {row["subject"]: row for row in found}


# --- Cargo parties


async def test_a_party_of_the_cargo_is_told_what_happens_while_its_goods_are_carried(line: Line) -> None:
    await line.feed(booked(at=0), b.a_consist(at=1), train("DEPA", 2), moved("DLVD", 500))

    for party in (SHIPPER, CONSIGNEE, FORWARDER):
        assert await codes(line, party) == ["DEPA", "DLVD"]


async def test_it_is_not_told_what_came_before_and_what_came_behind(line: Line) -> None:
    before = moved("GTIN", -60, "pk-lahore", "lahore-dry-port")
    await line.feed(before, booked(), b.a_consist(), train("DEPA", 2), moved("DLVD", 500), moved("MTRT", 550))

    assert await codes(line, CONSIGNEE) == ["DEPA", "DLVD"]


async def test_a_stranger_is_told_nothing(line: Line) -> None:
    await line.feed(booked(), b.a_consist(), train("DEPA", 2), b.a_declaration(), b.a_hold(b.CASE))

    assert await feed(line, STRANGER) == []


async def test_a_train_reaches_the_cargo_as_code_point_and_times_without_its_consist(line: Line) -> None:
    await line.feed(booked(), b.a_consist({b.WAGON: [b.CONTAINER], b.wagon(2): [b.container(2)]}), train("DEPA", 2))

    items = await feed(line, CONSIGNEE)
    assert {i["subject"] for i in items} == {b.CONSIGNMENT, b.CONTAINER}
    assert b.wagon(2) not in json.dumps(items) and b.container(2) not in json.dumps(items)


async def test_causes_are_told_to_nobody_of_the_cargo(line: Line) -> None:
    await line.feed(booked(), b.a_consist(), train("STOP", 5, "pk-sibi", cause="KILLED-BY-ACME"))

    assert "KILLED-BY-ACME" not in json.dumps(await feed(line, CONSIGNEE))


async def test_who_else_has_goods_on_the_train_is_not_named_by_what_it_tells_of_the_train(line: Line) -> None:
    heard = {"party": STRANGER, "reported_for": "ktz", "channel": "telephone"}
    await line.feed(booked(), b.a_consist(), train("PASS", 5, "kz-beyneu", **heard))

    assert await codes(line, CONSIGNEE) == ["PASS"]
    assert STRANGER not in json.dumps(await feed(line, CONSIGNEE))
    assert STRANGER not in json.dumps(head(await picture(line), CONSIGNEE))
    assert {i["reported_by"] for i in await feed(line, "ktz") if i["subject"] == b.TRAIN} >= {STRANGER}


async def test_what_becomes_known_at_once_is_numbered_by_when_it_occurred(line: Line) -> None:
    """Whatever it is about: a feed is read by its numbers."""
    other = b.container(2)
    await line.feed(
        booked(b.CONTAINER, other),
        b.a_milestone("GTIN", other, 1, "pk-lahore", party="lahore-dry-port"),
        b.a_milestone("STUF", b.CONTAINER, 2, "pk-lahore", party="lahore-dry-port"),
        b.a_milestone("SEAL", other, 3, "pk-lahore", party="lahore-dry-port"),
        b.a_milestone("LOAD", b.CONTAINER, 4, "pk-lahore", party="lahore-dry-port", wagon=b.WAGON),
    )

    told = [i["code"] for i in await feed(line, FORWARDER) if i["subject"] in (b.CONTAINER, other)]
    assert told == ["GTIN", "STUF", "SEAL", "LOAD"]


async def test_who_is_told_that_reports_disagree_is_told_which_and_how(line: Line) -> None:
    other = {"id": "out", "party": "lahore-dry-port", "updated_at": b.hours(9)}
    await line.feed(
        booked(),
        b.a_milestone("GTOT", b.CONTAINER, 2, "pk-lahore", id="out", party="lahore-dry-port"),
        b.a_milestone("GTOT", b.CONTAINER, 3, "pk-lahore", **other),
        b.a_milestone("GTOT", b.CONTAINER, 4, "pk-lahore", **other),
    )

    (item,) = [i for i in await feed(line, FORWARDER) if i["topic"] == "exception"]
    assert item["about"] == f"{b.CONTAINER}|1|GTOT|pk-lahore|1|1"
    said = {"reported_by": "lahore-dry-port", "code": "GTOT", "point": "pk-lahore"}
    assert sorted(item["sayings"], key=lambda s: s["occurred_at"]) == [
        said | {"occurred_at": b.hours(2), "counts": True},
        said | {"occurred_at": b.hours(3)},
        said | {"occurred_at": b.hours(4)},
    ]


async def test_a_train_at_the_end_of_its_plan_has_ended_until_it_goes_on(line: Line) -> None:
    async def ended() -> Any:
        return (await rows(line, "pr"))[b.TRAIN].get("ended")

    calls = [{"point": "pk-lahore", "departure": b.hours(0)}, {"point": "pk-taftan", "arrival": b.hours(20)}]
    await line.feed(b.a_plan(calls=calls), b.a_consist(), train("DEPA", 1))
    under_way = await ended()
    await line.feed(train("BARR", 20, "pk-taftan"))
    there = await ended()
    await line.feed(train("DEPA", 22, "pk-taftan"))

    assert (under_way, there, await ended()) == (None, True, None)


async def test_a_correction_within_the_time_carries_the_new_value(line: Line) -> None:
    await line.feed(booked(at=0), moved("DLVD", 500, id="d"))
    await line.feed(moved("DLVD", 510, id="d", updated_at=b.hours(600)))

    items = [i for i in await feed(line, CONSIGNEE) if i["code"] == "DLVD"]
    assert [(i["action"], i["instant"]) for i in items] == [("new", b.hours(500)), ("changed", b.hours(510))]
    assert items[1]["supersedes"] == items[0]["item"]


async def test_a_correction_out_of_its_time_takes_the_item_back_and_carries_no_value(line: Line) -> None:
    sealed = moved("SEAL", 400, id="s")
    await line.feed(booked(at=0), sealed, moved("DLVD", 500))
    await line.feed(moved("SEAL", 510, id="s", updated_at=b.hours(600)))

    items = [i for i in await feed(line, CONSIGNEE) if i["code"] == "SEAL"]
    assert [i["action"] for i in items] == ["new", "withdrawn"]
    assert items[1]["supersedes"] == items[0]["item"]
    assert not {"instant", "occurred_at", "reported_by", "confidence"} & set(items[1])


async def test_goods_that_were_booked_in_another_container_take_back_what_was_told(line: Line) -> None:
    await line.feed(booked(id="b"), moved("GTIN", 1, "pk-lahore", "lahore-dry-port"))
    await line.feed(booked(b.container(2), id="b", updated_at=b.hours(9)))

    items = [i for i in await feed(line, CONSIGNEE) if i["subject"] == b.CONTAINER]
    assert [i["action"] for i in items] == ["new", "withdrawn"]


async def test_who_takes_over_a_container_is_not_named_to_who_had_it(line: Line) -> None:
    await line.feed(booked(id="b"), moved("GTIN", 1, "pk-lahore", "lahore-dry-port"))
    await line.feed(
        booked(b.container(2), id="b", updated_at=b.hours(9)), booked(consignment=OTHER, at=-48, references=[])
    )

    assert OTHER not in json.dumps(await feed(line, CONSIGNEE))
    assert await codes(line, STRANGER) == ["GTIN"]


async def test_the_next_journey_takes_nothing_back_of_the_one_before(line: Line) -> None:
    await line.feed(booked(at=0), moved("GTIN", 1, "pk-lahore", "lahore-dry-port"), moved("DLVD", 500))
    before = [i["item"] for i in await feed(line, CONSIGNEE)]

    await line.feed(moved("MTRT", 550), booked(consignment=OTHER, at=600), moved("GTIN", 610))

    assert [i["item"] for i in await feed(line, CONSIGNEE)] == before


async def test_the_next_journey_is_told_to_its_own_parties_as_new(line: Line) -> None:
    """At the same point with the same code, and the first stay there again."""
    await line.feed(booked(at=0), moved("GTIN", 1, "pk-lahore", "lahore-dry-port"), moved("DLVD", 500))
    second = booked(consignment=THIRD, at=600)

    await line.feed(moved("MTRT", 550), second, moved("GTIN", 610, "pk-lahore", "lahore-dry-port"))

    items = [i for i in await feed(line, CONSIGNEE) if i["code"] == "GTIN"]
    assert [(i["action"], i["consignment"]) for i in items] == [("new", b.CONSIGNMENT), ("new", THIRD)]


async def test_what_is_remembered_of_a_container_does_not_grow_with_its_journeys(line: Line) -> None:
    sizes = []
    for journey in range(4):
        start = journey * 60
        box = booked(consignment=f"consignment:indus-forwarding/J{journey}", at=start)
        await line.feed(box, moved("GTIN", start + 1), moved("DLVD", start + 20), moved("MTRT", start + 30))
        memory = await line.notifications.pool.fetchval("SELECT memory FROM picture WHERE subject = $1", b.CONTAINER)
        sizes.append(len(json.loads(memory)))

    assert sizes[2] == sizes[3] == sizes[1]


async def test_one_who_is_entitled_later_gets_history_without_alerts(line: Line) -> None:
    await line.feed(b.a_consist(), train("DEPA", 2))
    later = line.notifications.clock.now() + timedelta(hours=5)
    await line.step(later)

    await line.feed(booked())

    items = [i for i in await feed(line, CONSIGNEE) if i["subject"] == b.CONTAINER]
    assert [(i["action"], i["alert"]) for i in items] == [("backfill", False)]


async def test_a_party_that_is_known_only_later_gets_history_without_alerts(line: Line) -> None:
    parties = [*PARTIES, {"party": "newcomer", "role": "notify"}]
    await agreed(line, "newcomer")
    await line.feed(b.a_booking(parties=parties), b.a_consist(), train("DEPA", 2))
    await line.step(line.notifications.clock.now() + timedelta(hours=5))

    async with provisioned(line.notifications, Party(party="newcomer", name="N", role="shipper")):
        await line.pass_on()
        items = await feed(line, "newcomer")

    assert {(i["action"], i["alert"]) for i in items} == {("backfill", False)}
    assert {i["subject"] for i in items} == {b.CONSIGNMENT, b.CONTAINER}


async def agreed(line: Line, party: str) -> None:
    """The forwarder may name a party in its bookings."""
    await line.tracking.book.refresh(line.tracking.pool)
    forwarder = line.tracking.book.get(FORWARDER)
    assert forwarder is not None
    async with line.tracking.pool.acquire() as connection:
        agreements = tuple(sorted({*forwarder.agreements, party}))
        await save_party(connection, forwarder.model_copy(update={"agreements": agreements}))


def provisioned(store: Store, party: Party) -> Any:
    """A party for the length of a block."""
    from contextlib import asynccontextmanager

    @asynccontextmanager
    async def block() -> AsyncIterator[None]:
        async with store.pool.acquire() as connection:
            await save_party(connection, party)
        try:
            yield
        finally:
            await store.pool.execute("DELETE FROM party WHERE party = $1", party.party)

    return block()


async def test_a_copy_that_learns_of_a_party_last_folds_again_what_it_folded_without_it(line: Line) -> None:
    """The copy that learned first has queued everything, but the other one may have taken it from the queue."""
    parties = [*PARTIES, {"party": "newcomer", "role": "notify"}]
    await agreed(line, "newcomer")
    await line.feed(b.a_booking(parties=parties), b.a_consist(), train("DEPA", 2))
    second = Store(blueprint(), line.notifications.pool)
    slow = runtime_of(second)
    await audiences.refresh(slow)

    async with provisioned(line.notifications, Party(party="newcomer", name="N", role="shipper")):
        await audiences.refresh(line.runtime)
        await second.settle()
        await audiences.refresh(slow)
        await second.settle()
        found = await second.deliveries()

    assert {r["subject"] for r in found if r["party"] == "newcomer"} == {b.CONSIGNMENT, b.CONTAINER}


async def test_parties_that_could_not_be_taken_over_are_taken_over_later(line: Line) -> None:
    parties = [*PARTIES, {"party": "newcomer", "role": "notify"}]
    await agreed(line, "newcomer")
    await line.feed(b.a_booking(parties=parties), b.a_consist(), train("DEPA", 2))
    pool = line.notifications.pool

    async with provisioned(line.notifications, Party(party="newcomer", name="N", role="shipper")):
        await pool.execute("ALTER TABLE fold_queue RENAME TO out_of_reach")
        try:
            with pytest.raises(asyncpg.UndefinedTableError):
                await audiences.refresh(line.runtime)
        finally:
            await pool.execute("ALTER TABLE out_of_reach RENAME TO fold_queue")
        await audiences.refresh(line.runtime)
        await line.notifications.settle()
        found = await line.notifications.deliveries()

    assert b.CONTAINER in {r["subject"] for r in found if r["party"] == "newcomer"}


# --- Two claims


async def test_a_second_claim_takes_nothing_from_the_first_and_gets_nothing(line: Line) -> None:
    await line.feed(booked(), moved("GTIN", -10, "pk-lahore", "lahore-dry-port"))
    await line.feed(booked(consignment=OTHER, at=0), b.a_consist(at=1), train("DEPA", 2))

    assert await codes(line, CONSIGNEE) == ["GTIN", "DEPA"]
    assert await codes(line, STRANGER) == []


async def test_a_third_claim_opens_nothing_to_the_two_before(line: Line) -> None:
    """Or one who books a container last could show it to those who dispute it."""
    await line.feed(booked(), booked(consignment=OTHER, at=0), b.a_consist(at=1), train("DEPA", 2))

    await line.feed(booked(consignment="consignment:volga-logistics/V2", at=10))

    assert (await codes(line, CONSIGNEE), await codes(line, STRANGER)) == (["DEPA"], [])


async def test_when_the_second_claim_is_cancelled_the_first_is_told_what_it_missed(line: Line) -> None:
    await line.feed(booked(), booked(consignment=OTHER, at=0, id="v"), b.a_consist(at=1), train("DEPA", 2))

    await line.feed(booked(consignment=OTHER, at=0, id="v", status="cancelled", updated_at=b.hours(5)))

    assert (await codes(line, CONSIGNEE), await codes(line, STRANGER)) == (["DEPA"], [])


# --- Carriers, customs, control


@pytest.mark.parametrize("party", ["pr", "rzd", "corridor-control", "fbr"])
async def test_who_moves_trains_or_rules_over_them_is_told_once_by_the_train_itself(line: Line, party: str) -> None:
    await line.feed(booked(), b.a_consist({b.WAGON: [b.CONTAINER, b.container(2)]}), train("DEPA", 2))

    items = [i for i in await feed(line, party) if i.get("code") == "DEPA"]
    assert [i["subject"] for i in items] == [b.TRAIN]


async def test_a_carrier_may_look_up_what_it_is_not_told_again(line: Line) -> None:
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))

    assert [f["code"] for f in visible(await picture(line), "pr")] == ["DEPA"]


async def test_a_terminal_is_told_what_happens_in_its_own_country(line: Line) -> None:
    await line.feed(b.a_consist(), train("DEPA", 2), train("BARR", 101, "ir-mirjaveh", "rai"))

    points = {i["point"] for i in await feed(line, "lahore-dry-port") if i["topic"] == "milestone"}
    assert points == {"pk-lahore"}


async def test_an_announcement_is_for_the_country_that_it_is_made_to(line: Line) -> None:
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))

    told = {i["party"] for i in await line.notifications.deliveries() if i["fact"].startswith("arrival:")}
    assert told == {"irica", "rai", "corridor-control", "operations"}


async def test_the_steps_of_a_case_are_for_its_own_law_and_for_those_involved(line: Line) -> None:
    await line.feed(booked(), b.a_declaration(), b.a_decision("accept"))

    told = {i["party"] for i in await line.notifications.deliveries() if i["fact"].startswith(f"{b.CASE}|")}
    assert told == {"fbr", "corridor-control", "operations", SHIPPER, CONSIGNEE, FORWARDER}


async def test_carriers_are_told_the_state_of_a_case_and_not_its_steps_and_holds(line: Line) -> None:
    await line.feed(booked(), b.a_declaration(), b.a_decision("accept"), b.a_hold(b.CASE))

    facts = {i["fact"] for i in await feed(line, "pr") if i["topic"] == "customs"}
    assert facts == {f"{b.CASE}#public"}


async def test_other_laws_are_told_nothing_of_a_case(line: Line) -> None:
    await line.feed(booked(), b.a_declaration(), b.a_decision("accept"), b.a_hold(b.CASE))

    assert not [i for i in await feed(line, "irica") if i["topic"] == "customs"]


async def test_what_only_the_authority_may_know_is_in_nobodys_feed_and_no_picture(line: Line) -> None:
    """Whatever was decided, held, lifted, released nationally, refused and found wrong."""
    secret = "Zq7-secret"
    said: Any = {"reason": secret, "office": secret, "officer": secret, "remarks": secret}
    held: Any = said | {"reason": "INTEL", "hold": "H1", "occurred_at": b.hours(-35)}
    events = [booked(), b.a_declaration(office=secret), b.a_consist(), train("DEPA", 2)]
    scopes = (b.CASE, b.CONSIGNMENT, b.CONTAINER)
    events += [b.an_event(catalogue.HOLD_PLACED, s, held, party="fbr") for s in scopes]
    events += [b.an_event(catalogue.HOLD_LIFTED, b.CASE, {**held, "occurred_at": b.hours(-34)}, party="fbr")]
    decisions = ("accept", "release", "inspect", "claim")
    events += [b.a_decision(d, at=n - 33, **said) for n, d in enumerate(decisions)]
    await line.feed(*events, b.a_decision("release", at=-20, origin="transcribed", national_number="N1", **said))
    await line.feed(train("DEPA", 100, "pk-taftan"))

    items = await line.notifications.deliveries()
    assert len(items) > 20
    for shown in (items, await line.notifications.pictures(), await line.notifications.rows("replica")):
        assert secret not in str(shown)
        assert "INTEL" not in str(shown)


# --- Where a subject is now


async def test_who_had_a_container_is_not_shown_where_it_goes_afterwards(line: Line) -> None:
    await line.feed(booked(at=0), moved("DLVD", 500), moved("MTRT", 550, "ru-aksarayskaya", "rzd"))

    shown = head(await picture(line), CONSIGNEE)

    assert "ru-aksarayskaya" not in json.dumps(shown)
    assert (shown["status"], "place" in shown) == ("delivered", False)
    assert b.CONTAINER not in await rows(line, CONSIGNEE)


async def test_who_carries_a_container_is_shown_where_it_is(line: Line) -> None:
    await line.feed(booked(at=0), moved("DLVD", 500), moved("MTRT", 550, "ru-aksarayskaya", "rzd"))

    assert head(await picture(line), "rzd")["place"]["point"] == "ru-aksarayskaya"
    assert (await rows(line, "rzd"))[b.CONTAINER]["point"] == "ru-aksarayskaya"


async def test_a_party_is_shown_its_container_while_it_is_its_own(line: Line) -> None:
    await line.feed(booked(at=0), b.a_consist(at=1), train("DEPA", 2))

    assert head(await picture(line), CONSIGNEE)["place"]["point"] == "pk-lahore"
    assert (await rows(line, CONSIGNEE))[b.CONTAINER]["point"] == "pk-lahore"


async def test_nobody_is_shown_which_other_consignment_a_container_carries(line: Line) -> None:
    await line.feed(booked(at=0), moved("DLVD", 500), booked(consignment=OTHER, at=600), moved("GTIN", 610))

    shown = {party: (await rows(line, party)).get(b.CONTAINER, {}) for party in (CONSIGNEE, STRANGER, "rzd")}

    assert b.CONSIGNMENT not in json.dumps(shown[STRANGER]) and OTHER in json.dumps(shown[STRANGER])
    assert OTHER not in json.dumps([shown[CONSIGNEE], head(await picture(line), CONSIGNEE)])
    assert b.CONSIGNMENT in json.dumps(shown["rzd"]) and OTHER in json.dumps(shown["rzd"])


async def test_what_is_not_shown_cannot_be_searched_for(line: Line) -> None:
    await line.feed(booked(at=0), moved("DLVD", 500), booked(consignment=OTHER, at=600), moved("GTIN", 610))

    found = {query: b.CONTAINER in await rows(line, STRANGER, query=query) for query in ("V1", "B1", "PARTIES")}

    assert found == {"V1": True, "B1": False, "PARTIES": False}


# --- No alert


async def test_a_rebuild_raises_no_alert(line: Line) -> None:
    """Newer fold code tells the same facts in another way."""
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))
    before = {r["item"] for r in await line.notifications.deliveries()}
    await as_if_told_by_older_code(line.notifications)

    await line.notifications.settler.start()
    await line.notifications.settle()

    fresh = [r for r in await line.notifications.deliveries() if r["item"] not in before]
    assert fresh
    assert [r["alert"] for r in fresh] == [False] * len(fresh)


async def as_if_told_by_older_code(store: Store) -> None:
    """Every fact looks as if its content had been another one when it was told."""
    await store.pool.execute(
        """
        UPDATE picture p SET fold = 0, content_hash = '\\x00', memory = (
            SELECT jsonb_object_agg(key, jsonb_set(value, '{0}', '"another"')) FROM jsonb_each(p.memory))
        WHERE memory IS NOT NULL
        """
    )


async def test_what_follows_from_a_rebuild_of_others_raises_no_alert(line: Line) -> None:
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))
    before = {r["item"] for r in await line.notifications.deliveries()}
    await line.notifications.pool.execute(
        """
        UPDATE picture SET fold = 0, shared_hash = '\\x00', shared = '{"route": [], "rides": [], "parties": []}'
        WHERE subject = $1
        """,
        b.CONSIGNMENT,
    )
    await as_if_told_by_older_code(line.notifications)
    await line.notifications.pool.execute("UPDATE picture SET fold = 99999 WHERE subject = $1", b.TRAIN)

    await line.notifications.settler.start()
    await line.notifications.settle()

    fresh = [r for r in await line.notifications.deliveries() if r["item"] not in before]
    assert b.CONTAINER in {r["subject"] for r in fresh}
    assert [r["alert"] for r in fresh] == [False] * len(fresh)


async def test_news_is_alerted(line: Line) -> None:
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))

    assert {i["alert"] for i in await line.notifications.deliveries()} == {True}


async def test_a_new_reader_of_old_topics_raises_no_alert(line: Line) -> None:
    """Such as a store that is made anew, which reads all that was ever published."""
    await line.tracking.feed([booked(), b.a_consist(), train("DEPA", 2)])
    line.notifications.clock.step(line.notifications.clock.now() + timedelta(days=3))

    await line.pass_on()

    items = await line.notifications.deliveries()
    assert items and {i["alert"] for i in items} == {False}


async def test_publishing_everything_again_gives_no_item(line: Line) -> None:
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))
    before = len(await line.notifications.deliveries())

    await fold_queue.queue_all(line.tracking.pool, "republish")
    await line.pass_on()

    assert len(await line.notifications.deliveries()) == before


# --- Order


async def test_a_reader_from_the_beginning_has_the_same_facts_for_the_same_parties(line: Line) -> None:
    """Whatever versions it never saw, and whichever of its topics it reads first."""
    departure = train("DEPA", 2)
    events = [booked(id="b"), b.a_consist(), departure, b.a_declaration(), b.a_decision("accept"), b.a_hold()]
    events += [void(departure), train("DEPA", 3), booked(b.container(2), id="b", updated_at=b.hours(9))]
    await line.tracking.feed([e for e in events if e.type in topics.MILESTONES.types])
    seen = await taken_out(line.tracking, topics.TRACKING_EVENTS.name)
    await line.customs.take(seen)
    await line.customs.feed([e for e in events if e.type not in topics.MILESTONES.types])
    ruled = await taken_out(line.customs, topics.CUSTOMS_EVENTS.name)
    await audiences.refresh(line.runtime)

    results = []
    for way in ([seen, ruled], [ruled, seen], [list(reversed(seen)), list(reversed(ruled))]):
        copy = await cleared(line.notifications)
        for records in way:
            await copy.take(renumbered(records, 0))
            await copy.settle()
        results.append({s: p["facts"] for s, p in (await copy.pictures()).items() if p["facts"]})

    assert results[0] == results[1] == results[2]


def renumbered(records: Sequence[Any], first: int) -> list[Any]:
    return [b.a_record(r.topic, first + n, r.headers, r.value, r.key) for n, r in enumerate(records)]


async def test_the_late_flag_says_that_news_is_old(line: Line) -> None:
    """The journey of June is told of in August."""
    await line.feed(booked(), b.a_consist(), train("DEPA", 2))
    now = datetime.fromisoformat("2026-08-01T00:00:00Z")
    await line.feed(train("ARRI", 0, "pk-quetta", occurred_at=now.isoformat()))

    late = {i.get("code"): i.get("late") for i in await feed(line, "corridor-control") if i["subject"] == b.TRAIN}
    assert late == {"COMP": True, "DEPA": True, "ARRI": None}


async def test_tracking_read_twice_gives_no_item_twice(line: Line) -> None:
    await line.tracking.feed([booked(), b.a_consist(), train("DEPA", 2)])
    records = await taken_out(line.tracking, topics.TRACKING_EVENTS.name)
    await audiences.refresh(line.runtime)

    await line.notifications.take(renumbered(records, 0))
    await line.notifications.settle()
    before = len(await line.notifications.deliveries())
    await line.notifications.take(renumbered(records, len(records)))
    await line.notifications.settle()

    assert len(await line.notifications.deliveries()) == before > 0
    assert await hand_over(line.tracking, topics.TRACKING_EVENTS.name, line.notifications) == 0


async def test_news_that_is_read_together_with_its_republication_stays_news(line: Line) -> None:
    """One batch has a version and, behind it, a higher one that is merely drawn again."""
    await line.tracking.feed([booked(), b.a_consist()])
    await line.tracking.pool.execute("UPDATE picture SET content_hash = NULL, published = '{}'")
    await fold_queue.queue_all(line.tracking.pool, "rebuild")
    await line.tracking.settle()
    records = await taken_out(line.tracking, topics.TRACKING_EVENTS.name)

    await line.notifications.take(renumbered(records, 0))

    assert any(b'"redrawn":true' in (r.value or b"") for r in records)
    assert {r["priority"] for r in await line.notifications.rows("fold_queue")} == {0}
