"""Who is at work is seen by the members of the consumer groups."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from concurrent.futures import Future
from contextlib import asynccontextmanager
from dataclasses import replace
from types import SimpleNamespace

import pytest
from aiokafka import AIOKafkaConsumer

from contracts import topics
from deploy.local.stack import Stack
from services.chassis.ingest.stream import EntityStream, Stream
from services.chassis.service.sources import Sources
from tests.support.system import until

pytestmark = pytest.mark.servers


@asynccontextmanager
async def member(stack: Stack, group: str) -> AsyncIterator[None]:
    """Somebody in a group; leaves it at the end."""
    consumer = AIOKafkaConsumer(**stack.access.options(), group_id=group)
    consumer.subscribe(pattern="^no-topic$")
    await consumer.start()
    try:
        yield
    finally:
        await consumer.stop()


def a_stream(source: str) -> Stream:
    """A topic that a service of this name writes."""
    return EntityStream("tracking", replace(topics.TRACKING_EVENTS, writers=(source,)), lambda _: ())


@pytest.fixture
def source() -> str:
    return f"s{uuid.uuid4().hex[:8]}"


@pytest.fixture
def sources(stack: Stack, source: str) -> Sources:
    return Sources("notifications", [a_stream(source)], stack.access.config())


async def test_a_source_that_has_lost_its_members_is_away_until_it_has_one(
    stack: Stack, sources: Sources, source: str
) -> None:
    async def seen_away() -> bool:
        await sources.look()
        return set(sources.away) == {source}

    async def seen_at_work() -> bool:
        return not await seen_away()

    async with member(stack, f"{source}-milestones"):
        await sources.look()
    await until(seen_away, 20, "the end of its member")
    since = sources.away[source]
    assert await seen_away() and sources.away[source] == since
    async with member(stack, f"{source}-milestones"):
        await until(seen_at_work, 20, "its new member")


async def test_a_single_look_makes_nobody_away(stack: Stack, sources: Sources, source: str) -> None:
    """A broker that has just come back may not have read its groups yet."""
    async with member(stack, f"{source}-milestones"):
        await sources.look()

    await sources.look()
    first = dict(sources.away)
    await sources.look()

    assert (first, set(sources.away)) == ({}, {source})


async def test_who_was_never_seen_is_not_missed(sources: Sources) -> None:
    """Without the right to see its groups, one is not told of them."""
    await sources.look()
    await sources.look()

    assert sources.away == {}


async def test_while_kafka_does_not_answer_nothing_is_said_of_anybody(source: str) -> None:
    sources = Sources("notifications", [a_stream(source)], {"bootstrap.servers": "127.0.0.1:1"})

    with pytest.raises(OSError, match="groups"):
        await sources.look()

    assert sources.away == {}


async def test_while_a_broker_does_not_answer_nothing_is_said_of_anybody(sources: Sources, source: str) -> None:
    """The groups that it looks after are not among those that the others list."""
    sources._seen.add(source)
    answer: Future[SimpleNamespace] = Future()
    answer.set_result(SimpleNamespace(valid=[], errors=["timed out"]))
    vars(sources)["_client"] = SimpleNamespace(list_consumer_groups=lambda **_: answer)

    for _ in range(2):
        with pytest.raises(OSError, match="not all brokers list"):
            await sources.look()

    assert sources.away == {}
