"""What tracking makes of reports: one behaviour of the picture each, on the real store."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.envelope.codec import Event
from services.tracking.app import blueprint
from tests.support import builders as b
from tests.support.fixtures import store_fixture
from tests.support.stores import Store, empty

pytestmark = pytest.mark.servers


shared_store = store_fixture(blueprint)


@pytest.fixture
async def store(shared_store: Store) -> AsyncIterator[Store]:
    await empty(shared_store)
    yield Store(shared_store.blueprint, shared_store.pool)


def codes(picture: Any) -> list[tuple[str, str]]:
    return [(fact["code"], fact.get("point", "")) for fact in picture.get("timeline", ())]


async def test_a_trains_departure_reaches_the_container_on_its_wagon(store: Store) -> None:
    await store.feed([b.a_consist(), b.a_milestone("DEPA", at=2)])

    picture = (await store.pictures())[b.CONTAINER]

    assert codes(picture) == [("DEPA", "pk-lahore")]
    assert picture["timeline"][0]["via"] == b.TRAIN
    assert picture["status"] == "in_transit"


async def test_a_train_tells_a_wagon_nothing_after_it_was_cut_out(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone("DEPA", at=2),
        b.a_milestone("DTCH", b.WAGON, at=10, point="pk-sibi", train=b.TRAIN),
        b.a_milestone("ARRI", at=20, point="pk-quetta"),
    ]

    await store.feed(events)

    pictures = await store.pictures()
    assert codes(pictures[b.WAGON]) == [("DEPA", "pk-lahore"), ("DTCH", "pk-sibi")]
    assert codes(pictures[b.CONTAINER]) == [("DEPA", "pk-lahore"), ("DTCH", "pk-sibi")]


async def test_a_later_revision_replaces_the_earlier_one(store: Store) -> None:
    wrong = b.a_milestone("DEPA", at=2, id="d")
    right = b.a_milestone("DEPA", at=3, id="d", updated_at=b.hours(5))

    await store.feed([b.a_consist(), right, wrong])

    assert (await store.pictures())[b.TRAIN]["latest"]["instant"] == b.hours(3)


async def test_a_retraction_voids_the_report(store: Store) -> None:
    arrival = b.a_milestone("ARRI", at=20, point="pk-quetta", id="a")
    gone = b.a_milestone("ARRI", at=20, point="pk-quetta", id="a", updated_at=b.hours(30), retracted=True)

    await store.feed([b.a_consist(), arrival, gone])

    assert codes((await store.pictures())[b.TRAIN]) == [("COMP", "pk-lahore")]


async def test_a_retraction_wins_at_an_equal_updated_at(store: Store) -> None:
    arrival = b.a_milestone("ARRI", at=20, point="pk-quetta", id="a")
    gone = b.a_milestone("ARRI", at=20, point="pk-quetta", id="a", retracted=True)

    await store.feed([b.a_consist(), gone, arrival])

    assert codes((await store.pictures())[b.TRAIN]) == [("COMP", "pk-lahore")]


async def test_two_contents_of_one_revision_are_void_and_the_one_before_counts(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone("DEPA", at=2, id="d"),
        b.a_milestone("DEPA", at=3, id="d", updated_at=b.hours(9)),
        b.a_milestone("DEPA", at=4, id="d", updated_at=b.hours(9)),
    ]

    await store.feed(events)

    picture = (await store.pictures())[b.TRAIN]
    assert picture["latest"]["instant"] == b.hours(2)
    assert [e["rule"] for e in picture["exceptions"]] == ["DATA_CONFLICT"]


async def test_contents_that_disagree_are_told_beside_the_one_that_counts(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone("DEPA", point="pk-taftan", at=2, id="left"),
        b.a_milestone("BARR", point="ir-mirjaveh", party="rai", at=3, id="came"),
        b.a_milestone("BARR", point="ir-mirjaveh", party="rai", at=4, id="came", updated_at=b.hours(9)),
        b.a_milestone("BARR", point="ir-mirjaveh", party="rai", at=5, id="came", updated_at=b.hours(9)),
    ]

    await store.feed(events)

    (found,) = (await store.pictures())[b.TRAIN]["exceptions"]
    # What is inferred from the same report is another fact.
    assert found["about"] == f"{b.TRAIN}|1|BARR|ir-mirjaveh|1|1"
    said = {(s["party"], s["code"], s["occurred_at"], s.get("counts", False)) for s in found["statements"]}
    assert said == {("rai", "BARR", b.hours(at), at == 3) for at in (3, 4, 5)}


async def test_a_revision_may_move_a_report_to_another_container(store: Store) -> None:
    one, other = b.container(1), b.container(2)
    events = [
        b.a_booking([one, other]),
        b.a_milestone("GTIN", one, at=1, id="g", party="lahore-dry-port"),
        b.a_milestone("GTIN", other, at=1, id="g", party="lahore-dry-port", updated_at=b.hours(3)),
    ]

    await store.feed(events)

    pictures = await store.pictures()
    assert codes(pictures[one]) == []
    assert codes(pictures[other]) == [("GTIN", "pk-lahore")]


async def test_what_a_correction_no_longer_names_is_forgotten(store: Store) -> None:
    """A gate-in of the wrong box and a booking with one box too many, each put right."""
    wrong, dropped = b.container(7), b.container(8)
    events = [
        b.a_milestone("GTIN", wrong, party="lahore-dry-port", id="gate"),
        b.a_milestone("GTIN", b.CONTAINER, party="lahore-dry-port", id="gate", updated_at=b.hours(1)),
        b.a_booking([b.CONTAINER, dropped], id="booking"),
        b.a_booking([b.CONTAINER], id="booking", updated_at=b.hours(1)),
    ]

    await store.feed(events)

    pictures = await store.pictures()
    assert [(pictures[box]["known"], pictures[box].get("associations")) for box in (wrong, dropped)] == [
        (False, None),
        (False, None),
    ]
    assert pictures[b.CONTAINER]["status"] == "at_point"


async def test_an_instant_in_the_future_is_parked_until_it_comes(store: Store) -> None:
    far = b.a_milestone("DEPA", at=24 * 365)

    await store.feed([b.a_consist(), far])

    picture = (await store.pictures())[b.TRAIN]
    assert codes(picture) == [("COMP", "pk-lahore")]
    assert [p["waits_for"] for p in picture["parked"]] == ["the instant that it names"]


async def test_what_is_parked_takes_effect_when_its_time_has_come(store: Store) -> None:
    far = b.a_milestone("DEPA", at=24 * 365)
    await store.feed([b.a_consist(), far])

    store.clock.step(b.START + timedelta(days=366))
    await store.settler.enqueue_due()
    await store.settle()

    assert codes((await store.pictures())[b.TRAIN]) == [("COMP", "pk-lahore"), ("DEPA", "pk-lahore")]


async def test_a_booking_of_the_future_announces_what_it_names_when_its_time_has_come(store: Store) -> None:
    """The clock of the copy that folds may be behind: what waits for the booking is to be folded again then."""
    reference = {"scheme": "smgs", "issuer": "trk", "number": "778"}
    note = b.a_milestone("NOTE", "reference:smgs:trk:778", at=1, point=None, party="trk")
    await store.feed([note, b.a_booking(at=24 * 365, references=[reference])])

    store.clock.step(b.START + timedelta(days=366))
    await store.settler.enqueue_due()
    await store.settle()

    pictures = await store.pictures()
    assert pictures["reference:smgs:trk:778"]["claimants"] == [b.CONSIGNMENT]
    assert [c for c, _ in codes(pictures[b.CONSIGNMENT])] == ["NOTE", "BKD"]


async def test_a_report_on_an_unknown_container_waits_for_its_booking(store: Store) -> None:
    early = b.a_milestone("GTIN", b.CONTAINER, at=1, party="lahore-dry-port")

    await store.feed([early])
    parked = (await store.pictures())[b.CONTAINER]
    await store.feed([b.a_booking()])
    found = (await store.pictures())[b.CONTAINER]

    assert (parked["status"], codes(parked)) == ("unknown", [])
    assert codes(found) == [("GTIN", "pk-lahore")]
    outcomes = [r["outcome"] for r in await store.rows("receipt") if r["event_id"] == early.id]
    assert outcomes == ["accepted", "parked", "effective"]


async def test_a_report_at_an_unknown_point_is_parked(store: Store) -> None:
    await store.feed([b.a_consist(), b.a_milestone("DEPA", at=2, point="unlocode:PKZZZ")])

    parked = (await store.pictures())[b.TRAIN]["parked"]

    assert [p["waits_for"] for p in parked] == ["a point known as unlocode:PKZZZ"]


async def test_a_reference_stands_for_the_consignment_that_claims_it_alone(store: Store) -> None:
    reference = {"scheme": "smgs", "issuer": "trk", "number": "778"}
    note = b.a_milestone("NOTE", "reference:smgs:trk:778", at=5, point=None, party="trk")

    await store.feed([note, b.a_booking(references=[reference])])

    assert [c for c, _ in codes((await store.pictures())[b.CONSIGNMENT])] == ["BKD", "NOTE"]


async def test_a_reference_that_two_consignments_claim_stands_for_the_first(store: Store) -> None:
    reference = {"scheme": "smgs", "issuer": "trk", "number": "778"}
    other = "consignment:indus-forwarding/B2"
    note = b.a_milestone("NOTE", "reference:smgs:trk:778", at=5, point=None, party="trk")
    await store.feed([note, b.a_booking(references=[reference])])

    store.clock.step(store.clock.now() + timedelta(minutes=1))
    await store.feed([b.a_booking([b.container(5)], other, references=[reference], at=-100)])

    pictures = await store.pictures()
    assert [c for c, _ in codes(pictures[b.CONSIGNMENT])] == ["BKD", "NOTE"]
    assert [c for c, _ in codes(pictures[other])] == ["BKD"]
    for consignment in (b.CONSIGNMENT, other):
        (found,) = pictures[consignment]["exceptions"]
        assert (found["rule"], found["causes"]) == ("IDENTITY_MISMATCH", ["reference:smgs:trk:778"])


async def test_a_reference_stands_for_whose_revision_named_it_first(store: Store) -> None:
    """A booking that came first and took the number up later came later."""
    reference, other = {"scheme": "smgs", "issuer": "trk", "number": "778"}, "consignment:volga-logistics/V1"
    early = b.a_booking([], other, id="early", party="volga-logistics")
    taken_up = b.a_booking(
        [], other, id="early", party="volga-logistics", references=[reference], updated_at=b.hours(1)
    )
    for reports in ([early], [b.a_booking(references=[reference])], [taken_up]):
        store.clock.step(store.clock.now() + timedelta(minutes=1))
        await store.feed(reports)
    note = b.a_milestone("NOTE", "reference:smgs:trk:778", point=None, party="volga-logistics", consignment=other)

    await store.feed([note])

    assert (await store.pictures())["reference:smgs:trk:778"]["holder"] == b.CONSIGNMENT


async def test_the_responsible_railway_leads_a_fact_and_others_attach(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone(
            "ARRI", at=101.5, point="ir-mirjaveh", party="indus-forwarding", reported_for="rai", channel="telephone"
        ),
        b.a_milestone("ARRI", at=101, point="ir-mirjaveh", party="rai"),
    ]

    await store.feed(events)

    fact = (await store.pictures())[b.TRAIN]["timeline"][1]
    assert (fact["party"], fact["confidence"], fact["instant"]) == ("rai", "observed", b.hours(101))
    assert [a["party"] for a in fact["also"]] == ["indus-forwarding"]
    assert "disputed" not in fact


async def test_reports_further_apart_than_the_tolerance_are_disputed(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone("ARRI", at=20, point="pk-taftan"),
        b.a_milestone("ARRI", at=23, point="pk-taftan", party="rai"),
    ]

    await store.feed(events)

    picture = (await store.pictures())[b.TRAIN]
    assert picture["latest"]["disputed"] is True
    (found,) = picture["exceptions"]
    assert (found["rule"], found["about"]) == ("DATA_CONFLICT", picture["latest"]["fact_id"])
    said = [(s["party"], s["occurred_at"], s.get("counts", False)) for s in found["statements"]]
    assert said == [("pr", b.hours(20), True), ("rai", b.hours(23), False)]


async def test_a_crossing_that_nobody_reported_is_inferred_from_both_stations(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone("DEPA", at=100, point="pk-taftan"),
        b.a_milestone("ARRI", at=101, point="ir-mirjaveh", party="rai"),
    ]

    await store.feed(events)

    picture = (await store.pictures())[b.CONTAINER]
    crossing = [f for f in picture["timeline"] if f["code"] == "XBRD"]
    assert [(f["point"], f["confidence"]) for f in crossing] == [("ir-mirjaveh", "inferred")]
    assert (picture["latest"]["code"], picture["status"], picture["place"]["moving"]) == ("ARRI", "at_point", False)


async def test_instants_are_compared_where_local_clocks_run_backwards(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone("ARRI", point="ir-mirjaveh", party="rai", occurred_at="2026-06-26T09:10:00+03:30"),
        b.a_milestone("DEPA", point="pk-taftan", occurred_at="2026-06-26T10:00:00+05:00"),
    ]

    await store.feed(events)

    expected = [("DEPA", "pk-taftan"), ("XBRD", "ir-mirjaveh"), ("ARRI", "ir-mirjaveh")]
    assert codes((await store.pictures())[b.TRAIN])[1:4] == expected


async def test_a_bare_date_sorts_at_the_end_of_that_day_at_the_point(store: Store) -> None:
    events = [
        b.a_consist(),
        b.a_milestone("DEPA", at=2, point="pk-lahore"),
        b.a_milestone("ARRI", point="pk-quetta", occurred_at="2026-06-24"),
        b.a_milestone("DEPA", point="pk-quetta", occurred_at="2026-06-24T23:59:00+05:00"),
    ]

    await store.feed(events)

    latest = (await store.pictures())[b.TRAIN]["latest"]
    assert (latest["code"], latest["instant"]) == ("ARRI", "2026-06-24T18:59:59.999999Z")


async def test_a_second_stay_at_a_point_is_another_visit(store: Store) -> None:
    moves = [("ARRI", 10), ("DEPA", 20), ("ARRI", 30), ("DEPA", 40)]

    await store.feed([b.a_consist(), *(b.a_milestone(code, at=at, point="pk-sibi") for code, at in moves)])

    facts = (await store.pictures())[b.TRAIN]["timeline"][1:]
    assert [(f["code"], f["visit"]) for f in facts] == [("ARRI", 1), ("DEPA", 1), ("ARRI", 2), ("DEPA", 2)]


async def test_a_container_on_the_next_train_takes_over_its_facts(store: Store) -> None:
    second, wagon = "train:rai/IR0001/2026-06-27", b.wagon(7)
    events = [
        b.a_booking(),
        b.a_consist(),
        b.a_milestone("ARRI", at=100, point="ir-zahedan", party="rai"),
        b.a_milestone("DISC", b.CONTAINER, at=110, point="ir-zahedan", party="rai", wagon=b.WAGON),
        b.a_milestone("LOAD", b.CONTAINER, at=120, point="ir-zahedan", party="rai", wagon=wagon),
        b.a_consist({wagon: [b.CONTAINER]}, second, at=125, point="ir-zahedan", party="rai"),
        b.a_milestone("DEPA", second, at=130, point="ir-zahedan", party="rai"),
        b.a_milestone("DEPA", b.TRAIN, at=131, point="ir-zahedan", party="rai"),
    ]

    await store.feed(events)

    picture = (await store.pictures())[b.CONTAINER]
    assert codes(picture) == [
        ("ARRI", "ir-zahedan"),
        ("DISC", "ir-zahedan"),
        ("LOAD", "ir-zahedan"),
        ("DEPA", "ir-zahedan"),
    ]
    assert [a["subject"] for a in picture["associations"] if a["relation"] == "on_wagon"] == [b.WAGON, wagon]


async def test_the_return_of_the_empty_ends_a_journey(store: Store) -> None:
    second = "consignment:indus-forwarding/B2"
    events = [
        b.a_booking(),
        b.a_milestone("GTIN", b.CONTAINER, at=1),
        b.a_milestone("MTRT", b.CONTAINER, at=500),
        b.a_booking([b.CONTAINER], second, at=600),
        b.a_milestone("GTIN", b.CONTAINER, at=610),
    ]

    await store.feed(events)

    picture = (await store.pictures())[b.CONTAINER]
    assert picture["journey"] == 2
    assert [f["instant"] for f in picture["timeline"]] == [b.hours(610)]
    assert [a["subject"] for a in picture["associations"]] == [second]


async def test_a_wagon_shows_the_trains_of_its_last_trips(store: Store) -> None:
    trains = [f"train:pr/PK{n}/2026-06-22" for n in range(15)]
    events = [
        event
        for n, train in enumerate(trains)
        for event in (b.a_consist(train=train, at=n * 10), b.a_milestone("DEPA", train, at=n * 10 + 1))
    ]

    await store.feed(events)

    picture = (await store.pictures())[b.WAGON]
    assert [f["via"] for f in picture["timeline"]] == trains[-12:]
    assert [a["subject"] for a in picture["associations"]] == trains[-12:]


async def test_the_facts_of_a_second_journey_have_ids_of_their_own(store: Store) -> None:
    events = [b.a_booking(), b.a_milestone("GTIN", b.CONTAINER, at=1), b.a_milestone("MTRT", b.CONTAINER, at=500)]
    await store.feed(events)
    first = (await store.pictures())[b.CONTAINER]["timeline"][0]["fact_id"]
    again = [b.a_booking([b.CONTAINER], "consignment:indus-forwarding/B2", at=600)]

    await store.feed([*again, b.a_milestone("GTIN", b.CONTAINER, at=610)])

    (second,) = (await store.pictures())[b.CONTAINER]["timeline"]
    assert second["code"] == "GTIN"
    assert second["fact_id"] != first


OTHER = "consignment:volga-logistics/V1"


def rival(at: float = -20, **more: Any) -> Event:
    return b.a_booking([b.CONTAINER], OTHER, at=at, party="volga-logistics", **more)


def inside(picture: Any) -> list[str]:
    return [a["subject"] for a in picture["associations"] if a["relation"] == "in_consignment"]


async def test_a_container_booked_twice_is_of_the_booking_that_came_first(store: Store) -> None:
    """Whatever instant the second one writes into itself; both are told, and neither of the other's name."""
    await store.feed([b.a_booking(), b.a_consist(), b.a_milestone("DEPA", at=2)])
    store.clock.step(store.clock.now() + timedelta(minutes=1))

    await store.feed([rival(occurred_at="1990-01-02T00:00:00Z", updated_at="1990-01-02T00:00:00Z")])

    pictures = await store.pictures()
    assert inside(pictures[b.CONTAINER]) == [b.CONSIGNMENT]
    assert pictures[b.CONTAINER]["claimants"] == [b.CONSIGNMENT, OTHER]
    assert pictures[OTHER]["members"] == [{"subject": b.CONTAINER, "status": "unknown"}]
    for consignment in (b.CONSIGNMENT, OTHER):
        (found,) = pictures[consignment]["exceptions"]
        assert (found["rule"], found["causes"]) == ("IDENTITY_MISMATCH", [b.CONTAINER])


@pytest.mark.parametrize("by", ["loading", "consist"])
async def test_a_carrier_that_names_the_booking_settles_whose_container_it_is(store: Store, by: str) -> None:
    await store.feed([b.a_booking()])
    store.clock.step(store.clock.now() + timedelta(minutes=1))
    loading = b.a_milestone("LOAD", b.CONTAINER, at=1, wagon=b.WAGON, consignment=OTHER)
    wagon = {"wagon": b.WAGON, "position": 1, "containers": [b.CONTAINER], "consignment": OTHER}

    await store.feed([rival(), loading if by == "loading" else b.a_consist(at=1, wagons_listed=[wagon])])

    assert inside((await store.pictures())[b.CONTAINER]) == [OTHER]


async def test_a_booking_for_the_way_back_begins_where_the_box_is_taken_again(store: Store) -> None:
    """It was made while the box was still under way with other goods: no clash, and nothing of theirs."""
    back = rival(at=-20, origin="ru-astrakhan", destination="pk-lahore", route_variant=None)
    out = [
        b.a_milestone("DLVD", b.CONTAINER, at=400, point="ru-astrakhan", party="rzd"),
        b.a_milestone("GTIN", b.CONTAINER, at=500, point="ru-astrakhan", party="astrakhan-terminal"),
    ]

    await store.feed([b.a_booking(), back, b.a_consist(), b.a_milestone("DEPA", at=2), *out])

    picture = (await store.pictures())[b.CONTAINER]
    found = {a["subject"]: a["start"] for a in picture["associations"] if a["relation"] == "in_consignment"}
    assert found == {b.CONSIGNMENT: b.hours(-48), OTHER: b.hours(500)}
    assert not picture.get("exceptions")


async def test_a_booking_from_elsewhere_takes_no_journey_that_begins_at_anothers_origin(store: Store) -> None:
    """It was there before the box's next booking, and names an origin where the box never was."""
    elsewhere = rival(at=-20, origin="ru-astrakhan", destination="pk-lahore", route_variant=None)
    delivered = b.a_milestone("DLVD", b.CONTAINER, at=400, point="ru-astrakhan", party="rzd")
    taken = b.a_milestone("GTIN", b.CONTAINER, at=500, point="pk-lahore", party="lahore-dry-port")

    await store.feed([b.a_booking(), elsewhere, b.a_consist(), b.a_milestone("DEPA", at=2), delivered, taken])

    picture = (await store.pictures())[b.CONTAINER]
    assert [a["subject"] for a in picture["associations"] if a["relation"] == "in_consignment"] == [b.CONSIGNMENT]


async def test_a_party_that_is_named_without_an_agreement_stands_in_no_picture(store: Store) -> None:
    named = [{"party": p, "role": "notify"} for p in ("ravi-textiles", "astrakhan-terminal")]

    await store.feed([b.a_booking(parties=named, id="bk")])

    picture = (await store.pictures())[b.CONSIGNMENT]
    assert picture["parties"] == [{"party": "ravi-textiles", "role": "notify"}]
    (told,) = [r["detail"] for r in await store.rows("receipt") if r["outcome"] == "parked"]
    assert told == "waits for an agreement with astrakhan-terminal, and the booking sent again"
