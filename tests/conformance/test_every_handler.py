"""Every handler over every golden example: twice is once, unknown fields are ignored, a crash costs nothing.

Each example goes through the real ingest and settle of every service that reads its type.
"""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from contracts.catalogue import TYPES
from contracts.envelope import codec
from deploy.local.stack import Stack
from deploy.provision import read_parties
from services.chassis.base.parties import Party, save_party
from services.chassis.ingest import answers
from services.chassis.ingest.consumer import Ingest
from services.chassis.ingest.stream import Stream
from services.chassis.service.blueprint import Blueprint
from services.customs.app import blueprint as customs
from services.notifications.app import blueprint as notifications
from services.tracking.app import blueprint as tracking
from tests.support import builders as b
from tests.support.examples import Example, load_examples
from tests.support.stores import Store, empty, fresh_store

pytestmark = pytest.mark.servers

ROLES = {party.party: party.role for party in read_parties()}
# The examples tell of a summer.
AUTUMN = datetime(2026, 9, 1, tzinfo=UTC)

BLUEPRINTS: dict[str, Blueprint] = {blueprint.name: blueprint for blueprint in (tracking(), customs(), notifications())}
READERS = [
    (blueprint.name, stream.name, example)
    for blueprint in BLUEPRINTS.values()
    for stream in blueprint.streams
    for example in load_examples()
    if example.type in stream.topic.events
]
every = pytest.mark.parametrize(
    ("service", "stream", "example"), READERS, ids=[f"{s}-{n}-{e.name}" for s, n, e in READERS]
)


@pytest.fixture(scope="module")
async def stores(stack: Stack) -> AsyncIterator[dict[str, Store]]:
    assert stack.admin_url
    opened: dict[str, Any] = {}
    stores: dict[str, Store] = {}
    for name, blueprint in BLUEPRINTS.items():
        opened[name] = fresh_store(stack.admin_url, blueprint)
        stores[name] = await opened[name].__aenter__()
        async with stores[name].pool.acquire() as connection:
            for party in senders():
                await save_party(connection, party)
    yield stores
    for context in opened.values():
        await context.__aexit__(None, None, None)


def senders() -> list[Party]:
    """The parties that the examples come from, in their roles, each entitled to all that they say in its name."""
    found: dict[str, set[str]] = {}
    for example in load_examples():
        found.setdefault(example.event.source.split(":")[2], set()).add(example.event.source)
    return [
        Party(
            party=party,
            name=party,
            role=ROLES.get(party, "customs"),
            jurisdictions=("PK", "IR", "TM", "EAEU", "RU"),
            sources=tuple(sorted(sources)),
            types=tuple(TYPES),
            speaks_for=tuple(sorted(found)),
        )
        for party, sources in found.items()
    ]


@pytest.fixture
async def fresh(stores: dict[str, Store], service: str) -> dict[str, Store]:
    await empty(stores[service])
    return {service: in_autumn(stores[service])}


def in_autumn(store: Store) -> Store:
    """Another copy on a store, at whose time all examples are past."""
    copy = Store(store.blueprint, store.pool)
    copy.clock.step(AUTUMN)
    return copy


def test_every_type_that_a_topic_carries_is_read_by_somebody() -> None:
    """The suite would pass over a type that no handler reads."""
    read = {example.type for _, _, example in READERS}
    carried = {t for t in TYPES if t not in ("corridor.receipt.issued.v1", "corridor.deadletter.recorded.v1")} - {
        "corridor.decision.answered.v1",
        "corridor.notification.published.v1",
    }

    assert read == carried


@every
async def test_the_first_delivery_is_stored(
    fresh: dict[str, Store], service: str, stream: str, example: Example
) -> None:
    store = fresh[service]

    await store.take([record_of(store, stream, example, 0)])

    assert len(await stored(store, stream)) == 1
    assert await store.rows("dead_letter") == []


@every
async def test_twice_is_once(fresh: dict[str, Store], service: str, stream: str, example: Example) -> None:
    store = fresh[service]
    await store.take([record_of(store, stream, example, 0)])
    await store.settle()
    before = await changes(store)

    await store.take([record_of(store, stream, example, 1)])
    await store.settle()

    assert await changes(store) == before


@every
async def test_an_unknown_field_is_ignored(
    fresh: dict[str, Store], service: str, stream: str, example: Example
) -> None:
    store = fresh[service]
    await store.take([record_of(store, stream, example, 0)])
    await store.settle()
    expected = await store.pictures()
    await empty(store)
    store = in_autumn(store)

    await store.take([record_of(store, stream, example, 0, data={"from_a_later_version": [{"x": 1}]})])
    await store.settle()

    assert await store.pictures() == expected


@every
async def test_a_crash_before_the_commit_leaves_nothing(
    fresh: dict[str, Store], service: str, stream: str, example: Example, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = fresh[service]
    record = record_of(store, stream, example, 0)
    await assigned(store, stream, record)

    with pytest.raises(Crash):
        await crashing(store.ingests[stream], record, monkeypatch)

    assert await stored(store, stream) == []
    assert [p["next_offset"] for p in await store.rows("position")] == [0]


@every
async def test_a_crash_after_the_commit_and_redelivery_adds_nothing(
    fresh: dict[str, Store], service: str, stream: str, example: Example
) -> None:
    store = fresh[service]
    record = record_of(store, stream, example, 0)
    await store.take([record])
    await store.settle()
    before = await changes(store)

    after = in_autumn(store)
    await assigned(after, stream, record)
    unread = after.ingests[stream]._unread([record])

    assert unread == []
    assert await changes(after) == before


class Crash(BaseException):
    """The process dies here."""


async def crashing(ingest: Ingest, record: ConsumerRecord[bytes, bytes], monkeypatch: pytest.MonkeyPatch) -> None:
    """Everything that the batch's transaction does, with the process gone before its commit."""
    written = answers.answer

    async def dies(*arguments: Any) -> Any:
        await written(*arguments)
        raise Crash

    monkeypatch.setattr(answers, "answer", dies)
    await ingest.take([record])


async def assigned(store: Store, stream: str, record: ConsumerRecord[bytes, bytes]) -> None:
    await store.assign(store.ingests[stream], {TopicPartition(record.topic, record.partition)})


async def stored(store: Store, stream: str) -> list[dict[str, Any]]:
    own = not next(s for s in store.blueprint.streams if s.name == stream).is_answered
    return await store.rows("replica" if own else "event")


async def changes(store: Store) -> dict[str, Any]:
    """Everything that a delivery may change, but the answers to repeats themselves."""
    receipts = [r["outcome"] for r in await store.rows("receipt") if r["outcome"] != "repeat"]
    sent = [(o["topic"], o["ce_id"]) for o in await store.rows("outbox") if not o["topic"].startswith("receipts-")]
    items = await store.deliveries() if store.blueprint.name == "notifications" else []
    return {
        "pictures": await store.pictures(),
        "receipts": receipts,
        "sent": sent,
        "items": [i["item"] for i in items],
        "events": len(await store.rows("event")),
    }


def record_of(
    store: Store, stream: str, example: Example, offset: int, data: dict[str, Any] | None = None
) -> ConsumerRecord[bytes, bytes]:
    """The record of an example on its sender's own topic, with further data fields if asked for."""
    row = next(s for s in store.blueprint.streams if s.name == stream)
    event = example.event
    if data:
        document = json.loads(json.dumps(example.document))
        document["data"] |= data
        event = codec.decode_structured(document, TYPES)
    # The broker takes it now, behind whatever the clock was stepped to.
    return replace(b.record_of(event, topic_of(row, example), offset), timestamp=time.time_ns() // 1_000_000)


def topic_of(stream: Stream, example: Example) -> str:
    return stream.topic.of(
        example.event.source.split(":")[2]
        if stream.is_answered
        else ""
        if False
        else example.event.source.split(":")[2]
    )
