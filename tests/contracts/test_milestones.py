"""The milestone table: complete, in a total order that is the mandated one, and consistent in itself."""

from typing import get_args

import pytest
from pydantic import TypeAdapter, ValidationError

from contracts.milestones import lookup as milestones
from contracts.milestones.lookup import CODES, GROUPS, MILESTONES, PHYSICAL_ORDER, MilestoneCode, Movement
from contracts.milestones.standards import STANDARDS
from contracts.milestones.table import ROWS

# The corridor's table of recommended milestones: T train, W wagon, C container, G consignment.
RECOMMENDED = {
    "BKD": "G",
    "BKX": "G",
    "NOTE": "G",
    "STUF": "C",
    "SEAL": "C",
    "GTIN": "C",
    "LOAD": "C",
    "COMP": "T",
    "DEPA": "TWC",
    "PASS": "T",
    "ARRI": "TWC",
    "ETA": "TC",
    "DLAY": "T",
    "STOP": "T",
    "RESM": "T",
    "CANC": "T",
    "DTCH": "W",
    "ATCH": "W",
    "BARR": "TW",
    "OFFR": "WC",
    "HACC": "WC",
    "HREF": "WC",
    "XBRD": "TC",
    "GCIN": "WC",
    "GCOUT": "WC",
    "PREA": "G",
    "CLOD": "G",
    "CACC": "G",
    "CREJ": "G",
    "CHLD": "GC",
    "CHLX": "GC",
    "CUSS": "C",
    "CUSI": "C",
    "CINS": "C",
    "CREL": "GC",
    "CREF": "G",
    "CDIS": "G",
    "TAMP": "C",
    "DISC": "C",
    "AVPU": "C",
    "GTOT": "C",
    "DLVD": "GC",
    "STRP": "C",
    "MTRT": "C",
    "DAMG": "TWCG",
    "LOST": "TWCG",
    "DRLM": "TWCG",
}
LETTERS = {"T": "train", "W": "wagon", "C": "container", "G": "consignment"}


def test_the_table_has_a_row_for_each_code_and_no_other() -> None:
    """The closed list of the contract and the table say the same."""
    assert set(MILESTONES) == set(CODES)
    assert len(ROWS) == len(CODES)


def test_every_recommended_code_is_there_for_its_subjects() -> None:
    """What the corridor's table allows is allowed; practice adds subjects, and PLACED and REMOVED."""
    for code, letters in RECOMMENDED.items():
        assert MILESTONES[code].subjects >= {LETTERS[letter] for letter in letters}, code
    assert set(MILESTONES) - set(RECOMMENDED) == {"PLACED", "REMOVED"}


def test_whatever_is_reported_of_a_train_only_moving_it_can_be_reported_of_a_run() -> None:
    """A run moves and is delayed as its trains are, but has no consist of its own."""
    of_train = set(milestones.codes_of("train"))
    assert of_train - set(milestones.codes_of("run")) == {"COMP", "OFFR", "HREF", "HACC", "GCIN", "GCOUT"}


def test_ranks_are_a_total_order() -> None:
    """No two codes tie, so no order of arrival can show through."""
    ranks = [row.rank for row in MILESTONES.values()]
    assert ranks == sorted(set(ranks))


def test_groups_follow_one_another_in_the_mandated_order() -> None:
    """At one point: arrival, handover, gauge change, customs, loading, consist, departure, crossing."""
    groups = [row.group for row in sorted(MILESTONES.values(), key=lambda row: row.rank)]
    assert tuple(dict.fromkeys(groups)) == GROUPS
    at_point = (
        "arrival",
        "handover",
        "gauge_change",
        "customs",
        "loading",
        "consist",
        "departure",
        "crossing",
    )
    start = GROUPS.index("arrival")
    assert GROUPS[start : start + len(at_point)] == at_point
    assert groups == sorted(groups, key=GROUPS.index)


@pytest.mark.parametrize("order", PHYSICAL_ORDER, ids=lambda o: f"{o.earlier}-{o.later}")
def test_what_comes_first_in_one_visit_ranks_first(order: milestones.PhysicalOrder) -> None:
    """Two reports of one date only sort as the things happen; at the next point the rank does not matter."""
    if order.where == "same_visit":
        assert milestones.rank(order.earlier) < milestones.rank(order.later)
    else:
        assert milestones.milestone(order.earlier).movement == "departs"
        assert milestones.milestone(order.later).movement == "arrives"


@pytest.mark.parametrize(
    "story",
    [
        ("BKD", "STUF", "SEAL", "LOAD", "DEPA"),
        ("ARRI", "OFFR", "HACC", "GCIN", "GCOUT", "CINS", "SEAL", "DEPA", "XBRD"),
        ("PREA", "CLOD", "CACC", "CUSI", "CHLD", "CINS", "CHLX", "CREL"),
        ("ARRI", "PLACED", "DISC", "AVPU", "GTOT", "DLVD", "STRP", "MTRT"),
        ("LOAD", "DTCH", "ATCH", "COMP", "DEPA", "DRLM"),
        ("LOAD", "CANC"),
        ("STOP", "RESM"),
    ],
    ids=" ".join,
)
def test_a_day_of_bare_dates_reads_as_it_happened(story: tuple[str, ...]) -> None:
    """Reports that carry a date only all sort at the end of that day, so the rank tells the story."""
    assert sorted(story, key=milestones.rank) == list(story)


def test_what_moves_a_subject_places_it() -> None:
    """A movement at a point is a presence at that point."""
    for row in MILESTONES.values():
        assert row.places or row.movement is None, row.code


def test_every_movement_is_made_by_some_code() -> None:
    """Arrives, departs, passes and crosses are all in use."""
    assert {row.movement for row in MILESTONES.values()} == {*get_args(Movement), None}


def test_customs_codes_are_claims_and_no_others() -> None:
    """What customs decides is a claim in an operator's mouth."""
    assert {row.code for row in MILESTONES.values() if row.group == "customs"} == milestones.CLAIMS
    assert {"CHLD", "CREL", "CREF", "CDIS"} <= milestones.CLAIMS


def test_only_a_seen_inspection_places_among_customs_codes() -> None:
    """A release or a hold may be decided far from the goods."""
    assert [row.code for row in MILESTONES.values() if row.claim and row.places] == ["CINS"]


def test_the_spine_is_the_seven_codes_of_completeness() -> None:
    """Borders add theirs from corridor data."""
    assert set(milestones.SPINE) == {"BKD", "GTIN", "LOAD", "DEPA", "ARRI", "DISC", "DLVD"}


def test_the_mappings_are_of_codes_of_the_table() -> None:
    """A mapping of a code that does not exist would never be used."""
    assert set(STANDARDS) <= set(CODES)


def test_pydantic_refuses_a_code_outside_the_list() -> None:
    """Incoming enumerations are closed, in strict mode as well."""
    adapter: TypeAdapter[MilestoneCode] = TypeAdapter(MilestoneCode)
    assert adapter.validate_python("XBRD", strict=True) == "XBRD"
    with pytest.raises(ValidationError):
        adapter.validate_python("ARRIVED", strict=True)
