"""The whole pilot-train journey, after which each store forgets all that it has told, and reads it back.

Nothing is left to say then: whatever the journey tells is remembered as if it had never been forgotten.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from deploy.demo import script
from services.chassis.queue import fold_queue
from services.notifications import audiences
from tests.deploy_demo.test_sends import read
from tests.support import builders as b
from tests.support.fixtures import line_fixture
from tests.support.pipeline import Line, all_taken_out, emptied
from tests.support.steps import read_back
from tests.support.stores import Store

pytestmark = pytest.mark.servers

Records = list[ConsumerRecord[bytes, bytes]]
Told = dict[str, Records]
_STAMPS = {"version", "previous_version", "recorded_at", "as_of", "redrawn"}

shared_line = line_fixture("module")


@pytest.fixture
async def line(shared_line: Line) -> AsyncIterator[Line]:
    yield await emptied(shared_line)


async def played(line: Line) -> Told:
    """Feeds the journey, and gives what each service has told."""
    events = [read(send) for send in script.sends() if send.outcome == "accepted"]
    # What the journey has none of: an exception that is named by a fact.
    box = next(e.subject for e in events if e.subject.startswith("container:"))
    events.append(b.a_milestone("TAMP", box, at=3, point="pk-quetta"))
    types = {type for stream in line.tracking.blueprint.streams for type in stream.topic.types}
    await line.tracking.feed(sorted((e for e in events if e.type in types), key=line.tracking.topic_of))
    tracking = await all_taken_out(line.tracking)
    await line.customs.take(on(tracking, "tracking-events"))
    await line.customs.feed(sorted((e for e in events if e.type not in types), key=line.customs.topic_of))
    customs = await all_taken_out(line.customs)
    await line.notifications.take(on(tracking, "tracking-events"))
    await line.notifications.take(on(customs, "customs-events"))
    await audiences.refresh(line.runtime)
    return {"tracking": tracking, "customs": customs, "notifications": await said(line)}


async def said(line: Line) -> Records:
    """What notifications has to say."""
    await line.notifications.settle()
    return await all_taken_out(line.notifications)


def on(records: Records, topic: str) -> Records:
    return [r for r in records if r.topic == topic]


async def forgets(store: Store, told: Records) -> None:
    """Takes everything out that comes of having told something, reads it back, and has all pictures folded again."""
    await store.pool.execute("UPDATE picture SET published = '{}', memory = NULL")
    await store.settler.folding.mark.check(store.pool, 0)
    await read_back(store, told)
    await fold_queue.queue_all(store.pool, "rebuild")


def last_words(told: Records, topics: Sequence[str]) -> dict[str, Any]:
    """What is told of each entity, without its stamps."""
    words = {}
    for record in told:
        if any(record.topic.startswith(name) for name in topics):
            body = json.loads(record.value or b"")
            words[(record.key or b"").decode()] = {n: v for n, v in body.items() if n not in _STAMPS}
    return words


@pytest.mark.parametrize("service", ["tracking", "customs"])
async def test_every_entity_is_told_as_it_was(line: Line, service: str) -> None:
    topics = ("tracking-events", "customs-events", "customs-cases-")
    told = (await played(line))[service]
    store: Store = getattr(line, service)

    await forgets(store, told)
    await store.settle()

    again = last_words(await all_taken_out(store), topics)
    assert again == last_words(told, topics)
    assert len(again) > 100


async def test_no_party_is_told_anything(line: Line) -> None:
    told = (await played(line))["notifications"]
    items = await line.notifications.deliveries()
    await line.notifications.pool.execute("DELETE FROM item; DELETE FROM delivery; DELETE FROM feed")

    await forgets(line.notifications, told)

    assert await said(line) == []
    numbers = {(str(i["item"]), i["entity"], i["sequence"]) for i in items}
    assert {(str(i["item"]), i["entity"], i["sequence"]) for i in await line.notifications.deliveries()} == numbers
    kinds = {(i["fact"].partition(":")[0], "|" in i["fact"]) for i in items}
    assert kinds >= {("exception", True), ("exception", False), ("case", True), ("case", False), ("train", True)}
    assert {kind for kind, _ in kinds} >= {"arrival", "container", "consignment"}
