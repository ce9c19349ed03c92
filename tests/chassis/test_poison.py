"""Poison limits: who keeps failing is paused, and goes on when mended; nothing is drained into the dead letters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from contracts.envelope.codec import Event
from services.chassis.dead_letters.letters import Filter
from services.chassis.dead_letters.replay import Replayer
from services.chassis.ingest.consumer import Ingest
from services.chassis.service.health import readiness
from tests.support import builders as b
from tests.support.broken import breaking
from tests.support.pipeline import runtime_of
from tests.support.stores import Store

pytestmark = pytest.mark.servers
LIMIT = 5


def plans(party: str, count: int) -> list[ConsumerRecord[bytes, bytes]]:
    events = [b.a_plan(f"train:{party}/T{n}/2026-06-22", id=f"{party}-{n}", party=party) for n in range(count)]
    return [b.record_of(event, f"milestones-{party}", n) for n, event in enumerate(events)]


async def read(store: Store, fails: Callable[[Event], bool], records: Sequence[ConsumerRecord[bytes, bytes]]) -> Ingest:
    """A copy with a bug reads a batch."""
    ingest = breaking(store, fails).ingests["milestones"]
    await store.assign(ingest, {TopicPartition(r.topic, 0) for r in records})
    assert ingest.positions is not None
    ingest.positions.held_back = ingest.quarantine.holds_back
    await ingest.consume(records)
    return ingest


def paused(ingest: Ingest) -> set[str]:
    assert ingest.positions is not None
    consumer: Any = ingest.positions._subscriber.consumer
    return {p.topic for p in consumer.paused}


async def waiting(store: Store) -> int:
    return len(await store.rows("dead_letter"))


async def test_the_bad_feed_of_one_party_is_paused_and_the_others_go_on(store: Store) -> None:
    records = [r for pair in zip(plans("pr", 9), plans("ktz", 9), strict=True) for r in pair]

    ingest = await read(store, lambda e: e.source == b.source_of("pr"), records)

    assert await waiting(store) == LIMIT
    assert paused(ingest) == {"milestones-pr"}
    assert len(await store.rows("event")) == 9
    assert {p["topic"]: p["next_offset"] for p in await store.rows("position")} == {
        "milestones-pr": LIMIT,
        "milestones-ktz": 9,
    }


async def test_a_bad_deploy_stops_the_stream_instead_of_draining_it(store: Store) -> None:
    parties = ("pr", "ktz", "rai", "rzd")
    records = [r for rows in zip(*(plans(p, 9) for p in parties), strict=True) for r in rows]

    ingest = await read(store, lambda e: True, records)

    assert await waiting(store) == 2 * LIMIT
    assert ingest.quarantine.stopped
    assert paused(ingest) == {f"milestones-{p}" for p in parties}


async def test_a_stopped_stream_makes_the_copy_unready(store: Store) -> None:
    records = [r for pair in zip(plans("pr", 9), plans("ktz", 9), strict=True) for r in pair]
    ingest = await read(store, lambda e: True, records)
    runtime = runtime_of(store)
    runtime.ingests = [ingest]

    assert (await readiness(runtime))["reading"] is False


async def test_a_paused_feed_goes_on_where_it_was_when_its_dead_letters_are_replayed(store: Store) -> None:
    records = plans("pr", 9)
    ingest = await read(store, lambda e: True, records)
    assert ingest._unread(records) == []

    replayer = Replayer("tracking", store.blueprint.streams, lambda: store.pool, store.clock, store.book)
    await replayer.replay(Filter(reason="quarantined"), "anna", dry_run=False)
    await ingest.mind_limits()

    assert paused(ingest) == set()
    assert [r.offset for r in ingest._unread(records)] == [5, 6, 7, 8]
    assert ingest.positions is not None
    assert ingest.positions._subscriber.consumer.position[TopicPartition("milestones-pr", 0)] == 5


async def test_a_copy_that_takes_over_a_paused_feed_leaves_it_paused(store: Store) -> None:
    await read(store, lambda e: True, plans("pr", 9))

    ingest = store.ingests["milestones"]
    assert ingest.positions is not None
    ingest.positions.held_back = ingest.quarantine.holds_back
    await ingest.quarantine.refresh()
    await store.assign(ingest, {TopicPartition("milestones-pr", 0)})

    assert paused(ingest) == {"milestones-pr"}
