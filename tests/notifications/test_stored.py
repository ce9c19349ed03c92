"""What pictures share and entities remember is read as it was written, and not at all where it has another form."""

from __future__ import annotations

import json
from datetime import UTC
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from services.chassis.base.visibility import Claim, Way
from services.chassis.projection.fold import Inputs, Shared
from services.notifications.domain import stored
from services.notifications.domain.items import unshared_id
from services.notifications.domain.shared import Entry, Given, Recalled, Ride, SharedWay
from tests.support import builders as b

text: SearchStrategy[str] = st.sampled_from(["pr", "é", "PK", ""])
instants = st.datetimes(timezones=st.just(UTC))
ends = st.none() | instants


def some(one: SearchStrategy[Any]) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=3).map(tuple)


rides = some(st.builds(Ride, text, instants, ends, some(text)))
parties = st.frozensets(text, max_size=3)
claims = some(st.builds(Claim, text, parties, instants, ends, ends, some(text)))
of_consignments = st.builds(Way, st.just(b.CONSIGNMENT), some(text), parties)
of_units = st.builds(Way, st.just(b.CONTAINER), some(text), st.just(frozenset()), claims)
shares = st.builds(SharedWay, of_consignments | of_units, rides)
places = st.integers(1, 9) | st.builds(Recalled, text, text)
entries = st.builds(
    Entry,
    text,
    st.integers(0, 9),
    st.dictionaries(text, places, max_size=3),
    st.dictionaries(text, text, max_size=2),
    ends,
)
memories = st.dictionaries(text, entries, max_size=3)


def reading(subject: str, value: Any) -> Inputs:
    return Inputs("case:X", shared={subject: Shared(json.dumps(value))})


@given(shares)
def test_a_way_is_read_as_it_was_written(shared: SharedWay) -> None:
    subject = shared.way.subject

    assert stored.ways_of(reading(subject, stored.write_way(shared))) == {subject: shared}


@given(memories)
def test_a_memory_is_read_as_it_was_written(given: Given) -> None:
    assert stored.read_memory(json.loads(json.dumps(stored.write_memory(given)))) == given


@given(shares, st.data())
def test_a_way_that_lacks_a_member_or_has_another_kind_of_it_is_not_read(
    shared: SharedWay, data: st.DataObject
) -> None:
    value = stored.write_way(shared)
    name = data.draw(st.sampled_from(sorted(value)))
    spoilt: dict[str, Any] = {n: v for n, v in value.items() if n != name}
    inputs = reading(shared.way.subject, data.draw(st.sampled_from([spoilt, spoilt | {name: 7}])))

    with pytest.raises(TypeError):
        stored.ways_of(inputs)


@pytest.mark.parametrize(
    "entry",
    [
        ["hash", 1, {}, {}],
        ["hash", "1", {}, {}, "", "shared"],
        ["hash", 1, {"pr": ["item"]}, {}, "", "shared"],
        ["hash", 1, {"pr": None}, {}, "", "shared"],
        {"digest": "hash"},
    ],
)
def test_an_entry_of_another_form_is_not_read(entry: Any) -> None:
    with pytest.raises(TypeError):
        stored.read_memory({"fact": entry})


def test_an_entry_of_when_each_party_had_items_of_its_own_names_those() -> None:
    entry = stored.read_memory({"fact": ["hash", 3, {"pr": 2, "rai": ["item", "other"]}, {}, ""]})["fact"]

    assert entry.holders == {
        "pr": Recalled(unshared_id("pr", "fact", "hash", 2), "hash"),
        "rai": Recalled("item", "other"),
    }
