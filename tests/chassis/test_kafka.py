"""How clients of Kafka are started and stopped."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import AsyncIterator, Awaitable, Callable
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import TopicPartition
from aiokafka.errors import KafkaConnectionError

from deploy.local.stack import Stack
from services.chassis.base.access import KafkaAccess
from services.chassis.base.errors import is_transient
from services.chassis.base.settings import ServiceSettings
from services.chassis.kafka import clients
from tests.support.settings import kafka_settings
from tests.support.silent import answer


@pytest.fixture
async def address() -> AsyncIterator[KafkaAccess]:
    """A broker that has just started: it answers, and counts no broker in, not even itself."""
    listener = await asyncio.start_server(_answer, "127.0.0.1", 0)
    yield KafkaAccess(f"127.0.0.1:{listener.sockets[0].getsockname()[1]}")
    listener.close()


@pytest.mark.parametrize("patient", [False, True])
async def test_a_producer_is_not_started_before_a_broker_counts_itself_in(address: KafkaAccess, patient: bool) -> None:
    """Such a client knows one connection and no broker: when that breaks it never finds another."""
    producer = clients.new_producer(settings_for(address), patient=patient)

    with pytest.raises((KafkaConnectionError, TimeoutError)) as raised:
        await clients.start_producer(producer, seconds=1)

    assert is_transient(raised.value)


async def test_no_subscriber_is_started_before_a_broker_counts_itself_in(address: KafkaAccess) -> None:
    """Such a consumer fails on its first question, with an assertion that ended the service."""
    broker = clients.new_broker(settings_for(address))
    broker.subscriber(pattern="^none$", group_id="early")(_nothing)

    with pytest.raises(KafkaConnectionError) as raised:
        await asyncio.wait_for(clients.start_broker(broker), 20)

    assert is_transient(raised.value)


class Client:
    """Is stopped as its `stop` says."""

    def __init__(self, stop: Callable[[], Awaitable[Any]]) -> None:
        self.stop = stop


async def test_whoever_is_cancelled_while_a_client_stops_ends() -> None:
    """Or a relay that is just taking another producer would outlive the end of its service."""
    stopping = asyncio.create_task(clients.stop_client(cast(Any, Client(asyncio.Event().wait))))
    await asyncio.sleep(0)

    stopping.cancel()

    with pytest.raises(asyncio.CancelledError):
        await stopping


async def test_the_end_of_a_client_s_own_task_cancels_nobody_else() -> None:
    async def lets_it_through() -> None:
        raise asyncio.CancelledError

    await clients.stop_client(cast(Any, Client(lets_it_through)))


@pytest.mark.servers
async def test_a_producer_that_cannot_be_stopped_sends_nothing_later(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A new one has its records; the old one would send them once more when its broker is back."""
    monkeypatch.setattr(clients, "STOP_SECONDS", 0.2)
    producer = clients.new_producer(settings_for(stack.access), patient=True)
    await clients.start_producer(producer)
    producer._message_accumulator._cluster = SimpleNamespace(leader_for_partition=lambda _: None)
    await producer._message_accumulator.add_message(TopicPartition("t", 0), b"key", b"{}", 1)
    sending = producer._sender.sender_task

    await clients.stop_client(producer)
    await asyncio.wait([sending], timeout=10)

    assert sending.done()


def settings_for(access: KafkaAccess) -> ServiceSettings:
    return ServiceSettings(
        database_url="postgresql://x:x@localhost/x", **kafka_settings(access), http_port=0, copy_name="new"
    )


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while await answer(reader, writer):
        pass
    writer.close()


@pytest.mark.servers
async def test_a_start_that_fails_half_way_leaves_nothing_running_beside_the_next(
    stack: Stack, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker would start every subscriber once more, with a second consumer under the name of the first."""
    settings = settings_for(stack.access)
    broker = clients.new_broker(settings)
    group = uuid.uuid4().hex
    first, second = (broker.subscriber(pattern=f"^none-{n}$", group_id=f"{group}-{n}") for n in range(2))
    for one in (first, second):
        one(_nothing)

    with monkeypatch.context() as away:
        away.setattr(second, "start", _fails)
        with pytest.raises(KafkaConnectionError):
            await clients.start_broker(broker)
    left = [one.consumer for one in (first, second)]
    await clients.start_broker(broker)
    consumers = [one.consumer for one in (first, second)]

    await clients.stop_broker(broker)
    assert (left, None in consumers) == ([None, None], False)


async def _nothing(_: object) -> None: ...


async def _fails() -> None:
    raise KafkaConnectionError("away")
