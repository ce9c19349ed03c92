"""The connections of a client of Kafka: dropped, dead at the other end, closed by one who is to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.conn import CloseReason, create_conn

from deploy.local.stack import Stack
from services.chassis.kafka.connections import Client
from tests.support.silent import answer

pytestmark = pytest.mark.servers

# More than the buffers of both ends hold.
_MUCH = 32 * 2**20


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Any]:
    """A client that knows its broker."""
    client: Any = Client(**stack.access.options())  # type: ignore[no-untyped-call]
    await client.bootstrap()
    yield client
    await client.close()


async def test_a_client_that_is_dropped_while_it_connects_sends_nothing(client: Any) -> None:
    connecting = asyncio.create_task(client.ready(client.get_random_node()))
    await asyncio.sleep(0)
    await client.drop()

    assert await connecting is False
    assert [c.connected() for c in client._conns.values() if c.connected()] == []


async def test_a_client_that_was_dropped_connects_no_more(client: Any) -> None:
    await client.drop()

    assert await client.ready(client.get_random_node()) is False


async def test_a_client_that_gets_no_answer_connects_anew(client: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """On the same connection each question would wait for as long as the first, until the system gives it up."""
    connection: Any = await client._get_conn(client.get_random_node())
    monkeypatch.setattr(connection._writer, "write", lambda _: None)
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.fetch_all_metadata(), 0.1)
    connection._last_action -= 1000

    assert (await asyncio.wait_for(client.fetch_all_metadata(), 10)).brokers()


async def test_a_client_goes_on_with_a_connection_on_which_it_is_not_answered_yet(client: Any) -> None:
    connection: Any = await client._get_conn(client.get_random_node())
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(client.fetch_all_metadata(), 0)

    assert await client._get_conn(client.get_random_node()) is connection


@pytest.mark.parametrize("reason", [None, CloseReason.CONNECTION_TIMEOUT])
async def test_what_a_connection_has_not_sent_when_it_is_given_up_is_forgotten(
    client: Any, reason: CloseReason | None
) -> None:
    """Another connection sends it, or another copy: it may not come behind what they have sent."""
    accepted: asyncio.Queue[asyncio.StreamReader] = asyncio.Queue()

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await answer(reader, writer)
        accepted.put_nowait(reader)

    listener = await asyncio.start_server(accept, "127.0.0.1", 0, limit=1024)
    host, port = listener.sockets[0].getsockname()
    connection = await create_conn(host, port, on_close=client._on_connection_closed)
    reader = await accepted.get()
    connection._writer.write(bytes(_MUCH))

    connection.close(reason=reason)

    with pytest.raises(ConnectionResetError):
        while await asyncio.wait_for(reader.read(65536), 10):
            pass
    listener.close()


async def test_whoever_is_cancelled_while_it_closes_a_client_ends(client: Any) -> None:
    closing = asyncio.create_task(client.close())
    await asyncio.sleep(0)

    closing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await closing
