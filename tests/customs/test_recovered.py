"""What customs has told and forgotten: announcements and violations are withdrawn, a refusal stays one."""

from __future__ import annotations

import json
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from contracts import catalogue, topics
from contracts.envelope.codec import Event
from tests.customs.test_cases import a_hold, case_of, decided, lodged, verdicts
from tests.customs.test_passage import departed, sent, setting_out
from tests.support import builders as b
from tests.support.pipeline import Line, all_taken_out, hand_over
from tests.support.steps import go_back, read_back, save
from tests.support.stores import Store

pytestmark = pytest.mark.servers

Records = list[ConsumerRecord[bytes, bytes]]


async def given_up(line: Line, *events: Event) -> Records:
    """What customs tells of these events, whose course is then given up by all."""
    for store in (line.tracking, line.customs):
        await save(store.pool)
    await line.tracking.feed(events)
    (tracked,) = [await all_taken_out(line.tracking)]
    await line.customs.take([r for r in tracked if r.topic == "tracking-events"])
    await line.customs.settle()
    told = await all_taken_out(line.customs)
    for store in (line.tracking, line.customs):
        await go_back(store)
    await read_back(line.tracking, tracked)
    return told


async def test_a_release_that_was_refused_stays_so(store: Store) -> None:
    await store.feed([lodged(), decided("accept", -38)])
    await save(store.pool)
    release = decided("release", -30)
    await store.feed([a_hold(), release])
    told = await all_taken_out(store)
    await go_back(store)

    await read_back(store, told)
    await store.feed([release])

    case = await case_of(store)
    assert (case["state"], verdicts(case)[-1]) == ("ACCEPTED", ("release", "reissue_required"))


async def test_a_release_that_was_refused_twice_is_remembered_once(store: Store) -> None:
    hold = a_hold()
    await store.feed([lodged(), decided("accept", -38), hold, decided("release", -30)])
    told = await all_taken_out(store)
    await save(store.pool)
    await go_back(store)
    await store.pool.execute("UPDATE picture SET published = '{}'")

    await read_back(store, told)

    memories = [json.loads(p["memory"]) for p in await store.rows("picture") if p["subject"] == b.CASE]
    assert [len(memory["refused"]) for memory in memories] == [1]


async def test_a_case_that_was_told_is_told_to_be_none(store: Store) -> None:
    await save(store.pool)
    await store.feed([lodged()])
    told = await all_taken_out(store)
    await go_back(store)

    await read_back(store, told)
    await store.settle()

    states = {form: data["state"] for form, data in await forms(store)}
    assert states == {"public": "NOT_FILED", "involved": "NOT_FILED", "authority": "NOT_FILED"}


async def forms(store: Store) -> list[tuple[str, dict[str, Any]]]:
    return [(data["form"], data) for _, data in await sent(store, catalogue.CASE)]


async def test_an_announcement_is_withdrawn(line: Line) -> None:
    told = await given_up(line, *setting_out())

    await read_back(line.customs, told)
    await line.customs.settle()

    ((_, data), *_) = await sent(line.customs, catalogue.ARRIVAL)
    assert data["state"] == "withdrawn"
    assert before(told, catalogue.ARRIVAL) == [{**without_stamps(data), "state": "expected"}]


async def test_a_violation_is_withdrawn_from_the_law_and_from_the_parties(line: Line) -> None:
    await line.feed(*setting_out())
    told = await given_up(line, departed(at=100, point="pk-taftan"))

    await read_back(line.customs, told)
    await line.customs.settle()

    withdrawn = await sent(line.customs, catalogue.VIOLATION)
    assert [(topic, data["form"], data["state"]) for topic, data in withdrawn] == [
        ("customs-events", "involved", "withdrawn"),
        ("customs-cases-pk", "authority", "withdrawn"),
    ]
    for _, data in withdrawn:
        assert {**without_stamps(data), "state": "raised"} in before(told, catalogue.VIOLATION)


async def test_what_still_holds_is_told_as_before(line: Line) -> None:
    left = departed(at=100, point="pk-taftan")
    await line.feed(*setting_out())
    told = await given_up(line, left)

    await read_back(line.customs, told)
    await line.tracking.feed([left])
    await hand_over(line.tracking, topics.TRACKING_EVENTS.name, line.customs)
    await line.customs.settle()

    raised = [data for _, data in await sent(line.customs, catalogue.VIOLATION)]
    assert {data["state"] for data in raised} == {"raised"}
    expected = before(told, catalogue.VIOLATION)
    assert len(raised) == len(expected) == 2
    assert all(without_stamps(data) in expected for data in raised)


def before(told: Records, kind: str) -> list[dict[str, Any]]:
    """What was told of one type of event, on whichever topic, without its stamps; each once."""
    bodies = [json.loads(r.value or b"") for r in told if ("ce_type", kind.encode()) in r.headers]
    found: list[dict[str, Any]] = []
    for body in map(without_stamps, bodies):
        if body not in found:
            found.append(body)
    return found


def without_stamps(data: dict[str, Any]) -> dict[str, Any]:
    stamps = {"version", "previous_version", "recorded_at", "as_of", "redrawn"}
    return {name: value for name, value in data.items() if name not in stamps}
