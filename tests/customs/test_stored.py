"""What subjects share and cases remember is read as it was written, and not at all where it has another form."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from services.chassis.projection.fold import Inputs, Shared
from services.customs.domain import stored
from services.customs.domain.holds import Hold
from services.customs.domain.shared import (
    Case,
    Claim,
    Consignment,
    Inside,
    Memory,
    Move,
    SealMark,
    Step,
    Track,
    Unit,
)
from tests.support import builders as b

text: SearchStrategy[str] = st.sampled_from(["fbr", "é", "container:X", ""])
maybe = st.none() | text
instants = st.datetimes(timezones=st.just(UTC))
ends = st.none() | instants


def some(one: SearchStrategy[Any]) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=3).map(tuple)


moves = st.builds(Move, text, text, instants, instants, instants, text, maybe)
marks = st.builds(SealMark, instants, text, st.booleans(), some(text))
steps = some(st.builds(Step, text, instants, instants))
tracks = st.builds(Track, some(moves), some(marks), maybe, st.booleans(), ends)
holds = st.builds(Hold, text, text, text, text, text, instants, ends, some(text), maybe, maybe, maybe)
units = st.builds(Unit, tracks, some(holds), some(st.builds(Claim, text, instants, ends)), st.integers(1, 9))
consignments = st.builds(
    Consignment,
    consignment=text,
    known=st.booleans(),
    status=text,
    parties=some(text),
    declarants=some(text),
    former=st.dictionaries(text, instants, max_size=2),
    route=some(text),
    route_variant=maybe,
    origin=maybe,
    destination=maybe,
    units=st.dictionaries(text, st.builds(Inside, tracks, some(holds), st.booleans()), max_size=2),
    own=tracks,
    holds=some(holds),
)
cases = st.builds(Case, steps, st.booleans(), maybe, some(text), st.dictionaries(text, steps, max_size=2), some(marks))
memories = st.builds(Memory, st.frozensets(st.tuples(text, text), max_size=3))


def reading(subject: str, value: Any) -> Inputs:
    return Inputs("case:X", shared={subject: Shared(json.dumps(value))})


@given(units)
def test_a_unit_is_read_as_it_was_written(unit: Unit) -> None:
    assert stored.unit_of(reading(b.CONTAINER, stored.write_unit(unit)), b.CONTAINER) == unit


@given(consignments)
def test_a_consignment_is_read_as_it_was_written(one: Consignment) -> None:
    assert stored.consignment_of(reading(b.CONSIGNMENT, stored.write_consignment(one)), b.CONSIGNMENT) == one


@given(cases)
def test_a_case_is_read_as_it_was_written(case: Case) -> None:
    assert stored.cases_of(reading(b.CASE, stored.write_case(case))) == {b.CASE: case}


@given(memories)
def test_a_memory_is_read_as_it_was_written(memory: Memory) -> None:
    assert stored.read_memory(json.loads(json.dumps(stored.write_memory(memory)))) == memory


def test_what_nobody_has_told_of_is_not_there() -> None:
    nothing = Inputs("case:X")

    assert (stored.unit_of(nothing, b.CONTAINER), stored.consignment_of(nothing, b.CONSIGNMENT)) == (None, None)


def test_a_unit_inside_without_holds_that_an_older_build_has_written_is_read() -> None:
    value = stored.write_consignment(Consignment(b.CONSIGNMENT, units={b.CONTAINER: Inside(Track())}))
    del value["units"][b.CONTAINER]["holds"], value["units"][b.CONTAINER]["gone"]

    found = stored.consignment_of(reading(b.CONSIGNMENT, value), b.CONSIGNMENT)

    assert found is not None and found.units == {b.CONTAINER: Inside(Track())}


@given(units, consignments, cases, st.data())
def test_what_lacks_a_member_or_has_another_kind_of_it_is_not_read(
    unit: Unit, consignment: Consignment, case: Case, data: st.DataObject
) -> None:
    written = (
        (b.CONTAINER, stored.write_unit(unit)),
        (b.CONSIGNMENT, stored.write_consignment(consignment)),
        (b.CASE, stored.write_case(case)),
    )
    subject, value = data.draw(st.sampled_from(written))
    name = data.draw(st.sampled_from(sorted(value)))
    spoilt: dict[str, Any] = {n: v for n, v in value.items() if n != name}
    inputs = reading(subject, data.draw(st.sampled_from([spoilt, spoilt | {name: 7.5}])))

    with pytest.raises(TypeError):
        _read(subject, inputs)


@pytest.mark.parametrize("value", [{}, {"refused": [["source"]]}, {"refused": [["source", 7]]}, ["refused"]])
def test_a_memory_of_another_form_is_not_read(value: Any) -> None:
    with pytest.raises(TypeError):
        stored.read_memory(value)


def test_a_unit_that_was_decided_on_by_itself_has_steps_of_its_own() -> None:
    instant = datetime(2026, 6, 22, tzinfo=UTC)
    whole, own = (Step("ACCEPTED", instant, instant),), (Step("RELEASED", instant, instant),)
    case = Case(whole, True, None, (), {b.CONTAINER: own})

    assert (case.steps_of(b.CONTAINER), case.steps_of(b.container(2))) == (own, whole)


def _read(subject: str, inputs: Inputs) -> None:
    if subject == b.CASE:
        stored.cases_of(inputs)
    elif subject == b.CONSIGNMENT:
        stored.consignment_of(inputs, subject)
    else:
        stored.unit_of(inputs, subject)
