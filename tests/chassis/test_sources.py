"""Who is at work is seen by the members of the consumer groups."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace

import pytest
from aiokafka import AIOKafkaConsumer

from contracts import topics
from deploy.local.stack import Stack
from services.chassis.sources import Sources
from services.chassis.stream import Stream
from tests.support.system import until

pytestmark = pytest.mark.servers


@asynccontextmanager
async def member(stack: Stack, group: str) -> AsyncIterator[None]:
    """Somebody in a group; leaves it at the end."""
    consumer = AIOKafkaConsumer(bootstrap_servers=stack.kafka_bootstrap, group_id=group)
    consumer.subscribe(pattern="^no-topic$")
    await consumer.start()
    try:
        yield
    finally:
        await consumer.stop()


async def test_a_source_without_a_member_is_away_until_it_has_one(stack: Stack) -> None:
    source = f"s{uuid.uuid4().hex[:8]}"
    topic = replace(topics.TRACKING_EVENTS, writers=(source,))
    sources = Sources(
        "notifications", [Stream("tracking", topic, lambda _: ())], {"bootstrap.servers": stack.kafka_bootstrap}
    )

    async def seen_away() -> bool:
        await sources.look()
        return set(sources.away) == {source}

    async def seen_at_work() -> bool:
        return not await seen_away()

    async with member(stack, f"{source}-milestones"):
        await until(seen_at_work, 20, "its member")
    await until(seen_away, 20, "the end of its member")
    since = sources.away[source]
    assert await seen_away() and sources.away[source] == since
    async with member(stack, f"{source}-milestones"):
        await until(seen_at_work, 20, "its new member")


async def test_a_single_look_makes_nobody_away(stack: Stack) -> None:
    """A broker that has just come back may not have read its groups yet."""
    topic = replace(topics.TRACKING_EVENTS, writers=("nobody",))
    sources = Sources(
        "notifications", [Stream("tracking", topic, lambda _: ())], {"bootstrap.servers": stack.kafka_bootstrap}
    )

    await sources.look()
    first = dict(sources.away)
    await sources.look()

    assert (first, set(sources.away)) == ({}, {"nobody"})


async def test_while_kafka_does_not_answer_nothing_is_said_of_anybody() -> None:
    sources = Sources(
        "notifications",
        [Stream("tracking", topics.TRACKING_EVENTS, lambda _: ())],
        {"bootstrap.servers": "127.0.0.1:1"},
    )

    with pytest.raises(OSError, match="does not list its groups"):
        await sources.look()

    assert sources.away == {}
