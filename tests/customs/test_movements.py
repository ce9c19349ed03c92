"""What moves goods over a border, and what of it is announced and raised: an instance of each kind.

The families around them are the generated journeys of `test_model`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import pytest

from contracts.events.fields import is_date, moment
from tests.customs.folded import events_of, fold_all, passage_of, raised
from tests.customs.journeys import CORRIDOR, UNITS, Journey, Paper, Report
from tests.support import builders as b

BOX, OTHER = UNITS[:2]
UNTIL_TAFTAN = ("DEPA pk-lahore 2", "BARR pk-taftan 90")
INTO_IRAN = (*UNTIL_TAFTAN, "DEPA pk-taftan 100", "BARR ir-mirjaveh 101")
OUT_OF_PAKISTAN = "lodge -40, accept -39, release -38, start_transit 0, present 91, let_out 95"
THROUGH_IRAN = "lodge 80, accept 102, release 110, start_transit 111"


def told(text: str, *, claim: bool = False) -> Report:
    """A report of "code point time", the time in hours from the start or a date."""
    code, point, time = text.split()
    at = time if is_date(time) else b.hours(float(time))
    return Report(code, point, at, moment(at, CORRIDOR.zone(point)), claim)


def papers(law: str, acts: str, *, country: str | None = None, units: Sequence[str] = ()) -> list[Paper]:
    """Papers of "JURISDICTION PROCEDURE" with "act time, act time"."""
    jurisdiction, procedure = law.split()
    found = [act.split() for act in acts.split(", ")]
    at = [time if is_date(time) else b.hours(float(time)) for _, time in found]
    by = country or jurisdiction
    return [
        Paper(jurisdiction, procedure, act, when, by, () if act == "lodge" else tuple(units))
        for (act, _), when in zip(found, at, strict=True)
    ]


def journey(
    *reports: str | Report,
    laws: Sequence[Paper] = (),
    origin: str = "pk-lahore",
    destination: str = "ru-astrakhan",
    variant: str | None = "R1",
    as_of: float = 900,
    others: Mapping[str, Sequence[str]] | None = None,
) -> Journey:
    """A consignment of one container, or of several with what is told of the `others`."""
    given = [one if isinstance(one, Report) else told(one) for one in reports]
    units = {BOX: given, **{unit: [told(t) for t in some] for unit, some in (others or {}).items()}}
    known = {unit: sorted(some, key=lambda r: r.instant) for unit, some in units.items()}
    return Journey(origin, destination, variant, known, laws, b.START + timedelta(hours=as_of))


def violations(one: Journey) -> set[tuple[str, str, str]]:
    return raised(fold_all(events_of(one), one.as_of))


def announced(one: Journey) -> dict[str, Any]:
    return {a["country"]: a for a in passage_of(fold_all(events_of(one), one.as_of))["announcements"]}


# --- What moves


@pytest.mark.parametrize(
    "report",
    [
        told("CUSS ir-sarakhs 92", claim=True),
        told("DEPA pk-taftan 92", claim=True),
        told("DLVD ru-astrakhan 92", claim=True),
        told("OFFR ir-mirjaveh 92"),
        told("PREA kz-bolashak 3"),
        told("PASS pk-taftan 94"),
        told("LOAD ir-zahedan 94"),
    ],
    ids=lambda r: f"{r.code} at {r.point}",
)
def test_a_claim_an_offer_or_a_sighting_moves_nothing_over_a_border(report: Report) -> None:
    one = journey(*UNTIL_TAFTAN, report)

    assert violations(one) == set()
    assert {c: a["state"] for c, a in announced(one).items()} == {"IR": "expected"}


def test_a_passage_where_nothing_stands_moves_goods_there() -> None:
    assert violations(journey("DEPA pk-lahore 2", "PASS ir-mirjaveh 101")) == {
        ("LEFT_WITHOUT_PERMISSION", "pk-ir", BOX)
    }


@pytest.mark.parametrize("back", ["ARRI pk-taftan 104", "ARRI pk-quetta 140"])
def test_a_departure_that_leads_back_leaves_nothing(back: str) -> None:
    left = (*UNTIL_TAFTAN, "DEPA pk-taftan 100")

    assert violations(journey(*left)) == {("LEFT_WITHOUT_PERMISSION", "pk-ir", BOX)}
    assert violations(journey(*left, back)) == set()


def test_goods_that_were_sent_back_may_leave_once_more_only_with_a_permission() -> None:
    """The first time they were let out; then the permission was taken back."""
    recalled = papers("PK EXPORT", f"{OUT_OF_PAKISTAN}, inspect 120")
    again = (*INTO_IRAN, "ARRI pk-taftan 118", "DEPA pk-taftan 130")

    assert violations(journey(*INTO_IRAN, laws=recalled)) == set()
    assert violations(journey(*again, laws=recalled)) == {("LEFT_WITHOUT_PERMISSION", "pk-ir", BOX)}


# --- Where a passage begins and ends, and in which direction


def test_a_train_from_russia_breaks_no_law_of_where_it_has_not_been() -> None:
    south = {"origin": "ru-astrakhan", "destination": "pk-lahore", "variant": "R1-south"}
    one = journey("DEPA ru-astrakhan 2", "BARR kz-bolashak 60", **south)  # type: ignore[arg-type]

    assert violations(one) == set()
    assert {c: a["state"] for c, a in announced(one).items()} == {"KZ": "arrived", "TM": "expected"}


def test_a_booking_against_the_direction_of_its_variant_goes_the_way_that_leads_there() -> None:
    one = journey("DEPA ru-astrakhan 2", "BARR kz-bolashak 60", origin="ru-astrakhan", destination="pk-lahore")

    assert violations(one) == set()


def test_the_export_of_russia_is_let_out_where_the_union_ends() -> None:
    out = papers("RU EXPORT", "lodge -40, accept -39, release -38, start_transit 0, present 61, let_out 62")
    left = ("DEPA ru-astrakhan 2", "BARR kz-bolashak 60", "DEPA kz-bolashak 70", "BARR tm-serhetyaka 71")
    south = {"origin": "ru-astrakhan", "destination": "pk-lahore", "variant": "R1-south"}

    assert violations(journey(*left, laws=out, **south)) == set()  # type: ignore[arg-type]
    assert violations(journey(*left, **south)) == {("LEFT_WITHOUT_PERMISSION", "kz-tm", BOX)}  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("origin", "destination", "variant"),
    [("kz-atyrau", "ru-astrakhan", "R1"), ("ru-astrakhan", "kz-beyneu", "R1-south"), ("pk-lahore", "pk-quetta", "R1")],
)
def test_goods_inside_one_customs_territory_need_no_case(origin: str, destination: str, variant: str) -> None:
    one = journey(
        f"DEPA {origin} 2",
        f"ARRI {destination} 60",
        f"GTOT {destination} 70",
        origin=origin,
        destination=destination,
        variant=variant,
    )

    assert (violations(one), announced(one)) == (set(), {})


IMPORTED = papers("IR IMPORT", "lodge 100, accept 102, release 110")


def test_goods_that_are_imported_where_they_enter_need_no_transit() -> None:
    out = papers("PK EXPORT", OUT_OF_PAKISTAN)
    told_of = (*INTO_IRAN, "ARRI ir-zahedan 106", "GTOT ir-zahedan 120")
    one = journey(*told_of, laws=[*out, *IMPORTED], destination="ir-zahedan")

    assert violations(one) == set()
    assert {c: (a["state"], a["filed"]) for c, a in announced(one).items()} == {"IR": ("arrived", True)}


def test_goods_for_zahedan_that_nobody_released_have_left_the_zone_by_its_gate() -> None:
    out = papers("PK EXPORT", OUT_OF_PAKISTAN)
    one = journey(*INTO_IRAN, "ARRI ir-zahedan 106", "GTOT ir-zahedan 120", laws=out, destination="ir-zahedan")

    assert violations(one) == {("LEFT_ZONE_WITHOUT_RELEASE", "pk-ir", BOX)}


FAR = ("ARRI ru-astrakhan 400",)


@pytest.mark.parametrize("gone", ["GTOT ru-astrakhan 420", "DLVD ru-astrakhan 430"])
@pytest.mark.parametrize(("released", "expected"), [("410", 0), ("440", 1), (None, 1)])
def test_the_store_at_the_destination_is_left_when_the_import_is_released(
    gone: str, released: str | None, expected: int
) -> None:
    acts = "lodge 401, accept 402" + (f", release {released}" if released else "")
    inside = {"origin": "tm-serakhs"}
    way = papers("TM EXPORT", "lodge -4, accept -3, release -2, let_out -1")
    union = papers("EAEU TRANSIT", "lodge 100, accept 101, release 102, start_transit 103", country="KZ")
    one = journey(*FAR, gone, laws=[*way, *union, *papers("RU IMPORT", acts)], **inside)  # type: ignore[arg-type]

    assert violations(one) == ({("LEFT_ZONE_WITHOUT_RELEASE", "ru-astrakhan", BOX)} if expected else set())


def test_goods_that_go_by_the_other_border_are_announced_where_they_go() -> None:
    """Booked by Sarakhs, seen at Gorgan."""
    one = journey(*INTO_IRAN, "DEPA ir-zahedan 150", "ARRI ir-gorgan 200", as_of=201)

    assert announced(one)["TM"]["entry_point"] == "tm-akyayla"


def test_without_a_variant_goods_are_announced_and_watched_where_all_ways_lead() -> None:
    one = journey(*UNTIL_TAFTAN, "DEPA pk-taftan 100", "ARRI ir-mirjaveh 101", variant=None)

    assert violations(one) == {("LEFT_WITHOUT_PERMISSION", "pk-ir", BOX)}
    assert {c: a["state"] for c, a in announced(one).items()} == {"IR": "arrived"}


# --- Permissions


def test_goods_leave_an_exit_when_they_are_let_out_and_the_discharge_may_come_later() -> None:
    one = journey(*INTO_IRAN, laws=papers("PK EXPORT", f"{OUT_OF_PAKISTAN}, discharge 130"))

    assert violations(one) == set()


def test_goods_that_are_only_presented_may_not_leave() -> None:
    one = journey(*INTO_IRAN, laws=papers("PK EXPORT", OUT_OF_PAKISTAN.rpartition(", ")[0]))

    assert violations(one) == {("LEFT_WITHOUT_PERMISSION", "pk-ir", BOX)}


@pytest.mark.parametrize(("day", "expected"), [("2026-06-28", 0), ("2026-06-29", 1)])
def test_a_permission_that_is_known_by_its_day_covers_that_day(day: str, expected: int) -> None:
    """The train leaves Zahedan in the evening of 28 June."""
    out = papers("PK EXPORT", OUT_OF_PAKISTAN)
    laws = [*out, *papers("IR TRANSIT", f"lodge 80, accept 102, release {day}")]
    one = journey(*INTO_IRAN, "ARRI ir-zahedan 106", "DEPA ir-zahedan 154", laws=laws)

    assert violations(one) == ({("LEFT_ZONE_WITHOUT_RELEASE", "pk-ir", BOX)} if expected else set())


@pytest.mark.parametrize(("hour", "expected"), [(154, 0), (180, 1)])
def test_what_ends_a_permission_on_some_day_ends_it_with_that_day(hour: int, expected: int) -> None:
    """Recalled on 28 June; the train leaves on that day, or on the next."""
    laws = papers("PK EXPORT", OUT_OF_PAKISTAN)
    laws += papers("IR TRANSIT", "lodge 80, accept 102, release 110, inspect 2026-06-28")
    one = journey(*INTO_IRAN, "ARRI ir-zahedan 106", f"DEPA ir-zahedan {hour}", laws=laws)

    assert violations(one) == ({("LEFT_ZONE_WITHOUT_RELEASE", "pk-ir", BOX)} if expected else set())


def test_a_departure_that_is_known_by_its_day_has_the_benefit_of_the_doubt() -> None:
    laws = papers("PK EXPORT", OUT_OF_PAKISTAN)

    assert violations(journey("DEPA pk-lahore 2", "DEPA pk-taftan 2026-06-26", laws=laws)) == set()
    assert violations(journey("DEPA pk-lahore 2", "DEPA pk-taftan 2026-06-25", laws=laws))


# --- Units


def test_a_release_of_one_unit_lets_that_one_go() -> None:
    out = papers("PK EXPORT", OUT_OF_PAKISTAN)
    into = [*papers("IR TRANSIT", "lodge 80, accept 102"), *papers("IR TRANSIT", "release 110", units=[BOX])]
    left = (*INTO_IRAN, "DEPA ir-zahedan 150")
    one = journey(*left, laws=[*out, *into], others={OTHER: left})

    assert violations(one) == {("LEFT_ZONE_WITHOUT_RELEASE", "pk-ir", OTHER)}


def test_a_unit_that_is_left_behind_silences_no_announcement_ahead() -> None:
    behind = (*INTO_IRAN, "ARRI ir-zahedan 106")
    ahead = (*behind, "DEPA ir-zahedan 150", "BARR tm-serakhs 230", "BARR kz-bolashak 300", "DEPA kz-bolashak 310")
    found = announced(journey(*ahead, others={OTHER: behind}, as_of=320))

    states = {c: {u["subject"]: u["state"] for u in a["units"]} for c, a in found.items()}
    assert states == {
        "IR": {BOX: "arrived", OTHER: "arrived"},
        "TM": {BOX: "arrived", OTHER: "expected"},
        "KZ": {BOX: "arrived"},
        "RU": {BOX: "expected"},
    }
    assert {c: a["state"] for c, a in found.items()} == {
        c: "expected" if c in ("TM", "RU") else "arrived" for c in found
    }


def test_units_are_announced_in_order_of_their_trains() -> None:
    one = journey("DEPA pk-lahore 2", others={OTHER: ("DEPA pk-lahore 3",)})
    events = events_of(one)
    trains = {BOX: "train:pr/PK0009/2026-06-22", OTHER: "train:pr/PK0001/2026-06-22"}
    given = [_in_train(event, trains) for event in events]

    (found,) = passage_of(fold_all(given, one.as_of))["announcements"]
    assert [u["train"] for u in found["units"]] == sorted(trains.values())


def _in_train(event: Any, trains: Mapping[str, str]) -> Any:
    if event.subject not in trains:
        return event
    data = event.data.model_dump(mode="json", exclude_none=True)
    for fact in data["timeline"]:
        fact["via"] = trains[event.subject]
    return b.an_event(event.type, event.subject, data, id=event.id, party="tracking")


# --- When


@pytest.mark.parametrize(
    ("as_of", "first", "last"),
    [
        # 24 h at Taftan and 1 h to Mirjaveh.
        (95, 90 + 25, True),
        # It stands longer than planned: nobody knows.
        (120, None, True),
        (400, None, False),
    ],
)
def test_nothing_is_expected_in_the_past(as_of: float, first: float | None, last: bool) -> None:
    arrival = announced(journey(*UNTIL_TAFTAN, as_of=as_of))["IR"]

    assert arrival.get("expected_from") == (b.hours(first) if first else None)
    assert ("expected_to" in arrival) is last


def test_to_be_seen_in_a_stay_does_not_end_it() -> None:
    one = journey(*UNTIL_TAFTAN, "PASS pk-taftan 94", as_of=95)

    assert announced(one)["IR"]["expected_from"] == b.hours(90 + 25)


def test_what_was_expected_is_looked_at_again_when_it_has_passed() -> None:
    one = journey(*UNTIL_TAFTAN, as_of=95)
    found = fold_all(events_of(one), one.as_of)

    due = found[f"passage:{b.CONSIGNMENT}"].due
    assert due == datetime.fromisoformat(b.hours(115)) + timedelta(microseconds=1)
