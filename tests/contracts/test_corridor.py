"""The committed corridor says what is known and no more, and contradictory data do not load."""

from collections.abc import Callable
from copy import deepcopy
from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from contracts.corridor import data_files
from contracts.corridor.corridor import Corridor, corridor_ids, load_corridor
from contracts.corridor.locations import Locations, canonical_alias, load_locations
from contracts.identifiers import schemes as identifiers

SUMMER_2026 = datetime(2026, 6, 22, 12, tzinfo=UTC)


@pytest.fixture(scope="module")
def corridor() -> Corridor:
    """The newest released version."""
    return load_corridor("pk-ru")


def _with_change(change: Callable[[dict[str, Any]], None]) -> Corridor:
    data = deepcopy(data_files.read("pk-ru", 1))
    change(data)
    return Corridor.model_validate({**data, "locations": load_locations(1)})


def _points_with(*extra: dict[str, Any]) -> Locations:
    shared = {"zone": "Asia/Tehran", "roles": ["waypoint"], "railway": "rai", "position": None}
    return Locations.model_validate({"version": 1, "points": [{**shared, **point} for point in extra]})


# --- loading


def test_every_released_file_loads() -> None:
    """A version that cannot be read any more would strand the pictures that were made with it."""
    for corridor_id in corridor_ids():
        for version in data_files.versions(corridor_id):
            assert load_corridor(corridor_id, version).version == version


def test_the_newest_version_is_the_default(corridor: Corridor) -> None:
    """Without a version, the highest released one is meant."""
    assert corridor.version == data_files.versions("pk-ru")[-1]


def test_loading_again_gives_the_same_object(corridor: Corridor) -> None:
    """Files are read once."""
    assert load_corridor("pk-ru") is corridor


@pytest.mark.parametrize(("corridor_id", "version"), [("nowhere", None), ("pk-ru", 999), ("locations", 1)])
def test_what_is_not_released_is_a_lookup_error(corridor_id: str, version: int | None) -> None:
    """A wrong id or version is the caller's mistake, not a default."""
    with pytest.raises(LookupError):
        load_corridor(corridor_id, version)


def test_the_data_number_rises_with_corridor_and_master(corridor: Corridor) -> None:
    """A later release of either is a higher number."""
    later = corridor.model_copy(update={"version": corridor.version + 1})
    master = corridor.locations.model_copy(update={"version": corridor.locations.version + 1})
    newer_points = corridor.model_copy(update={"locations": master})
    assert corridor.data_number() < newer_points.data_number() < later.data_number()


def test_a_corridor_cannot_be_changed(corridor: Corridor) -> None:
    """It is shared by all who loaded it."""
    with pytest.raises(ValidationError, match="frozen"):
        corridor.version = 2  # type: ignore[misc]


# --- facts of the corridor


def test_r1_passes_the_announced_stations_in_order(corridor: Corridor) -> None:
    """The eastern route by Sarakhs."""
    announced = [
        "pk-lahore",
        "pk-rohri",
        "pk-sibi",
        "pk-quetta",
        "pk-taftan",
        "ir-mirjaveh",
        "ir-zahedan",
        "ir-bam",
        "ir-kerman",
        "ir-bafq",
        "ir-tabas",
        "ir-torbat-e-heydariyeh",
        "ir-sarakhs",
        "tm-serakhs",
        "tm-tejen",
        "tm-ashgabat",
        "tm-bereket",
        "tm-serhetyaka",
        "kz-bolashak",
        "kz-zhanaozen",
        "kz-beyneu",
        "kz-atyrau",
        "kz-kigash",
        "ru-aksarayskaya",
        "ru-astrakhan",
    ]
    assert [key for key in corridor.variant("R1").points if key in announced] == announced


def test_r2_leaves_r1_at_bafq_and_joins_it_again_at_bereket(corridor: Corridor) -> None:
    """The eastern route by Incheh Borun."""
    r1, r2 = corridor.variant("R1").points, corridor.variant("R2").points
    assert r1[: r1.index("ir-bafq") + 1] == r2[: r2.index("ir-bafq") + 1]
    assert r1[r1.index("tm-bereket") :] == r2[r2.index("tm-bereket") :]
    assert ("ir-incheh-borun", "tm-akyayla") in [border.points for border in corridor.borders_of("R2")]


def test_r1_takes_454_hours(corridor: Corridor) -> None:
    """The default leg plan, 18.9 days."""
    offsets = corridor.variant("R1").planned_offsets()
    assert offsets[0] == ("pk-lahore", None, 0.0)
    assert offsets[-1] == ("ru-astrakhan", 430.0, 454.0)


@pytest.mark.parametrize(
    ("start", "end", "hours"),
    [
        ("pk-lahore", "pk-quetta", 60),
        ("pk-quetta", "pk-taftan", 40),
        ("pk-taftan", "ir-zahedan", 6),
        ("ir-zahedan", "ir-sarakhs", 72),
        ("tm-serakhs", "tm-serhetyaka", 48),
        ("kz-bolashak", "ru-aksarayskaya", 60),
    ],
)
def test_the_plan_has_the_estimated_running_hours(corridor: Corridor, start: str, end: str, hours: int) -> None:
    """Each figure of the default leg plan is found again."""
    assert corridor.variant("R1").hours_between(start, end) == hours


@pytest.mark.parametrize(
    ("points", "hours"),
    [
        (["pk-taftan"], 24),
        (["ir-zahedan"], 48),
        (["ir-sarakhs"], 48),
        (["tm-serhetyaka", "kz-bolashak"], 24),
        (["ru-astrakhan"], 24),
    ],
)
def test_the_plan_has_the_estimated_stays(corridor: Corridor, points: list[str], hours: int) -> None:
    """Each dwell of the default leg plan is found again."""
    stays = [corridor.variant("R1").dwell_hours(point) for point in points]
    assert sum(stay or 0 for stay in stays) == hours


def test_what_nobody_has_estimated_is_unknown_and_not_zero(corridor: Corridor) -> None:
    """R2 has no figure behind Zahedan, so neither its arrival there nor its total is known."""
    offsets = {offset.point: offset for offset in corridor.variant("R2").planned_offsets()}
    assert offsets["ir-zahedan"].depart_hours == 178
    assert offsets["ir-incheh-borun"].arrive_hours is None
    assert offsets["ru-astrakhan"].depart_hours is None
    assert corridor.variant("R2").hours_between("kz-bolashak", "ru-aksarayskaya") == 60


def test_hours_between_out_of_order_are_refused(corridor: Corridor) -> None:
    """A plan has a direction."""
    with pytest.raises(ValueError, match="does not come after"):
        corridor.variant("R1").hours_between("ir-zahedan", "pk-taftan")


def test_the_gauge_changes_at_zahedan_and_sarakhs(corridor: Corridor) -> None:
    """1676 to 1435 to 1520 mm: wagons and trains are replaced at both."""
    legs = corridor.variant("R1").legs
    changes = [(b.start, a.gauge_mm, b.gauge_mm) for a, b in pairwise(legs) if a.gauge_mm != b.gauge_mm]
    assert changes == [("ir-zahedan", 1676, 1435), ("ir-sarakhs", 1435, 1520)]


def test_customs_follow_the_five_regimes(corridor: Corridor) -> None:
    """Kazakhstan and Russia share one transit, then Russia clears the import."""
    regimes = [(regime.jurisdiction, regime.procedure) for regime in corridor.regimes("R1")]
    assert regimes == [
        ("PK", "EXPORT"),
        ("IR", "TRANSIT"),
        ("TM", "TRANSIT"),
        ("EAEU", "TRANSIT"),
        ("RU", "IMPORT"),
    ]
    assert corridor.countries("EAEU") == ("KZ", "RU")


def test_no_customs_formality_is_made_between_kazakhstan_and_russia(corridor: Corridor) -> None:
    """An internal border of the EAEU; all others have one."""
    formal = {border.key: border.has_customs_formality for border in corridor.borders_of("R1")}
    assert formal == {"pk-ir": True, "ir-tm-sarakhs": True, "tm-kz": True, "kz-ru": False}


@pytest.mark.parametrize(("north", "south"), [("R1", "R1-south"), ("R2", "R2-south")])
def test_each_way_is_there_in_both_directions(corridor: Corridor, north: str, south: str) -> None:
    """A border has its stations in the order of travel, and its entry zone and customs on the side that is entered."""
    assert corridor.variant(south).points == tuple(reversed(corridor.variant(north).points))
    pairs = [border.points for border in corridor.borders_of(south)]
    assert pairs == [tuple(reversed(b.points)) for b in reversed(corridor.borders_of(north))]
    assert corridor.variant(south).planned_total_hours == corridor.variant(north).planned_total_hours


def test_goods_from_russia_are_imported_where_pakistan_begins(corridor: Corridor) -> None:
    """Export from Russia, transit of the union, of Turkmenistan and Iran, import in Pakistan."""
    regimes = [(regime.jurisdiction, regime.procedure) for regime in corridor.regimes("R1-south")]
    assert regimes == [
        ("RU", "EXPORT"),
        ("EAEU", "TRANSIT"),
        ("TM", "TRANSIT"),
        ("IR", "TRANSIT"),
        ("PK", "IMPORT"),
    ]


@pytest.mark.parametrize(
    ("country", "laws", "territory"),
    [
        ("PK", ("PK",), {"PK"}),
        ("KZ", ("EAEU", "KZ"), {"KZ", "RU"}),
        ("RU", ("EAEU", "RU"), {"KZ", "RU"}),
        ("CN", (), {"CN"}),
    ],
)
def test_a_country_has_its_laws_and_its_territory(
    corridor: Corridor, country: str, laws: tuple[str, ...], territory: set[str]
) -> None:
    """Between the members of a union goods pass without customs."""
    assert (corridor.laws_in(country), corridor.territory(country)) == (laws, frozenset(territory))


def test_a_border_asks_an_exit_before_leaving_and_an_entry_after_crossing(corridor: Corridor) -> None:
    """The train has to cross in order to be presented."""
    border = corridor.border_at("pk-taftan")
    assert border is not None and border.exit.customs and border.entry.customs
    assert (border.exit.customs.procedure, border.entry.customs.procedure) == ("EXPORT", "TRANSIT")
    assert border.entry_zone == ("ir-mirjaveh", "ir-zahedan")


@pytest.mark.parametrize(
    ("point", "responsible", "other"),
    [
        ("pk-taftan", "pr", "rai"),
        ("ir-mirjaveh", "rai", "pr"),
        ("ir-zahedan", "rai", None),
        ("tm-serakhs", "trk", "rai"),
        ("kz-bolashak", "ktz", "trk"),
        ("kz-kigash", "ktz", "rzd"),
        ("ru-astrakhan", "rzd", None),
    ],
)
def test_a_point_has_a_railway_and_a_border_point_a_neighbour(
    corridor: Corridor, point: str, responsible: str, other: str | None
) -> None:
    """Whose word counts first, and whose second."""
    assert corridor.responsible_railway(point) == responsible
    assert corridor.other_side(point) == other


@pytest.mark.parametrize(
    ("point", "border"),
    [
        ("pk-lahore", "pk-ir"),
        ("pk-taftan", "pk-ir"),
        ("ir-mirjaveh", "ir-tm-sarakhs"),
        ("kz-beyneu", "kz-ru"),
        ("ru-aksarayskaya", None),
        ("ir-gorgan", None),
    ],
)
def test_the_next_border_is_the_one_ahead(corridor: Corridor, point: str, border: str | None) -> None:
    """At the exit station it is still ahead; off the route and at the end there is none."""
    ahead = corridor.next_border("R1", point)
    assert (ahead.key if ahead else None) == border


@pytest.mark.parametrize(
    ("point", "offset"),
    [
        ("pk-taftan", timedelta(hours=5)),
        ("ir-zahedan", timedelta(hours=3, minutes=30)),
        ("tm-serakhs", timedelta(hours=5)),
        ("kz-bolashak", timedelta(hours=5)),
        ("kz-atyrau", timedelta(hours=5)),
        ("kz-altynkol", timedelta(hours=5)),
        ("ru-astrakhan", timedelta(hours=4)),
        ("ru-saratov", timedelta(hours=4)),
        ("ru-moscow", timedelta(hours=3)),
        ("az-astara", timedelta(hours=4)),
    ],
)
def test_local_time_is_that_of_the_place(corridor: Corridor, point: str, offset: timedelta) -> None:
    """In summer 2026: no daylight saving in Iran, one time in all Kazakhstan."""
    assert SUMMER_2026.astimezone(corridor.zone(point)).utcoffset() == offset


def test_the_skew_of_the_future_is_ten_minutes(corridor: Corridor) -> None:
    """An ACT further ahead than that never becomes the latest."""
    assert corridor.thresholds.future_skew_minutes == 10


def test_a_planned_stay_is_not_too_long(corridor: Corridor) -> None:
    """A train that keeps to the plan must not raise DWELL_EXCEEDED."""
    for variant in corridor.variants:
        for point in variant.calls:
            assert (variant.dwell_hours(point) or 0) < corridor.dwell_limit_hours(point), point


def test_every_station_code_passes_its_check(corridor: Corridor) -> None:
    """Public code is full of invented ones."""
    codes = [alias.code for point in corridor.points for alias in point.aliases if alias.code.startswith("esr:")]
    assert len(codes) == 11
    for code in codes:
        identifiers.esr(code.removeprefix("esr:"))


# --- resolving


@pytest.mark.parametrize(
    ("code", "key"),
    [
        ("ir-zahedan", "ir-zahedan"),
        ("unlocode:IRZAH", "ir-zahedan"),
        ("UNLOCODE:ir zah", "ir-zahedan"),
        ("unlocode:IRCKT", "ir-sarakhs"),
        ("esr:756905", "tm-serakhs"),
        ("esr:617505", "ru-aksarayskaya"),
        ("esr:618404", "ru-aksarayskaya"),
        ("name:Gazanjyk", "tm-bereket"),
        ("name:nok-kundi", "pk-nok-kundi"),
        ("unlocode:IRSRK", None),
        ("esr:618500", None),
        ("rics:0021", None),
        ("nowhere", None),
        ("unlocode:", None),
        (":", None),
        ("", None),
        ("name:Сарахс", None),
    ],
)
def test_a_code_resolves_to_its_point_or_to_none(corridor: Corridor, code: str, key: str | None) -> None:
    """A reporter may use our key or any alias; an invented code is unknown, never an error."""
    point = corridor.resolve(code)
    assert (point.key if point else None) == key


def test_every_alias_resolves_to_its_own_point(corridor: Corridor) -> None:
    """The master is consistent in itself."""
    for point in corridor.points:
        for alias in point.all_aliases:
            assert corridor.resolve(alias.code) is point


def test_a_partys_own_code_is_no_other_partys() -> None:
    """Two parties may use one text for two places."""
    points = _points_with(
        {"key": "ir-bam", "name": "Bam", "country": "IR", "aliases": ["party.rai:101"]},
        {"key": "ir-bafq", "name": "Bafq", "country": "IR", "aliases": ["party.fwd-one:101"]},
    )
    found = [points.resolve(f"party.{party}:101") for party in ("rai", "fwd-one", "trk")]
    assert [point.key if point else None for point in found] == ["ir-bam", "ir-bafq", None]


def test_an_alias_is_resolved_as_of_a_day() -> None:
    """A code that moved belongs to each point in its time, and to the later one where no day is given."""
    points = _points_with(
        {
            "key": "ir-bam",
            "name": "Bam",
            "country": "IR",
            "aliases": [{"code": "uic:9601", "valid_until": "2025-12-31"}],
        },
        {
            "key": "ir-bafq",
            "name": "Bafq",
            "country": "IR",
            "aliases": [{"code": "uic:9601", "valid_from": "2026-01-01"}],
        },
    )
    days = (date(2025, 12, 31), date(2026, 1, 1), None)
    found = [points.resolve("uic:9601", on=day) for day in days]
    assert [point.key if point else None for point in found] == ["ir-bam", "ir-bafq", "ir-bafq"]


def test_one_alias_for_two_points_on_one_day_is_refused() -> None:
    """Otherwise the answer would depend on the order of the file."""
    with pytest.raises(ValidationError, match="on one day"):
        _points_with(
            {"key": "ir-bam", "name": "Bam", "country": "IR", "aliases": ["uic:9601"]},
            {"key": "ir-bafq", "name": "Bafq", "country": "IR", "aliases": ["uic:9601"]},
        )


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"aliases": ["esr:618500"]}, "check digit should be"),
        ({"aliases": ["unlocode:IRBA0"]}, "UN/LOCODE"),
        ({"aliases": ["unlocode:PKTFT"]}, "another country"),
        ({"aliases": ["rics:0021"]}, "no scheme"),
        ({"zone": "Asia/Zahedan"}, "no IANA time zone"),
        ({"key": "pk-bam"}, "begin with its country"),
        ({"country": "XX"}, "country of the corridor"),
        ({"nickname": "x"}, "Extra inputs"),
    ],
)
def test_a_point_that_breaks_a_rule_is_refused(change: dict[str, Any], message: str) -> None:
    """Codes, zones and keys are checked when the file is read."""
    with pytest.raises(ValidationError, match=message):
        _points_with({"key": "ir-bam", "name": "Bam", "country": "IR", "aliases": [], **change})


def test_an_alias_has_one_spelling() -> None:
    """Case and separators do not make a second alias."""
    assert canonical_alias("Name:Nok-Kundi") == canonical_alias("name:nok  kundi")


# --- data that contradict themselves


def _leg(data: dict[str, Any], variant: int, leg: int) -> dict[str, Any]:
    # Legs are shared between variants by YAML anchors, so a change takes a copy.
    legs = data["variants"][variant]["legs"]
    legs[leg] = dict(legs[leg])
    changed: dict[str, Any] = legs[leg]
    return changed


CONTRADICTIONS: dict[str, tuple[Callable[[dict[str, Any]], Any], str]] = {
    "unknown point on a route": (lambda d: _leg(d, 0, 0).update(via=["pk-nowhere"]), "no point pk-nowhere"),
    "unknown point at a border": (
        lambda d: d["borders"][0]["entry_zone"].append("ir-nowhere"),
        "no point ir-nowhere",
    ),
    "legs that do not chain": (lambda d: d["variants"][0]["legs"].pop(1), "does not begin where"),
    "a point passed twice": (lambda d: _leg(d, 0, 1).update(via=["pk-sibi"]), "twice"),
    "hours that do not add up": (lambda d: _leg(d, 0, 0).update(hours=61), "has 455.0 hours, not 454"),
    "a dwell off the plan": (
        lambda d: d["variants"][0]["dwell"].append({"point": "pk-sibi", "hours": 1}),
        "a dwell belongs to a call",
    ),
    "a gauge change nobody named": (lambda d: _leg(d, 0, 1).update(gauge_mm=1435), "do not agree"),
    "a named gauge change that is none": (lambda d: _leg(d, 0, 4).update(gauge_mm=1676), "do not agree"),
    "a crossing without a border": (lambda d: d["borders"].pop(3), "without a border"),
    "two borders at one station": (
        lambda d: d["borders"].append({**d["borders"][0], "key": "again"}),
        "share a station",
    ),
    "a law that does not rule there": (
        lambda d: d["borders"][0]["exit"]["customs"].update(jurisdiction="TM"),
        "does not rule at pk-taftan",
    ),
    "a law nobody defined": (
        lambda d: d["variants"][0]["regimes"][0].update(jurisdiction="XX"),
        "no jurisdiction XX",
    ),
    "regimes out of order": (lambda d: d["variants"][0]["regimes"].reverse(), "do not follow"),
    "a regime across its border": (
        lambda d: d["variants"][0]["regimes"][0].update(ends="ir-mirjaveh"),
        "does not rule at ir-mirjaveh",
    ),
    "a handover nobody reports": (
        lambda d: d["borders"][0]["handover"].update(point="ir-zahedan"),
        "no HACC at the point of handover",
    ),
    "a receiver from elsewhere": (
        lambda d: d["borders"][0]["handover"].update(receiving="trk"),
        "is not rai",
    ),
    "an export where goods enter": (
        lambda d: d["borders"][0]["entry"]["customs"].update(procedure="EXPORT"),
        "nothing is exported where goods enter",
    ),
    "an import where goods leave": (
        lambda d: d["borders"][0]["exit"]["customs"].update(procedure="IMPORT"),
        "nothing is imported where goods leave",
    ),
    "customs on one side": (lambda d: d["borders"][0]["entry"].update(customs=None), "one side only"),
    "a gauge change without reports": (
        lambda d: d["borders"][3].update(gauge_change="kz-bolashak"),
        "differ",
    ),
    "an unknown milestone": (lambda d: d["borders"][0]["order"][0].update(code="ARRIVED"), "Input should be"),
    "a key nobody reads": (lambda d: d.update(colour="red"), "Extra inputs"),
}


@pytest.mark.parametrize(("change", "message"), CONTRADICTIONS.values(), ids=CONTRADICTIONS.keys())
def test_contradictory_data_do_not_load(change: Callable[[dict[str, Any]], Any], message: str) -> None:
    """What would mislead every reader is refused once, at load."""
    with pytest.raises(ValidationError, match=message):
        _with_change(change)


def test_a_repeated_key_in_a_file_is_refused() -> None:
    """YAML would silently keep the second value."""
    with pytest.raises(yaml.YAMLError, match="repeated keys"):
        data_files.parse("km: 635\nkm: 325\n")


def test_only_names_with_a_version_are_data_files(tmp_path: Path) -> None:
    """A note or a backup beside the data is not a release."""
    for name in (
        "pk-ru.v1.yaml",
        "pk-ru.v10.yaml",
        "pk-ru.v2.yaml",
        "pk-ru.v3.yaml~",
        "pk-ru.yaml",
        "README.md",
    ):
        (tmp_path / name).write_text("{}")
    assert data_files.versions("pk-ru", tmp_path) == (1, 2, 10)
    assert data_files.names(tmp_path) == ("pk-ru",)
