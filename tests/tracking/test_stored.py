"""What subjects share is read as it was written, and not at all where it has another form."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import fields
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.strategies import SearchStrategy

from services.chassis.projection.fold import Inputs, Shared
from services.tracking.domain import stored
from services.tracking.domain.associations import Interval, Mention
from services.tracking.domain.reports import Report
from services.tracking.domain.shared import Clash, Container, Held, Own, Part, Reference, Summary, Train, Wagon
from tests.support import builders as b

REFERENCE = "reference:smgs:trk:778"
NAMES = ("inputs.shared", "é", "pr", "")

text: SearchStrategy[str] = st.sampled_from(NAMES)
maybe = st.none() | text
instants = st.datetimes(timezones=st.just(UTC))
summaries = st.builds(Summary, text, maybe, maybe, st.none() | instants)
ranks = st.integers(0, 1000)
rides = st.builds(Interval, st.just(b.TRAIN), instants, st.none() | instants, ranks, ranks)
mentions = st.builds(Mention, instants, ranks, st.tuples(text, text), st.lists(text, max_size=2).map(tuple), maybe)


def reports(extras: SearchStrategy[dict[str, Any]]) -> SearchStrategy[Report]:
    """Facts as others take them over: with whom they came by, and without what only their own subject needs."""
    return st.builds(
        Report,
        source=text,
        event_id=text,
        code=st.sampled_from(["ARRI", "DEPA", "STOP", "XBRD"]),
        classifier=st.just("ACT"),
        point=maybe,
        occurred_at=text,
        instant=instants,
        party=text,
        role=text,
        reported_for=maybe,
        channel=text,
        updated_at=instants,
        via=st.just(b.TRAIN),
        inferred=st.booleans(),
        claimed=st.booleans(),
        sighting=st.booleans(),
        extras=extras,
    )


def some(one: SearchStrategy[Any]) -> SearchStrategy[tuple[Any, ...]]:
    return st.lists(one, max_size=3).map(tuple)


facts = some(reports(st.just({})))
parts = st.builds(Part, some(rides), some(mentions))
owns: Mapping[str, SearchStrategy[Own]] = {
    b.TRAIN: st.builds(Train, facts, maybe, st.dictionaries(st.just(b.WAGON), parts)),
    b.WAGON: st.builds(Wagon, facts, some(mentions), some(rides)),
    b.CONTAINER: st.builds(
        Container,
        some(st.builds(Held, text, st.none() | instants, summaries)),
        some(st.builds(Clash, text, text, instants)),
    ),
    REFERENCE: st.builds(
        Reference,
        maybe,
        some(text),
        st.none() | instants,
        some(reports(st.dictionaries(text, st.integers() | text, max_size=2))),
    ),
    b.RUN: st.none(),
}
shares = st.sampled_from(sorted(owns)).flatmap(lambda s: st.tuples(st.just(s), summaries, owns[s]))


def reading(subject: str, value: dict[str, Any]) -> Inputs:
    """The inputs of the wagon that reads a subject, as they come out of the store."""
    whole = json.loads(json.dumps(value))
    part = whole.pop("parts", {}).get(b.WAGON)
    return Inputs(b.WAGON, shared={subject: Shared(json.dumps(whole), json.dumps(part) if part else None)})


def read(subject: str, inputs: Inputs) -> Own:
    """What a subject shares with a wagon, as the wagon reads it; every summary is read as well."""
    stored.summary_of(inputs, subject)
    if subject == b.TRAIN and (train := stored.train_of(inputs, subject)) is not None:
        (part,) = stored.parts_of(inputs)
        return Train(train.facts, train.run, {b.WAGON: part} if part != Part() else {})
    if subject == b.CONTAINER:
        return stored.containers_of(inputs)[subject]
    return stored.wagon_of(inputs, subject) if subject == b.WAGON else stored.reference_of(inputs, subject)


def plain(value: Any) -> Any:
    """A value whose reports can be compared."""
    if isinstance(value, Report):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    if isinstance(value, Train | Wagon | Reference):
        return {f.name: plain(getattr(value, f.name)) for f in fields(value)}
    return [plain(one) for one in value] if isinstance(value, tuple) else value


@given(shares)
def test_what_is_written_is_read_as_it_was(share: tuple[str, Summary, Own]) -> None:
    subject, summary, own = share
    inputs = reading(subject, stored.write(summary, own))

    assert stored.summary_of(inputs, subject) == summary
    found = plain(read(subject, inputs))
    if isinstance(own, Train):
        own = Train(own.facts, own.run, {w: part for w, part in own.parts.items() if part != Part()})
    assert found == plain(own)


@given(shares, st.data())
def test_what_lacks_a_member_is_not_read(share: tuple[str, Summary, Own], data: st.DataObject) -> None:
    subject, summary, own = share
    value = stored.write(summary, own)
    del value[data.draw(st.sampled_from(sorted(value.keys() - {"parts"})))]
    inputs = reading(subject, value)

    with pytest.raises(TypeError):
        read(subject, inputs)


@given(shares, st.data())
def test_what_has_a_member_of_another_kind_is_not_read(share: tuple[str, Summary, Own], data: st.DataObject) -> None:
    subject, summary, own = share
    value = stored.write(summary, own)
    value[data.draw(st.sampled_from(sorted(value.keys() - {"parts"})))] = 7
    inputs = reading(subject, value)

    with pytest.raises(TypeError):
        read(subject, inputs)


@given(shares)
def test_what_a_newer_build_adds_is_left_alone(share: tuple[str, Summary, Own]) -> None:
    subject, summary, own = share

    inputs = reading(subject, stored.write(summary, own) | {"later": [1]})

    assert stored.summary_of(inputs, subject) == summary


@pytest.mark.parametrize(
    ("subject", "value"),
    [
        (b.WAGON, {"facts": [{}], "mentions": [], "trains": []}),
        (b.WAGON, {"facts": [], "mentions": [[b.hours(0), "s", "e"]], "trains": []}),
        (b.WAGON, {"facts": [], "mentions": [], "trains": [[b.TRAIN, "not an instant", 0, None, 0]]}),
        (b.CONTAINER, {"claims": [[b.CONSIGNMENT, None]], "contested": []}),
        (REFERENCE, {"holder": None, "claimants": [], "opened_at": None, "acts": [{"extras": {}}]}),
    ],
)
def test_a_row_of_another_form_is_not_read(subject: str, value: dict[str, Any]) -> None:
    inputs = reading(subject, value | {"summary": {"status": "planned"}})

    with pytest.raises((TypeError, ValueError)):
        read(subject, inputs)


def test_what_the_wagons_of_a_train_have_in_common_is_made_once() -> None:
    at = datetime(2026, 6, 22, tzinfo=UTC)
    fact = Report("s", "e", "DEPA", "ACT", "pk-lahore", b.hours(0), at, "pr", "railway", None, "system", at)
    value = stored.write(Summary("in_transit"), Train((fact,), None, {b.WAGON: Part()}))

    one, other = (stored.train_of(reading(b.TRAIN, value), b.TRAIN) for _ in range(2))

    assert one is not None and one is other
