"""A version ahead of our clock is not believed, whoever wrote it: no true one would ever replace it."""

from __future__ import annotations

import json
import time
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from contracts import topics
from contracts.events.base import FUTURE_SKEW
from deploy.local.stack import Stack
from services.chassis.recovery import published_state
from services.tracking.app import blueprint
from tests.support import builders as b
from tests.support.pipeline import Line, emptied, fresh_line, taken_out

pytestmark = pytest.mark.servers

Record = ConsumerRecord[bytes, bytes]
TOPIC = topics.TRACKING_EVENTS.name
SKEW_SECONDS = FUTURE_SKEW.total_seconds()


@pytest.fixture(scope="module")
async def shared_line(stack: Stack) -> AsyncIterator[Line]:
    assert stack.admin_url
    async with fresh_line(stack.admin_url) as line:
        yield line


@pytest.fixture
async def line(shared_line: Line) -> Line:
    return await emptied(shared_line)


def ahead(record: Record, seconds: float) -> Record:
    """The same record with a version of an instant so far ahead, one offset behind."""
    body = json.loads(record.value or b"")
    body["version"] = time.time_ns() // 1000 + int(seconds * 1_000_000)
    return replace(record, offset=record.offset + 1, value=json.dumps(body).encode())


async def told(line: Line) -> Record:
    """What tracking tells of a train."""
    await line.tracking.feed([b.a_plan()])
    return (await taken_out(line.tracking, TOPIC))[-1]


async def replicas(line: Line) -> dict[str, Any]:
    return {row["entity"]: json.loads(row["body"])["version"] for row in await line.customs.rows("replica")}


async def test_it_is_put_aside_with_a_reason_and_the_true_one_stays(line: Line) -> None:
    true = await told(line)
    forged = ahead(true, 75 * 365 * 86400)

    await line.customs.take([true, forged])

    (dead,) = await line.customs.rows("dead_letter")
    assert (dead["reason"], dead["path"], dead["offset"]) == ("from_the_future", "$.data.version", forged.offset)
    assert (dead["body"], dead["event_id"] is not None) == (forged.value, True)
    assert await replicas(line) == {(true.key or b"").decode(): json.loads(true.value or b"")["version"]}


@pytest.mark.parametrize(("seconds", "believed"), [(SKEW_SECONDS - 60, True), (SKEW_SECONDS + 60, False)])
async def test_clocks_of_two_machines_may_differ_by_the_skew(line: Line, seconds: float, believed: bool) -> None:
    await line.customs.take([ahead(await told(line), seconds)])

    assert len(await line.customs.rows("replica")) == believed
    assert len(await line.customs.rows("dead_letter")) == (not believed)


async def test_a_store_put_back_does_not_take_it_up_either(line: Line) -> None:
    """It would tell everything from then on under versions that nobody believes."""
    true = await told(line)
    published = blueprint().published

    assert [e.id for e in published_state.events_of([true], "tracking", published)]
    assert published_state.events_of([ahead(true, 86400)], "tracking", published) == []
