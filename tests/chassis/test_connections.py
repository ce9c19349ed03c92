"""The connections of a client of Kafka: dropped, dead at the other end, closed by one who is to end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from aiokafka.errors import KafkaError

from deploy.local.stack import Stack
from services.chassis.connections import Client

pytestmark = pytest.mark.servers


@pytest.fixture
async def client(stack: Stack) -> AsyncIterator[Any]:
    """A client that knows its broker."""
    client: Any = Client(bootstrap_servers=stack.kafka_bootstrap)  # type: ignore[no-untyped-call]
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
    monkeypatch.setattr(connection, "send", _no_answer)
    with pytest.raises(KafkaError):
        await client.fetch_all_metadata()

    assert (await client.fetch_all_metadata()).brokers()


async def _no_answer(_: object) -> None:
    raise TimeoutError


async def test_whoever_is_cancelled_while_it_closes_a_client_ends(client: Any) -> None:
    closing = asyncio.create_task(client.close())
    await asyncio.sleep(0)

    closing.cancel()

    with pytest.raises(asyncio.CancelledError):
        await closing
