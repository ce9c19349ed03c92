"""Who may say what: by role when a report is taken, by what is known of the subject when it is folded."""

from __future__ import annotations

from collections.abc import AsyncIterator
from datetime import timedelta
from typing import Any

import pytest

from contracts.envelope.codec import Event
from contracts.refusal import Refused
from deploy.provision import read_parties
from services.tracking.app import blueprint
from services.tracking.domain import budgets
from services.tracking.entitlement import entitled
from tests.support import builders as b
from tests.support.fixtures import store_fixture
from tests.support.stores import Store, empty

pytestmark = pytest.mark.servers

PARTIES = {party.party: party for party in read_parties()}
RIVAL = "volga-logistics"
GOODS = "consignment:volga-logistics/VL-B"

shared_store = store_fixture(blueprint)


@pytest.fixture
async def store(shared_store: Store) -> AsyncIterator[Store]:
    await empty(shared_store)
    yield Store(shared_store.blueprint, shared_store.pool)


def moved(code: str, party: str, at: float = 20, point: str | None = "pk-sibi", **more: Any) -> Event:
    return b.a_milestone(code, b.CONTAINER, at, point, party=party, **more)


def codes(picture: Any) -> list[str]:
    return [fact["code"] for fact in picture.get("timeline", ())]


def waits(picture: Any) -> list[str]:
    return [p["waits_for"] for p in picture.get("parked", ())]


REFUSED: dict[str, tuple[str, Event]] = {
    "a plan of another railway's train": ("ktz", b.a_plan(party="ktz", status="cancelled")),
    "a consist of another railway's train": ("rai", b.a_consist(party="rai")),
    "a train, by a terminal": ("lahore-dry-port", b.a_milestone("CANC", party="lahore-dry-port", point="pk-lahore")),
    "a train, first-hand by a forwarder": ("indus-forwarding", b.a_milestone("DEPA", party="indus-forwarding")),
    "a unit without a point, by a terminal": ("lahore-dry-port", moved("GTIN", "lahore-dry-port", point=None)),
    "a unit at another's terminal": ("lahore-dry-port", moved("GTIN", "lahore-dry-port", point="pk-karachi")),
    "a unit at a place that nobody knows": (
        "lahore-dry-port",
        moved("GTIN", "lahore-dry-port", point="unlocode:PKZZZ"),
    ),
    "the cancelling of another's booking": ("indus-forwarding", b.a_milestone("BKX", GOODS, party="indus-forwarding")),
    "the cancelling of a booking, by a railway": ("rzd", b.a_milestone("BKX", GOODS, party="rzd", point=None)),
    "a silent neighbour that has not asked for it": ("rzd", b.a_milestone("DEPA", party="rzd", reported_for="pr")),
}


@pytest.mark.parametrize("party, event", REFUSED.values(), ids=REFUSED.keys())
def test_what_a_role_may_not_say_is_refused(party: str, event: Event) -> None:
    with pytest.raises(Refused) as refusal:
        entitled(event, PARTIES[party])

    assert refusal.value.first.reason == "not_entitled"
    assert refusal.value.first.detail


def test_a_railway_may_let_another_party_plan_its_trains() -> None:
    agent = PARTIES["ktz"].model_copy(update={"plans_for": ("pr",)})

    entitled(b.a_plan(party="ktz"), agent)
    entitled(b.a_consist(party="ktz"), agent.model_copy(update={"countries": ()}))


async def test_the_plan_of_the_railway_wins_over_a_later_one_of_whom_it_has_named(store: Store) -> None:
    await store.pool.execute("UPDATE party SET spec = spec || '{\"plans_for\": [\"pr\"]}' WHERE party = 'rai'")
    try:
        cancelled = b.a_plan(party="rai", status="cancelled", updated_at=b.hours(50))
        await store.feed([b.a_plan(), cancelled])
    finally:
        await store.pool.execute("UPDATE party SET spec = spec - 'plans_for' WHERE party = 'rai'")

    assert (await store.pictures())[b.TRAIN]["status"] == "planned"


async def test_a_run_is_planned_by_whoever_has_planned_it_first(store: Store) -> None:
    first = b.a_plan(b.RUN, id="first")
    await store.feed([first])
    store.clock.step(store.clock.now().replace(minute=30))
    await store.feed([b.a_plan(b.RUN, party="ktz", status="cancelled", updated_at=b.hours(90))])

    assert (await store.pictures())[b.RUN]["status"] == "planned"


@pytest.mark.parametrize("code", ["DEPA", "CANC", "STOP"])
async def test_a_railway_says_nothing_of_a_train_that_is_neither_its_own_nor_at_its_points(
    store: Store, code: str
) -> None:
    await store.feed([b.a_consist(), b.a_milestone(code, at=5, point=None, party="ktz")])

    picture = (await store.pictures())[b.TRAIN]
    assert codes(picture) == ["COMP"]
    assert waits(picture) == [f"a point of ktz, or a train of ktz with {b.TRAIN}"]


async def test_a_neighbour_speaks_of_a_train_at_its_own_points(store: Store) -> None:
    await store.feed([b.a_consist(), b.a_milestone("BARR", at=50, point="ir-mirjaveh", party="rai")])

    assert codes((await store.pictures())[b.TRAIN]) == ["COMP", "BARR"]


@pytest.mark.parametrize("code", ["MTRT", "GTIN", "DLVD", "STRP", "GTOT"])
async def test_a_forwarder_that_has_no_part_in_a_container_changes_nothing_of_it(store: Store, code: str) -> None:
    await store.feed([b.a_booking([b.CONTAINER], GOODS, party=RIVAL), b.a_consist(), b.a_milestone("DEPA", at=2)])
    before = (await store.pictures())[b.CONTAINER]

    await store.feed([moved(code, "indus-forwarding", point="kz-khorgos")])

    after = (await store.pictures())[b.CONTAINER]
    assert waits(after) == [f"a booking of indus-forwarding that names {b.CONTAINER}"]
    assert {name: after[name] for name in before} == before


async def test_what_a_forwarder_says_of_its_own_container_beyond_its_work_is_a_claim(store: Store) -> None:
    await store.feed([b.a_booking(), moved("GTIN", "lahore-dry-port", 1, "pk-lahore")])
    before = (await store.pictures())[b.CONTAINER]

    await store.feed([moved("DEPA", "indus-forwarding"), moved("STUF", "indus-forwarding", 2, "pk-lahore")])

    picture = (await store.pictures())[b.CONTAINER]
    assert [(f["code"], f.get("claim", False)) for f in picture["timeline"]] == [
        ("GTIN", False),
        ("STUF", False),
        ("DEPA", True),
    ]
    assert (picture["status"], picture["place"]["point"]) == (before["status"], before["place"]["point"])


async def test_a_report_of_a_forwarder_counts_once_its_booking_is_there(store: Store) -> None:
    early = moved("STUF", "indus-forwarding", 2, "pk-lahore", id="early")
    await store.feed([b.a_consist(), early])

    await store.feed([b.a_booking()])

    assert codes((await store.pictures())[b.CONTAINER]) == ["STUF"]
    outcomes = [r["outcome"] for r in await store.rows("receipt") if r["event_id"] == "early"]
    assert outcomes == ["accepted", "parked", "effective"]


async def test_who_had_a_container_before_says_nothing_of_it_since_another_has_it(store: Store) -> None:
    """Neither that it was stuffed nor that a seal was set on it."""
    delivered = b.a_milestone("DLVD", b.CONTAINER, at=400, point="ru-astrakhan", party="astrakhan-terminal")
    taken = moved("GTIN", "astrakhan-terminal", at=500, point="ru-astrakhan")
    back = b.a_booking(
        consignment=GOODS, party=RIVAL, at=450, origin="ru-astrakhan", destination="pk-lahore", route_variant=None
    )
    await store.feed([b.a_booking(), back, delivered, taken])

    stuffed = moved("STUF", "indus-forwarding", at=510, point="ru-astrakhan")
    await store.feed([stuffed, moved("STUF", "indus-forwarding", at=10, point="pk-lahore")])

    picture = (await store.pictures())[b.CONTAINER]
    assert [p["event_id"] for p in picture["parked"]] == [stuffed.id]
    assert codes(picture).count("STUF") == 1


async def test_of_one_party_the_newest_bookings_of_a_unit_count(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """So many that a unit does not carry more of one party in its years; what others have booked is as it was."""
    monkeypatch.setattr(budgets, "BOOKINGS_OF_A_PARTY", 2)
    await store.feed([b.a_booking()])
    for n in range(3):
        store.clock.step(store.clock.now() + timedelta(minutes=1))
        await store.feed([b.a_booking(consignment=f"{GOODS}{n}", party=RIVAL)])

    picture = (await store.pictures())[b.CONTAINER]
    assert picture["claimants"] == [b.CONSIGNMENT, f"{GOODS}1", f"{GOODS}2"]


@pytest.mark.parametrize("loaded", [False, True])
async def test_of_a_booked_wagon_a_consignment_shows_what_occurred_with_its_goods_on_it(
    store: Store, loaded: bool
) -> None:
    """A carrier has put them on it: who merely books the wagon of a rival learns nothing of its way."""
    row = {"wagon": b.WAGON, "position": 1, **({"consignment": b.CONSIGNMENT} if loaded else {})}
    consist = b.a_consist(wagons_listed=[row])

    await store.feed([b.a_booking([], wagons=[b.WAGON]), consist, b.a_milestone("DEPA", at=2)])

    picture = (await store.pictures())[b.CONSIGNMENT]
    (member,) = picture["members"]
    assert (member["status"], picture["status"]) == (("in_transit",) * 2 if loaded else ("unknown", "planned"))


async def test_a_railway_speaks_without_a_point_of_what_is_in_its_train(store: Store) -> None:
    """And of nothing that is not, whenever it says so."""
    damage = {"code": "DAMG", "point": None}
    await store.feed(
        [b.a_consist(), b.a_milestone("DEPA", at=2), moved("DAMG", "pr", 10, None), moved("DAMG", "rzd", 11, None)]
    )

    picture = (await store.pictures())[b.CONTAINER]
    assert codes(picture) == ["DEPA", damage["code"]]
    assert waits(picture) == [f"a point of rzd, or a train of rzd with {b.CONTAINER}"]


async def test_a_wagon_is_put_into_a_train_by_its_railway_or_where_the_other_stands(store: Store) -> None:
    strange = b.wagon(9)

    await store.feed([b.a_consist(), b.a_milestone("ATCH", strange, 5, "ir-kerman", party="rai", train=b.TRAIN)])
    await store.feed([b.a_milestone("ATCH", b.wagon(8), 5, None, party="rzd", train=b.TRAIN)])

    members = [m["subject"] for m in (await store.pictures())[b.TRAIN]["members"]]
    assert (strange in members, b.wagon(8) in members) == (True, False)


@pytest.mark.parametrize("code", ["MTRT", "STRP", "DLVD"])
async def test_a_terminal_ends_no_journey_of_a_container_that_is_not_there(store: Store, code: str) -> None:
    await store.feed([b.a_booking(), b.a_consist(), b.a_milestone("ARRI", at=40, point="pk-quetta")])

    await store.feed([moved(code, "zahedan-yard", 41, "ir-zahedan")])

    picture = (await store.pictures())[b.CONTAINER]
    assert (picture["status"], codes(picture)) == ("at_point", ["ARRI"])
    assert waits(picture) == [f"an arrival of {b.CONTAINER} where it was reported to end"]


async def test_nobody_ends_a_journey_before_the_unit_was_seen_anywhere(store: Store) -> None:
    """A report that is dated back behind all others is held by nobody."""
    await store.feed([b.a_booking(), b.a_consist(), b.a_milestone("DEPA", at=2)])

    await store.feed([moved("DLVD", "zahedan-yard", -10, "ir-zahedan")])

    picture = (await store.pictures())[b.CONTAINER]
    assert (picture["status"], codes(picture)) == ("in_transit", ["DEPA"])


async def test_a_delivery_counts_where_the_goods_were_to_go_though_nobody_saw_them_arrive(store: Store) -> None:
    await store.feed([b.a_booking(), moved("GTIN", "lahore-dry-port", 1, "pk-lahore")])

    await store.feed([moved("DLVD", "rzd", 400, "ru-astrakhan")])

    assert (await store.pictures())[b.CONSIGNMENT]["status"] == "delivered"


async def test_a_stranger_reports_nothing_of_a_consignment(store: Store) -> None:
    await store.feed([b.a_booking([], GOODS, party=RIVAL)])

    lost = [
        b.a_milestone(c, GOODS, at, None, party="indus-forwarding") for at, c in enumerate(("LOST", "DLVD", "CREL"))
    ]
    await store.feed(lost)

    picture = (await store.pictures())[GOODS]
    assert (picture["status"], codes(picture)) == ("planned", ["BKD"])
    assert set(waits(picture)) == {f"a booking of indus-forwarding that names {GOODS}"}


# --- What one party can make a fold cost


async def test_only_so_many_reports_of_a_party_count_on_a_subject(store: Store) -> None:
    many = [b.a_milestone("DLAY", at=n / 100, id=f"d{n:04}") for n in range(300)]

    await store.feed([b.a_consist(), *many, b.a_milestone("BARR", at=50, point="ir-mirjaveh", party="rai")])

    picture = (await store.pictures())[b.TRAIN]
    assert (codes(picture).count("DLAY"), codes(picture)[-1]) == (250, "BARR")
    outcomes = [r["outcome"] for r in await store.rows("receipt") if r["event_id"].startswith("d")]
    assert outcomes.count("parked") == 50


async def test_of_bare_positions_the_newest_counts_and_none_is_over(store: Store) -> None:
    """A navigation seal that reports every quarter of an hour for twelve days."""
    fixes = [
        b.a_milestone("PASS", b.WAGON, n / 4, None, id=f"p{n:04}", position={"latitude": 30.0, "longitude": 60.0})
        for n in range(1200)
    ]

    await store.feed([b.a_consist(), *fixes])

    picture = (await store.pictures())[b.WAGON]
    assert [(f["code"], f["instant"]) for f in picture["timeline"]] == [("PASS", b.hours(1199 / 4))]


async def test_consists_with_more_wagons_than_a_train_can_have_do_not_count(store: Store) -> None:
    consists = [
        b.a_consist({b.wagon(100 * n + m): [] for m in range(100)}, at=n, id=f"c{n}", updated_at=b.hours(n))
        for n in range(6)
    ]

    await store.feed(consists)

    picture = (await store.pictures())[b.TRAIN]
    assert codes(picture) == ["COMP"] * 4
    assert len(waits(picture)) == 2
