"""The location master: the points of all corridors, and every code by which somebody calls one.

Invariant: a point keeps its key for ever, and on one day an alias belongs to one point only.
"""

import re
from collections.abc import Callable, Iterator
from datetime import date
from functools import cached_property, lru_cache
from itertools import combinations
from typing import Annotated, Any, Final, Literal
from zoneinfo import ZoneInfo

from pydantic import BeforeValidator, Field, model_validator

from contracts.corridor import data_files
from contracts.corridor.data_files import Frozen
from contracts.identifiers import schemes as identifiers
from contracts.identifiers.check_digits import CheckFailed

PointKey = Annotated[str, Field(pattern=r"^[a-z]{2}-[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
PartyKey = Annotated[str, Field(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Role = Literal["origin", "destination", "port", "depot", "junction", "waypoint", "border", "tranship"]

_PARTY_SCHEME: Final = re.compile(r"party\.[a-z0-9]+(?:-[a-z0-9]+)*", re.ASCII)
_GAP: Final = re.compile(r"[\s_-]+")
_CHECKED: Final[dict[str, Callable[[str], str]]] = {
    "unlocode": identifiers.unlocode,
    "esr": identifiers.esr,
    "gln": identifiers.gln,
}
_PLAIN: Final = ("uic", "customs-office", "name")


def canonical_alias(code: str) -> str:
    """The one spelling of `scheme:value`; raises `ValueError` for an unknown scheme or an invalid value.

    Schemes: `unlocode`, `esr`, `gln` (checked), `uic`, `customs-office`, `name`, and `party.<party>` for a
    party's own table. Case never counts, nor does the difference of space, hyphen and underscore.
    """
    scheme, _, value = code.partition(":")
    scheme, value = scheme.lower(), value.strip()
    if not value:
        raise ValueError(f"{code!r} is no scheme:value alias")
    if scheme in _CHECKED:
        return f"{scheme}:{_CHECKED[scheme](value)}"
    if scheme not in _PLAIN and not _PARTY_SCHEME.fullmatch(scheme):
        raise ValueError(f"{scheme!r} is no scheme of aliases")
    return f"{scheme}:{_GAP.sub(' ', value).casefold()}"


class Position(Frozen):
    """WGS 84 degrees and their source: O, G, W, R (weak), M (from knowledge), E (estimate)."""

    lat: Annotated[float, Field(ge=-90, le=90)]
    lon: Annotated[float, Field(ge=-180, le=180)]
    source: Literal["O", "G", "W", "R", "M", "E"]


class Alias(Frozen):
    """A `scheme:value` code of a point, from the first to the last day on which it is valid."""

    code: str
    valid_from: date | None = None
    valid_until: date | None = None

    @model_validator(mode="after")
    def _check(self) -> "Alias":
        canonical_alias(self.code)
        if self.valid_from and self.valid_until and self.valid_from > self.valid_until:
            raise ValueError(f"alias {self.code} ends before it begins")
        return self

    @property
    def first_day(self) -> date:
        return self.valid_from or date.min

    @property
    def last_day(self) -> date:
        return self.valid_until or date.max

    def overlaps(self, other: "Alias") -> bool:
        """Whether both are valid on some day."""
        return self.first_day <= other.last_day and other.first_day <= self.last_day


def _alias(value: Any) -> Any:
    return {"code": value} if isinstance(value, str) else value


class Point(Frozen):
    """A station, border point, port or terminal. `railway` is the party whose word counts first there."""

    key: PointKey
    name: str
    country: str
    zone: str
    roles: Annotated[tuple[Role, ...], Field(min_length=1)]
    railway: PartyKey | None
    position: Position | None
    aliases: tuple[Annotated[Alias, BeforeValidator(_alias)], ...]

    @model_validator(mode="after")
    def _check(self) -> "Point":
        identifiers.country(self.country)
        if not self.key.startswith(f"{self.country.lower()}-"):
            raise ValueError(f"the key of {self.key} does not begin with its country {self.country}")
        for alias in self.aliases:
            scheme, _, value = canonical_alias(alias.code).partition(":")
            if scheme == "unlocode" and not value.startswith(self.country):
                raise ValueError(f"{alias.code} of {self.key} is of another country")
        _zone(self.zone)
        return self

    @property
    def zone_info(self) -> ZoneInfo:
        return ZoneInfo(self.zone)

    @property
    def all_aliases(self) -> tuple[Alias, ...]:
        """The aliases with the point's own name among them."""
        return (*self.aliases, Alias(code=f"name:{self.name}"))


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (KeyError, ValueError, OSError) as failure:
        raise ValueError(f"{name} is no IANA time zone") from failure


class Locations(Frozen):
    """One version of the master."""

    version: Annotated[int, Field(ge=1)]
    points: Annotated[tuple[Point, ...], Field(min_length=1)]

    @model_validator(mode="after")
    def _check(self) -> "Locations":
        if len(self._by_key) != len(self.points):
            raise ValueError("two points have one key")
        for code, holders in self._by_alias.items():
            for (one, a), (other, b) in combinations(holders, 2):
                if one.key != other.key and a.overlaps(b):
                    raise ValueError(f"{code} belongs to {one.key} and {other.key} on one day")
        return self

    def find(self, key: str) -> Point | None:
        """The point of a key."""
        return self._by_key.get(key)

    def resolve(self, code: str, on: date | None = None) -> Point | None:
        """The point of a key, or of an alias valid `on` that day (without a day, of the alias valid last)."""
        if ":" not in code:
            return self.find(code.lower())
        try:
            holders = self._by_alias.get(canonical_alias(code), ())
        except (CheckFailed, ValueError):
            return None
        valid = [(a.last_day, p) for p, a in holders if on is None or a.first_day <= on <= a.last_day]
        return max(valid, key=lambda pair: pair[0], default=(None, None))[1]

    @cached_property
    def _by_key(self) -> dict[str, Point]:
        return {point.key: point for point in self.points}

    @cached_property
    def _by_alias(self) -> dict[str, tuple[tuple[Point, Alias], ...]]:
        index: dict[str, tuple[tuple[Point, Alias], ...]] = {}
        for point, alias in self._pairs():
            code = canonical_alias(alias.code)
            index[code] = (*index.get(code, ()), (point, alias))
        return index

    def _pairs(self) -> Iterator[tuple[Point, Alias]]:
        return ((point, alias) for point in self.points for alias in point.all_aliases)


@lru_cache
def load_locations(version: int) -> Locations:
    """A version of the master; raises `LookupError` or pydantic's `ValidationError`."""
    return Locations.model_validate(data_files.read("locations", version))
