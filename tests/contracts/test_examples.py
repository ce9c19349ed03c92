"""The golden examples: complete, faithful, tolerant, and true to the corridor that they tell of."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from contracts import catalogue
from contracts.catalogue import TYPES
from contracts.corridor.corridor import load_corridor
from contracts.envelope import codec
from contracts.envelope.canonical import write_json
from contracts.events.authority import Decision, DecisionIssued
from contracts.events.base import Data
from contracts.events.operator import MilestoneReported
from contracts.identifiers import subjects
from contracts.milestones import lookup as milestones
from contracts.refusal import REASONS, Refused
from contracts.tooling import examples_store, gates
from contracts.tooling.gates import Mode
from tests.support.examples import Example, as_record, example, load_examples

ALL = load_examples()
INCOMING = [e for e in ALL if TYPES[e.type].incoming]
PUBLISHED = [e for e in ALL if not TYPES[e.type].incoming]
ORIGINS = ("decided_here", "transcribed")
POINT_FIELDS = ("point", "origin", "destination", "entry_point", "exit_point")

each = pytest.mark.parametrize("one", ALL, ids=lambda e: e.name)
each_incoming = pytest.mark.parametrize("one", INCOMING, ids=lambda e: e.name)


def leaves(value: Any, path: tuple[str | int, ...] = ()) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    if isinstance(value, dict):
        for name, child in value.items():
            yield from leaves(child, (*path, name))
    elif isinstance(value, list):
        for index, child in enumerate(value):
            yield from leaves(child, (*path, index))
    else:
        yield path, value


def replaced(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    if not path:
        return new
    copy: Any = dict(value) if isinstance(value, dict) else list(value)
    copy[path[0]] = replaced(value[path[0]], path[1:], new)
    return copy


def test_every_type_has_a_minimal_and_a_full_example_and_none_is_an_orphan() -> None:
    assert gates.incomplete() == []


def test_examples_come_back_the_same_in_both_modes() -> None:
    assert gates.unfaithful(examples_store.load()) == []


def test_examples_read_the_same_with_fields_that_nobody_knows() -> None:
    assert gates.intolerant(examples_store.load()) == []


@each
@pytest.mark.parametrize("mode", ["binary", "structured"])
def test_a_record_of_an_example_decodes_to_its_event(one: Example, mode: Mode) -> None:
    headers, value = as_record(one, mode)
    event = codec.decode_record(headers, value, TYPES, 512 * 1024)
    assert (event.id, event.source, event.subject, event.data) == (
        one.event.id,
        one.event.source,
        one.event.subject,
        one.event.data,
    )
    assert event.content_hash == one.event.content_hash


@each_incoming
def test_a_number_or_a_truth_value_in_place_of_a_text_is_never_converted(one: Example) -> None:
    for path, leaf in leaves(one.document["data"]):
        if isinstance(leaf, str):
            for wrong in (7, True, ["x"]):
                with pytest.raises(Refused):
                    codec.decode_structured(one.document | {"data": replaced(one.document["data"], path, wrong)}, TYPES)


@each_incoming
def test_a_text_in_place_of_a_number_is_never_converted(one: Example) -> None:
    for path, leaf in leaves(one.document["data"]):
        if not isinstance(leaf, str):
            wrong = replaced(one.document["data"], path, str(leaf).lower())
            with pytest.raises(Refused):
                codec.decode_structured(one.document | {"data": wrong}, TYPES)


@each_incoming
def test_no_text_of_a_report_can_hold_a_nul(one: Example) -> None:
    for path, leaf in leaves(one.document["data"]):
        if isinstance(leaf, str):
            with pytest.raises(Refused):
                wrong = replaced(one.document["data"], path, f"{leaf}\x00")
                codec.decode_structured(one.document | {"data": wrong}, TYPES)


@each
def test_points_are_points_of_the_corridor(one: Example) -> None:
    corridor = load_corridor("pk-ru")
    # A case's steps and a decision have an origin too, which is how it was made.
    named = [v for path, v in leaves(one.document["data"]) if path[-1] in POINT_FIELDS and v not in ORIGINS]
    assert [code for code in named if corridor.resolve(code) is None] == []


# A receipt quotes what its sender wrote, which may be no key.
@pytest.mark.parametrize("one", [e for e in ALL if e.type != catalogue.RECEIPT], ids=lambda e: e.name)
def test_keys_inside_the_data_are_valid_subject_keys(one: Example) -> None:
    kinds = re.compile(rf"(?:{'|'.join(subjects.KINDS)}):[^|]*")
    keys = [v for path, v in leaves(one.document["data"]) if isinstance(v, str) and kinds.fullmatch(v)]
    assert [subjects.parse(key) for key in keys] == keys


@pytest.mark.parametrize("one", load_examples(catalogue.MILESTONE), ids=lambda e: e.case)
def test_a_milestone_is_said_of_a_kind_of_subject_that_has_it(one: Example) -> None:
    data = one.event.data
    assert isinstance(data, MilestoneReported)
    kind = subjects.kind_of(one.event.subject)
    about = "consignment" if kind == "reference" else kind
    assert about in milestones.milestone(data.code).subjects


def test_every_decision_of_the_closed_list_has_an_example() -> None:
    made = {
        e.event.data.decision for e in load_examples(catalogue.DECISION) if isinstance(e.event.data, DecisionIssued)
    }
    assert made == set(Decision.__args__)  # type: ignore[attr-defined]


def test_reasons_in_receipts_and_dead_letters_are_of_the_closed_list() -> None:
    said = [
        v
        for e in PUBLISHED
        if e.type in (catalogue.RECEIPT, catalogue.DEAD_LETTER)
        for p, v in leaves(e.document)
        if p[-1] == "reason"
    ]
    assert said and set(said) <= set(REASONS)


def test_a_retraction_is_a_revision_of_the_same_identity() -> None:
    reported, mended, voided = (
        example(catalogue.MILESTONE, c).event for c in ("departure", "correction", "retraction")
    )
    assert (reported.source, reported.id) == (mended.source, mended.id) == (voided.source, voided.id)
    assert len({reported.content_hash, mended.content_hash, voided.content_hash}) == 3


def test_a_value_of_a_later_version_is_read_as_other() -> None:
    data: Any = example(catalogue.SUBJECT, "values-of-a-later-version").event.data
    assert (data.timeline[0].channel, data.forecasts[0].classifier) == ("other", "other")
    assert (data.associations[0].relation, data.timeline[0].seals[0].reason) == ("other", "other")


@pytest.mark.parametrize("one", [e for e in PUBLISHED if e.case == "values-of-a-later-version"], ids=lambda e: e.type)
def test_a_value_of_a_later_version_cannot_be_written(one: Example) -> None:
    model: type[Data] = TYPES[one.type].model
    with pytest.raises(ValueError, match="Input should be"):
        model.model_validate_json(write_json(one.document["data"]))
