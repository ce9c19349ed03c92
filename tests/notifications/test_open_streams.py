"""Open streams: the store is asked once for all of a party, there are only so many, and who is slow holds up nobody."""

from __future__ import annotations

import asyncio
import json
import select
import socket
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import httpx
import pytest

from deploy.local.stack import Stack
from services.chassis.base import tokens
from services.notifications import feeds, stream
from services.notifications.api import make_app
from tests.support import builders as b
from tests.support.edges import bearer, give_budget, give_tokens, serving
from tests.support.pipeline import Line, emptied, fresh_line

pytestmark = pytest.mark.servers

CONTROL, SHIPPER = "corridor-control", "ravi-textiles"
POINTS = ("pk-lahore", "pk-rohri", "pk-jacobabad", "pk-sibi", "pk-quetta", "pk-nushki", "pk-dalbandin", "pk-taftan")
_INSERT = """
WITH made AS (INSERT INTO item (item, entity, subject, fact, content, late, recorded_at)
    SELECT gen_random_uuid(), 's', 's', n::text, $4::jsonb, false, $2 FROM generate_series(1, $3::int) n
    RETURNING item, fact)
INSERT INTO delivery (party, sequence, item, action, alert) SELECT $1, fact::int, item, 'new', true FROM made
"""


@pytest.fixture(scope="module")
async def shared_line(stack: Stack) -> AsyncIterator[Line]:
    assert stack.admin_url
    async with fresh_line(stack.admin_url) as line:
        yield line


@pytest.fixture
async def line(shared_line: Line) -> Line:
    line = await emptied(shared_line)
    await line.notifications.pool.execute("DELETE FROM token")
    await give_tokens(line.notifications, (CONTROL, SHIPPER))
    for party in (CONTROL, SHIPPER):
        await give_budget(line.notifications, party)
    return line


@pytest.fixture
async def client(line: Line) -> AsyncIterator[httpx.AsyncClient]:
    """A client of a server of its own."""
    async with (
        serving(make_app(line.runtime), taking_seconds=1) as port,
        httpx.AsyncClient(base_url=f"http://127.0.0.1:{port}", trust_env=False, timeout=20) as client,
    ):
        yield client


async def always() -> bool:
    return True


async def told(events: AsyncIterator[Any]) -> Any:
    """The next event that is no comment."""
    while True:
        event = await asyncio.wait_for(anext(events), 10)
        if event.raw_data is not None:
            return event


async def test_for_all_readers_of_a_party_the_store_is_asked_once_a_commit(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    await line.feed(b.a_consist(), b.a_milestone("PASS", at=1, point=POINTS[1]))
    pool, asked = line.notifications.pool, 0
    cursor = await feeds.read_cursor(pool, CONTROL)

    async def counted(*arguments: Any) -> Any:
        nonlocal asked
        asked += 1
        return await feeds.read_feed(*arguments)

    monkeypatch.setattr(stream, "read_feed", counted)
    channels = stream.Channels(line.runtime)
    readers = [stream.follow(channels, line.runtime, CONTROL, cursor, always) for _ in range(30)]
    for reader in readers:
        await anext(reader)
    hearing = [asyncio.create_task(told(reader)) for reader in readers]
    await asyncio.sleep(0)
    before = asked
    await line.feed(b.a_milestone("PASS", at=2, point=POINTS[2]))
    heard = await asyncio.gather(*hearing)

    assert len({event.id for event in heard}) == 1
    assert asked - before < len(readers) / 2
    for reader in readers:
        await reader.aclose()  # type: ignore[attr-defined]


async def test_a_reader_that_is_far_behind_misses_nothing(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another one is at the end, and more comes than is kept."""
    monkeypatch.setattr(stream, "_KEPT", 3)
    await line.feed(b.a_consist())
    channels = stream.Channels(line.runtime)
    slow, quick = (stream.follow(channels, line.runtime, CONTROL, 0, always) for _ in range(2))
    first = await told(slow)
    seen = [await told(quick)]
    for number in range(1, 8):
        await line.feed(b.a_milestone("PASS", at=number, point=POINTS[number]))
        seen.append(await told(quick))
    read = [first, *[await told(slow) for _ in range(7)]]

    expected = [str(i["sequence"]) for i in await feeds.read_feed(line.notifications.pool, CONTROL, 0, 100)]
    assert [event.id for event in seen] == [event.id for event in read] == expected


async def test_what_was_taken_away_by_age_is_not_asked_for_time_and_again(line: Line) -> None:
    await line.feed(b.a_consist())
    await line.notifications.pool.execute("DELETE FROM item")
    reader = stream.follow(stream.Channels(line.runtime), line.runtime, CONTROL, 0, always)
    await anext(reader)
    hearing = asyncio.create_task(told(reader))
    await line.feed(b.a_milestone("PASS", at=1, point=POINTS[1]))

    assert json.loads((await hearing).raw_data)["code"] == "PASS"


async def test_who_is_slow_is_told_so_and_may_come_back(line: Line, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stream, "_SLOW_SECONDS", 0)
    await line.feed(b.a_consist(), b.a_milestone("PASS", at=1, point=POINTS[1]))
    reader = stream.follow(stream.Channels(line.runtime), line.runtime, CONTROL, 0, always)

    item, end = await told(reader), await told(reader)

    assert (item.event, end.event, json.loads(end.raw_data)) == ("item", "ended", {"reason": "too_slow"})
    assert end.id is None
    with pytest.raises(StopAsyncIteration):
        await anext(reader)


async def test_beyond_so_many_streams_a_party_is_told_to_come_back(line: Line, client: httpx.AsyncClient) -> None:
    """When one is closed there is room; other parties have their own."""
    await give_budget(line.notifications, SHIPPER, open_streams=3)
    async with AsyncExitStack() as streams:
        for _ in range(3):
            opened = await streams.enter_async_context(client.stream("GET", "/v1/stream", headers=bearer(SHIPPER)))
            assert opened.status_code == 200
        refused = await client.get("/v1/stream", headers=bearer(SHIPPER))
        async with client.stream("GET", "/v1/stream", headers=bearer(CONTROL)) as other:
            assert other.status_code == 200
        reading = await client.get("/v1/feed", headers=bearer(SHIPPER))
    async with asyncio.timeout(10):
        status = 0
        while status != 200:
            async with client.stream("GET", "/v1/stream", headers=bearer(SHIPPER)) as again:
                status = again.status_code

    assert (refused.status_code, int(refused.headers["retry-after"]), reading.status_code) == (429, 5, 200)


async def test_a_stream_ends_soon_after_its_token(line: Line, client: httpx.AsyncClient) -> None:
    async with client.stream("GET", "/v1/stream", headers=bearer(CONTROL)) as opened:
        async with line.notifications.pool.acquire() as connection:
            await tokens.revoke(connection, CONTROL, None)
        async with asyncio.timeout(12):
            lines = [line async for line in opened.aiter_lines()]

    assert "event: ended" in lines and 'data: {"reason":"token_ended"}' in lines
    assert (await client.get("/v1/stream", headers=bearer(CONTROL))).status_code == 401


async def test_who_takes_nothing_is_hung_up_on_and_the_others_go_on(line: Line, client: httpx.AsyncClient) -> None:
    content = json.dumps({"topic": "milestone", "text": "x" * 40_000})
    await line.notifications.pool.execute(_INSERT, SHIPPER, b.START, 2000, content)
    with socket.create_connection(("127.0.0.1", client.base_url.port or 0)) as idle:
        # Nothing but the end of the connection is waited for.
        hung_up = select.poll()
        hung_up.register(idle, 0)
        token = bearer(SHIPPER)["Authorization"]
        idle.sendall(f"GET /v1/stream HTTP/1.1\r\nHost: x\r\nAuthorization: {token}\r\n\r\n".encode())
        async with client.stream("GET", "/v1/stream", headers=bearer(SHIPPER)) as other:
            ids = [line async for line in _ids(other, 2000)]
        async with asyncio.timeout(20):
            while not hung_up.poll(0):
                await client.get("/live")

    assert len(ids) == 2000


async def _ids(opened: httpx.Response, count: int) -> AsyncIterator[str]:
    async for line in opened.aiter_lines():
        if line.startswith("id: "):
            yield line
            count -= 1
            if not count:
                return
