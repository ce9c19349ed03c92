"""How clients of Kafka are started."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import pytest
from aiokafka.errors import KafkaConnectionError

from services.chassis import kafka
from services.chassis.errors import passes
from services.chassis.settings import ServiceSettings

_API_VERSIONS, _METADATA = 18, 3


@pytest.fixture
async def address() -> AsyncIterator[str]:
    """A broker that has just started: it answers, and counts no broker in, not even itself."""
    listener = await asyncio.start_server(_answer, "127.0.0.1", 0)
    yield f"127.0.0.1:{listener.sockets[0].getsockname()[1]}"
    listener.close()


@pytest.mark.parametrize("patient", [False, True])
async def test_a_producer_is_not_started_before_a_broker_counts_itself_in(address: str, patient: bool) -> None:
    """Such a client knows one connection and no broker: when that breaks it never finds another."""
    settings = ServiceSettings(
        database_url="postgresql://x:x@localhost/x", kafka_bootstrap_servers=address, http_port=0, copy_name="new"
    )
    producer = kafka.new_producer(settings, patient=patient)

    with pytest.raises((KafkaConnectionError, TimeoutError)) as raised:
        await kafka.start_producer(producer, seconds=1)

    assert passes(raised.value)


async def _answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while size := await reader.read(4):
        request = await reader.readexactly(int.from_bytes(size))
        known = b"".join(key.to_bytes(2) + bytes(4) for key in (_METADATA, _API_VERSIONS))
        versions = bytes(2) + (2).to_bytes(4) + known
        body = request[4:8] + (versions if int.from_bytes(request[:2]) == _API_VERSIONS else bytes(8))
        writer.write(len(body).to_bytes(4) + body)
    writer.close()
