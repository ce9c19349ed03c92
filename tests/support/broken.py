"""Copies with a bug, to see what becomes of the records on which they fail."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Iterable

from aiokafka import TopicPartition

from contracts.envelope.codec import Event
from services.chassis.ingest.records import Link
from services.chassis.ingest.stream import Stream
from tests.support import builders as b
from tests.support.stores import Store

TOPIC = "milestones-pr"


def breaking(store: Store, fails: Callable[[Event], bool]) -> Store:
    """A copy on the same store whose handlers fail on some events."""
    streams = tuple(_broken(stream, fails) for stream in store.blueprint.streams)
    return Store(dataclasses.replace(store.blueprint, streams=streams), store.pool, store.topic_id)


async def quarantined(store: Store, *names: str) -> None:
    """Plans on which a copy with a bug has failed; the others it has stored."""
    broken = breaking(store, lambda event: event.id in names)
    await store.assign(broken.ingests["milestones"], {TopicPartition(TOPIC, 0)})
    records = [b.record_of(b.a_plan(id=n), TOPIC, offset) for offset, n in enumerate(names)]
    await broken.ingests["milestones"].consume(records)


def _broken(stream: Stream, fails: Callable[[Event], bool]) -> Stream:
    def links_of(event: Event) -> Iterable[Link]:
        if fails(event):
            raise ZeroDivisionError
        return stream.links_of(event)

    return dataclasses.replace(stream, links_of=links_of)
