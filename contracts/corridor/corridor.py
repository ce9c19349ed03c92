"""A corridor: points, borders, route variants, jurisdictions and thresholds of one released version.

Invariant: a corridor that loads is consistent: every point exists, every change of country is a border and
every change of gauge is a named one, so that no reader has to check again.
"""

from datetime import date
from functools import cached_property, lru_cache
from itertools import pairwise
from typing import Annotated, Literal
from zoneinfo import ZoneInfo

from pydantic import Field, model_validator

from contracts.corridor import data_files
from contracts.corridor.borders import Border, JurisdictionKey
from contracts.corridor.data_files import Frozen
from contracts.corridor.locations import Locations, Point, load_locations
from contracts.corridor.routes import Regime, RouteVariant

PointClass = Literal["gauge_change", "border", "terminal", "waypoint"]
_TERMINALS = frozenset({"origin", "destination", "port", "depot"})


class Jurisdiction(Frozen):
    """A customs law and the countries in which it rules: several where they share one declaration."""

    key: JurisdictionKey
    name: str
    countries: Annotated[tuple[str, ...], Field(min_length=1)]


class DwellHours(Frozen):
    """Hours at a point, by its class, after which a stay is too long."""

    gauge_change: Annotated[float, Field(gt=0)]
    border: Annotated[float, Field(gt=0)]
    terminal: Annotated[float, Field(gt=0)]
    waypoint: Annotated[float, Field(gt=0)]


class Thresholds(Frozen):
    """When something is too far in the future, too different, too silent, too late, or near enough."""

    future_skew_minutes: Annotated[int, Field(ge=0)]
    conflict_tolerance_minutes: Annotated[int, Field(ge=0)]
    silent_hours: Annotated[float, Field(gt=0)]
    late_hours: Annotated[float, Field(gt=0)]
    eta_slip_hours: Annotated[float, Field(gt=0)]
    announcement_horizon_hours: Annotated[float, Field(gt=0)]
    dwell_hours: DwellHours


class Corridor(Frozen):
    """One version of a corridor with the location master that it names."""

    id: str
    version: Annotated[int, Field(ge=1)]
    name: str
    locations: Locations
    jurisdictions: tuple[Jurisdiction, ...]
    borders: tuple[Border, ...]
    variants: Annotated[tuple[RouteVariant, ...], Field(min_length=1)]
    thresholds: Thresholds

    @model_validator(mode="after")
    def _check(self) -> "Corridor":
        self._check_names()
        for border in self.borders:
            self._check_border(border)
        self._check_stations()
        for variant in self.variants:
            self._check_route(variant)
            self._check_regimes(variant)
        return self

    def _check_names(self) -> None:
        named = {point for border in self.borders for point in border.all_points}
        named |= {point for variant in self.variants for point in variant.points}
        unknown = sorted(key for key in named if self.locations.find(key) is None)
        if unknown:
            raise ValueError(f"the location master has no point {', '.join(unknown)}")
        laws = {law for border in self.borders for law in border.jurisdictions}
        laws |= {regime.jurisdiction for variant in self.variants for regime in variant.regimes}
        if laws - self._jurisdictions.keys():
            raise ValueError(f"no jurisdiction {', '.join(sorted(laws - self._jurisdictions.keys()))}")
        if len(self._variants) != len(self.variants) or len(self._jurisdictions) != len(self.jurisdictions):
            raise ValueError("two route variants or two jurisdictions have one name")

    def _check_stations(self) -> None:
        """Each border is there once in a direction, and of no other border is either station one."""
        pairs = [border.points for border in self.borders]
        stations = [point for pair in {frozenset(pair) for pair in pairs} for point in pair]
        if len(pairs) != len(set(pairs)) or len(stations) != len(set(stations)):
            raise ValueError("two borders share a station")

    def _check_border(self, border: Border) -> None:
        receiving = self.point(border.entry.point).railway
        if border.handover.receiving != receiving:
            raise ValueError(f"{border.key}: the receiving railway is not {receiving}, that of the entry station")
        for side in (border.exit, border.entry):
            if side.customs and self.point(side.point).country not in self.countries(side.customs.jurisdiction):
                raise ValueError(f"{border.key}: {side.customs.jurisdiction} does not rule at {side.point}")

    def _check_route(self, variant: RouteVariant) -> None:
        borders = {border.points for border in self.borders}
        for one, other in pairwise(variant.points):
            if self.point(one).country != self.point(other).country and (one, other) not in borders:
                raise ValueError(f"{variant.name} crosses from {one} to {other} without a border")
        changes = {border.gauge_change for border in self.borders_of(variant.name)}
        for before, after in pairwise(variant.legs):
            if (before.gauge_mm != after.gauge_mm) != (after.start in changes):
                raise ValueError(f"{variant.name}: {after.start} and the gauge of its legs do not agree")

    def _check_regimes(self, variant: RouteVariant) -> None:
        for regime in variant.regimes:
            countries = self.countries(regime.jurisdiction)
            start, end = variant.index(regime.begins), variant.index(regime.ends)
            for key in variant.points[start : end + 1]:
                if self.point(key).country not in countries:
                    raise ValueError(f"{variant.name}: {regime.jurisdiction} does not rule at {key}")

    @property
    def points(self) -> tuple[Point, ...]:
        """All points of the location master, on this corridor's routes or not."""
        return self.locations.points

    def data_number(self) -> int:
        """A number that rises with each release of this corridor's data, its location master included."""
        return self.version * 1000 + self.locations.version

    def point(self, key: str) -> Point:
        """The point of a key; raises `KeyError`."""
        point = self.locations.find(key)
        if point is None:
            raise KeyError(key)
        return point

    def resolve(self, code: str, on: date | None = None) -> Point | None:
        """The point of our key, of a `scheme:value` alias or `party.<party>:<value>`; None if unknown."""
        return self.locations.resolve(code, on)

    def zone(self, point_key: str) -> ZoneInfo:
        """The time zone of a point; raises `KeyError`."""
        return self.point(point_key).zone_info

    def variant(self, name: str) -> RouteVariant:
        """The route variant of a name; raises `KeyError`."""
        return self._variants[name]

    def regimes(self, variant: str) -> tuple[Regime, ...]:
        """The customs regimes of a route in order; raises `KeyError`."""
        return self.variant(variant).regimes

    def countries(self, jurisdiction: str) -> tuple[str, ...]:
        """The countries in which a jurisdiction rules, ISO 3166-1 alpha-2; raises `KeyError`."""
        return self._jurisdictions[jurisdiction].countries

    def laws_in(self, country: str) -> tuple[str, ...]:
        """The jurisdictions that rule in a country: the one that it shares with most others first."""
        ruling = [law for law in self.jurisdictions if country in law.countries]
        return tuple(law.key for law in sorted(ruling, key=lambda law: -len(law.countries)))

    def territory(self, country: str) -> frozenset[str]:
        """The countries between which goods pass without customs; the country alone where it shares no law."""
        return frozenset(self.countries(shared[0]) if (shared := self.laws_in(country)) else (country,))

    def borders_of(self, variant: str) -> tuple[Border, ...]:
        """The borders of a route in order; raises `KeyError`."""
        by_points = {border.points: border for border in self.borders}
        crossings = pairwise(self.variant(variant).points)
        return tuple(by_points[pair] for pair in crossings if pair in by_points)

    def border_at(self, point_key: str) -> Border | None:
        """The border of which a point is the exit or the entry station, in the direction that the data name first."""
        return self._border_at.get(point_key)

    def next_border(self, variant: str, point_key: str) -> Border | None:
        """The border ahead, or the one at whose exit station this is.

        None behind the last border, and at a point off the route, from where nobody knows which comes next.
        """
        route = self.variant(variant)
        if point_key not in route.points:
            return None
        here = route.index(point_key)
        ahead = (border for border in self.borders_of(variant) if route.index(border.exit.point) >= here)
        return next(ahead, None)

    def responsible_railway(self, point_key: str) -> str | None:
        """The party key of the railway whose word counts first at a point; raises `KeyError`."""
        return self.point(point_key).railway

    def other_side(self, point_key: str) -> str | None:
        """The neighbour's railway at an exit or entry station; None elsewhere."""
        border = self.border_at(point_key)
        if border is None:
            return None
        exit_point, entry_point = border.points
        return self.responsible_railway(entry_point if point_key == exit_point else exit_point)

    def railways_at(self, point_key: str) -> frozenset[str]:
        """The railways that speak of what stands at a point: its own and, at a border, the neighbour's.

        Raises `KeyError`.
        """
        return self._railways_at[point_key]

    def point_class(self, point_key: str) -> PointClass:
        """The class by which the dwell threshold of a point is chosen; raises `KeyError`."""
        if any(point_key == border.gauge_change for border in self.borders):
            return "gauge_change"
        if self.border_at(point_key):
            return "border"
        return "terminal" if _TERMINALS.intersection(self.point(point_key).roles) else "waypoint"

    def dwell_limit_hours(self, point_key: str) -> float:
        """Hours after which a stay at a point is too long; raises `KeyError`."""
        limits: dict[str, float] = self.thresholds.dwell_hours.model_dump()
        return limits[self.point_class(point_key)]

    @cached_property
    def railways(self) -> frozenset[str]:
        """The railways that are responsible for some point."""
        return frozenset(point.railway for point in self.points if point.railway is not None)

    @cached_property
    def _border_at(self) -> dict[str, Border]:
        # A border that the data name in both directions is known by the one that they name first.
        return {point: border for border in reversed(self.borders) for point in border.points}

    @cached_property
    def _railways_at(self) -> dict[str, frozenset[str]]:
        both = {p.key: (p.railway, self.other_side(p.key)) for p in self.points}
        return {key: frozenset(filter(None, railways)) for key, railways in both.items()}

    @cached_property
    def _variants(self) -> dict[str, RouteVariant]:
        return {variant.name: variant for variant in self.variants}

    @cached_property
    def _jurisdictions(self) -> dict[str, Jurisdiction]:
        return {jurisdiction.key: jurisdiction for jurisdiction in self.jurisdictions}


def corridor_ids() -> tuple[str, ...]:
    """The corridors that have data, sorted."""
    return tuple(n for n in data_files.names() if n != "locations" and not n.endswith(data_files.DURATIONS))


@lru_cache
def load_corridor(corridor_id: str, version: int | None = None) -> Corridor:
    """A released version of a corridor, the newest by default.

    Raises `LookupError` where there is none, pydantic's `ValidationError` where the data are inconsistent.
    """
    if corridor_id not in corridor_ids():
        raise LookupError(f"no corridor {corridor_id!r}")
    if version is None:
        return load_corridor(corridor_id, data_files.versions(corridor_id)[-1])
    data = data_files.read(corridor_id, version)
    corridor = Corridor.model_validate({**data, "locations": load_locations(data["locations"])})
    if (corridor.id, corridor.version) != (corridor_id, version):
        raise LookupError(f"the file of {corridor_id} version {version} says another id or version")
    return corridor
