"""The field types that event models are made of.

Invariant: a value that passes has one meaning everywhere: an instant carries an offset, a key has one
spelling, a text can be stored as it is. What fails says which reason of the closed list it is.
"""

import re
from collections.abc import Callable, Mapping
from datetime import UTC, date, datetime, timedelta, tzinfo
from functools import lru_cache
from typing import Annotated, Any, Final, Literal

from pydantic import (
    AfterValidator,
    BeforeValidator,
    Field,
    PlainSerializer,
    StringConstraints,
    WithJsonSchema,
)
from pydantic.config import JsonDict
from pydantic_core import PydanticCustomError

from contracts.identifiers import schemes as identifiers
from contracts.identifiers import subjects
from contracts.identifiers.check_digits import CheckFailed

_INSTANT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(?:\.\d{1,6})?(?:[Zz]|[+-]\d\d:\d\d)", re.ASCII)
_LOCAL: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(?::\d\d(?:\.\d+)?)?", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d\d-\d\d", re.ASCII)
_INSTANT_PATTERN: Final = r"^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d{1,6})?([Zz]|[+-]\d\d:\d\d)$"
_DATE_PATTERN: Final = r"^\d{4}-\d\d-\d\d$"
_NO_INSTANT: Final = "an instant is RFC 3339 with offset and at most microseconds"
# Room on both sides for every offset, so that no instant can overflow when it is turned into UTC.
_FIRST: Final = datetime(1990, 1, 1, tzinfo=UTC)
_LAST: Final = datetime(2100, 1, 1, tzinfo=UTC)


def none_given() -> Any:
    """The default of a list that nobody has to give.

    It is made anew for each: pydantic would copy a default deeply, which takes longer than to read the rest.
    """
    return Field(default_factory=list, json_schema_extra={"default": []})


def parse_instant(text: str) -> datetime:
    """An RFC 3339 instant with offset and at most microseconds; raises `PydanticCustomError`."""
    if not isinstance(text, str):
        raise PydanticCustomError("bad_field", _NO_INSTANT)
    return _parsed(text)


# The same picture is read again and again, with the same instants in it.
@lru_cache(maxsize=65536)
def _parsed(text: str) -> datetime:
    if not _INSTANT.fullmatch(text):
        if _LOCAL.fullmatch(text):
            raise PydanticCustomError("time_without_offset", "the time has no offset from UTC, such as +05:00")
        raise PydanticCustomError("bad_field", _NO_INSTANT + _by_sheet(text))
    try:
        instant = datetime.fromisoformat(text.upper())
    except ValueError as failure:
        raise PydanticCustomError("bad_field", "no such instant") from failure
    return _in_range(instant)


def _by_sheet(text: str) -> str:
    """What a sheet has done to an instant, where it counts the days."""
    counted = text.replace(".", "", 1).isdigit()
    return "; a sheet has counted the days: write the column as text" if counted else ""


def _in_range(instant: datetime) -> datetime:
    if not _FIRST <= instant <= _LAST:
        raise PydanticCustomError("bad_field", "the instant is outside 1990 to 2100")
    return instant


def _instant(value: object) -> datetime:
    if isinstance(value, datetime):
        if value.tzinfo is None:
            raise PydanticCustomError("time_without_offset", "the time has no offset from UTC")
        return _in_range(value)
    return parse_instant(value)  # type: ignore[arg-type]


def _occurred(text: str) -> str:
    if _DATE.fullmatch(text):
        try:
            day = date.fromisoformat(text)
        except ValueError as failure:
            raise PydanticCustomError("bad_field", "no such date") from failure
        _in_range(datetime(day.year, day.month, day.day, tzinfo=UTC))
        return text
    parse_instant(text)
    return text


def is_date(occurred: str) -> bool:
    """Whether only the date is known."""
    return len(occurred) == 10


def moment(occurred: str, zone: tzinfo) -> datetime:
    """The UTC instant at which an `Occurred` sorts: a bare date at the last microsecond of that day in `zone`."""
    if is_date(occurred):
        day = date.fromisoformat(occurred) + timedelta(days=1)
        midnight = datetime(day.year, day.month, day.day, tzinfo=zone)
        return midnight.astimezone(UTC) - timedelta(microseconds=1)
    return datetime.fromisoformat(occurred.upper()).astimezone(UTC)


@lru_cache(maxsize=8192)
def utc_text(instant: datetime) -> str:
    """RFC 3339 in UTC with `Z`, microseconds only where there are any."""
    return instant.astimezone(UTC).isoformat()[:-6] + "Z"


def as_shown(row: Mapping[str, Any]) -> dict[str, Any]:
    """A row as JSON shows it: instants as texts, and without what is null."""
    return {name: utc_text(v) if isinstance(v, datetime) else v for name, v in row.items() if v is not None}


def _storable(text: str) -> str:
    # Postgres text holds no NUL, and a lone surrogate is no Unicode text.
    if any(ord(c) < 32 and c not in "\n\t" for c in text) or any("\ud800" <= c <= "\udfff" for c in text):
        raise PydanticCustomError("bad_field", "the text holds a control character")
    return text


def subject_key(*kinds: str) -> Callable[[str], str]:
    """A validator that gives the one spelling of a subject key of these kinds, or of any."""

    def check(text: str) -> str:
        try:
            key = subjects.parse(text)
        except subjects.BadSubject as failure:
            kind = "check_digit" if failure.check_digit else "bad_field"
            raise PydanticCustomError(kind, "{why}", {"why": str(failure)}) from failure
        if kinds and subjects.kind_of(key) not in kinds:
            raise PydanticCustomError("bad_field", "{why}", {"why": f"expected {' or '.join(kinds)}"})
        return key

    return check


def _identifier(scheme: str) -> Callable[[str], str]:
    def check(text: str) -> str:
        try:
            return identifiers.SCHEMES[scheme](text)
        except CheckFailed as failure:
            kind = "check_digit" if failure.kind == "check_digit" else "bad_field"
            raise PydanticCustomError(kind, "{why}", {"why": str(failure)}) from failure

    return check


def _key(*kinds: str) -> Any:
    schema: JsonDict = {"pattern": f"^({'|'.join(kinds or subjects.KINDS)}):"}
    return Annotated[
        str,
        StringConstraints(max_length=subjects.MAX_KEY),
        AfterValidator(subject_key(*kinds)),
        Field(json_schema_extra=schema),
    ]


Instant = Annotated[
    datetime,
    BeforeValidator(_instant),
    PlainSerializer(utc_text, return_type=str, when_used="json"),
    WithJsonSchema({"type": "string", "format": "date-time", "pattern": _INSTANT_PATTERN}),
]
"""An instant with its offset; written in UTC."""

Occurred = Annotated[
    str,
    AfterValidator(_occurred),
    WithJsonSchema({"type": "string", "pattern": f"{_INSTANT_PATTERN}|{_DATE_PATTERN}"}),
]
"""An instant with offset as sent, or a date where only a date is known."""

Text = Annotated[str, StringConstraints(max_length=1000), AfterValidator(_storable)]
Label = Annotated[str, StringConstraints(min_length=1, max_length=120), AfterValidator(_storable)]
Code = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$")]
"""A code of somebody's table: a point key or `scheme:value` alias, an office, a document type."""

PartyKey = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Country = Literal["PK", "IR", "TM", "KZ", "RU"]
Hs = Annotated[str, AfterValidator(_identifier("hs")), Field(description="HS code of 6, 8 or 10 digits")]
Kilograms = Annotated[int, Field(ge=0, le=10_000_000)]
Count = Annotated[int, Field(ge=0, le=10_000_000)]

AnySubject = _key()
Run = _key("run")
Train = _key("train")
TrainOrRun = _key("train", "run")
Wagon = _key("wagon")
Container = _key("container")
Consignment = _key("consignment")
CaseKey = _key("case")
