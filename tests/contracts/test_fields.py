"""The field types: what an instant, a date, a key and a text may be, and how each is written."""

import re
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError

from contracts.events import fields
from contracts.events.base import OPEN, Channel, Data, Enumerated, Position, Reference, Seal
from contracts.events.fields import is_date, moment, parse_instant, utc_text

INSTANT = TypeAdapter[Any](fields.Instant)
OCCURRED = TypeAdapter[Any](fields.Occurred)


def fault(kind: TypeAdapter[Any], text: str) -> str:
    with pytest.raises(ValidationError) as caught:
        kind.validate_json(f'"{text}"')
    return caught.value.errors()[0]["type"]


@pytest.mark.parametrize(
    ("text", "utc"),
    [
        ("2026-06-22T08:05:00+05:00", "2026-06-22T03:05:00Z"),
        ("2026-06-22T08:05:00+03:30", "2026-06-22T04:35:00Z"),
        ("2026-06-22t03:05:00z", "2026-06-22T03:05:00Z"),
        ("2026-06-22T03:05:00.5Z", "2026-06-22T03:05:00.500000Z"),
        ("2026-06-22T03:05:00.123456-00:00", "2026-06-22T03:05:00.123456Z"),
    ],
)
def test_an_instant_is_written_in_utc(text: str, utc: str) -> None:
    assert utc_text(parse_instant(text)) == utc
    assert INSTANT.dump_json(INSTANT.validate_json(f'"{text}"')) == f'"{utc}"'.encode()


@pytest.mark.parametrize(
    "text", ["2026-06-22T08:00:00", "2026-06-22 08:00", "2026-06-22T08:00", "2026-06-22T08:00:00.1234567"]
)
@pytest.mark.parametrize("kind", [INSTANT, OCCURRED], ids=["instant", "occurred"])
def test_a_time_without_an_offset_is_told_as_such(kind: TypeAdapter[Any], text: str) -> None:
    assert fault(kind, text) == "time_without_offset"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "now",
        "2026-06-22T08:00Z",
        "2026-06-22 08:00:00Z",
        "2026-06-22T08:00:00+05",
        "2026-06-22T08:00:00+0500",
        "2026-06-22T08:00:00+24:00",
        "2026-06-22T08:00:00.1234567Z",
        "2026-06-22T08:00:00,5Z",
        "2026-06-22T24:00:01Z",
        "2026-06-22T08:60:00Z",
        "2026-06-22T08:00:60Z",
        "2026-13-22T08:00:00Z",
        "2026-06-31T08:00:00Z",
        "1989-12-31T23:59:59Z",
        "2100-01-01T00:00:01Z",
        "0001-01-01T00:00:00+14:00",
        "9999-12-31T23:59:59-14:00",
        " 2026-06-22T08:00:00Z",
        "2026-06-22T08:00:00Z\\n",
        "۲۰۲۶-۰۶-۲۲T08:00:00Z",
    ],
)
@pytest.mark.parametrize("kind", [INSTANT, OCCURRED], ids=["instant", "occurred"])
def test_what_is_no_instant_is_refused(kind: TypeAdapter[Any], text: str) -> None:
    assert fault(kind, text) == "bad_field"


def test_an_instant_is_no_date() -> None:
    assert fault(INSTANT, "2026-06-22") == "bad_field"


@pytest.mark.parametrize("text", ["2026-06-22", "2026-06-22T08:05:00+05:00", "2026-06-22t08:05:00.5z"])
def test_an_occurrence_is_kept_as_sent(text: str) -> None:
    assert OCCURRED.validate_json(f'"{text}"') == text
    assert is_date(text) == (text == "2026-06-22")


@pytest.mark.parametrize("text", ["2026-02-30", "20260622", "2026-W26-1", "1989-12-31", "2101-01-01", "2026-6-22"])
def test_a_date_that_is_none_is_refused(text: str) -> None:
    assert fault(OCCURRED, text) == "bad_field"


def test_a_bare_date_sorts_at_the_end_of_its_day_in_the_zone_of_the_point() -> None:
    assert moment("2026-06-22", ZoneInfo("Asia/Tehran")) == datetime(2026, 6, 22, 20, 29, 59, 999999, tzinfo=UTC)


def test_an_instant_sorts_where_it_is_whatever_the_zone_of_the_point() -> None:
    text = "2026-06-22T08:05:00+05:00"
    assert moment(text, ZoneInfo("Asia/Tehran")) == moment(text, UTC) == datetime(2026, 6, 22, 3, 5, tzinfo=UTC)


_zones = st.integers(-14 * 60, 14 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
_instants = st.datetimes(datetime(1990, 1, 2), datetime(2099, 12, 30), timezones=_zones)  # noqa: DTZ001


@given(_instants)
def test_every_instant_of_a_century_comes_back(instant: datetime) -> None:
    assert parse_instant(instant.isoformat()) == parse_instant(utc_text(instant)) == instant


@given(_instants)
def test_the_pattern_of_the_schema_takes_what_is_taken(instant: datetime) -> None:
    pattern = INSTANT.json_schema()["pattern"]
    assert re.search(pattern, instant.isoformat()) and re.search(pattern, utc_text(instant))


@given(st.text(max_size=30))
def test_any_text_is_an_instant_or_is_refused(text: str) -> None:
    try:
        assert parse_instant(text).tzinfo is not None
    except PydanticCustomError as refusal:
        assert refusal.type in ("bad_field", "time_without_offset")


@given(st.dates(date(1990, 1, 2), date(2099, 12, 30)))
def test_every_date_of_a_century_is_an_occurrence(day: date) -> None:
    assert OCCURRED.validate_json(f'"{day}"') == str(day)


@pytest.mark.parametrize("kind", [fields.Text, fields.Label], ids=["text", "label"])
@pytest.mark.parametrize("text", ["a\x00b", "\x1b[31m", "a\rb", "\ud800"])
def test_a_text_that_cannot_be_stored_or_shown_is_refused(kind: Any, text: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[Any](kind).validate_python(text)


@pytest.mark.parametrize("text", ["Вагон отцеплен", "واگن", "two\nlines\tand a tab", "🚂"])
def test_a_text_in_any_script_is_taken(text: str) -> None:
    assert TypeAdapter[Any](fields.Text).validate_python(text) == text


@pytest.mark.parametrize("code", ["pk-lahore", "unlocode:IRZAH", "party.rai:ZHD", "customs-office:39801001", "A/1_b"])
def test_a_code_may_be_an_alias(code: str) -> None:
    assert TypeAdapter[Any](fields.Code).validate_python(code) == code


@pytest.mark.parametrize("code", ["", " pk-lahore", "-x", "a b", "Zаhedan", "a\n", "a" * 81])
def test_what_is_no_code_is_refused(code: str) -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[Any](fields.Code).validate_python(code)


def test_a_key_of_another_kind_says_which_was_expected() -> None:
    with pytest.raises(ValidationError, match="expected train or run"):
        TypeAdapter[Any](fields.TrainOrRun).validate_python("container:CSQU3054383")


def test_a_position_is_made_of_numbers() -> None:
    assert Position.model_validate_json('{"latitude": 45, "longitude": 54.1}') == Position(latitude=45, longitude=54.1)
    for wrong in ('"45"', "true", "null", "1e999"):
        with pytest.raises(ValidationError):
            Position.model_validate_json(f'{{"latitude": {wrong}, "longitude": 54.1}}')


def test_a_reference_has_the_key_that_a_report_about_it_has() -> None:
    assert Reference(scheme="smgs", issuer="trk", number="tm0712345").key == "reference:smgs:trk:TM0712345"


def test_a_reference_of_a_known_scheme_is_held_to_its_rule() -> None:
    with pytest.raises(ValidationError, match="check digit should be 8"):
        Reference(scheme="cim", issuer="rai", number="702689")


def test_an_enumeration_is_closed_for_whoever_writes() -> None:
    for value in ("pigeon", "other"):
        with pytest.raises(ValidationError):
            TypeAdapter[Any](Channel).validate_python(value)


def test_an_enumeration_is_open_for_whoever_reads_what_was_published() -> None:
    assert TypeAdapter[Any](Channel).validate_json('"pigeon"', context=OPEN) == "other"
    assert TypeAdapter[Any](Channel).validate_json('"email"', context=OPEN) == "email"
    seal = TypeAdapter(Seal).validate_json('{"number": "1", "reason": "renewed"}', context=OPEN)
    assert (seal.reason, seal.kind) == ("other", "other")


def test_an_open_enumeration_still_holds_texts_only() -> None:
    with pytest.raises(ValidationError):
        TypeAdapter[Any](Channel).validate_json("7", context=OPEN)


def test_models_cannot_be_changed() -> None:
    with pytest.raises(ValidationError, match="frozen"):
        Position(latitude=1, longitude=2).latitude = 3  # type: ignore[misc]


@pytest.mark.parametrize("model", Data.__subclasses__(), ids=lambda m: m.__name__)
def test_every_model_is_strict_frozen_and_ignores_the_unknown(model: type[Data]) -> None:
    config = model.model_config
    assert (config["frozen"], config["strict"], config["extra"]) == (True, True, "ignore")


def test_the_name_of_the_open_value_is_part_of_the_contract() -> None:
    assert TypeAdapter[Any](Enumerated[int]).validate_json("7") == 7
