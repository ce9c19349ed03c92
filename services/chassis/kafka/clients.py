"""How a service connects to Kafka.

Invariant: no client commits offsets by itself, creates topics, or begins at the end of a topic. The relay's producer
is idempotent; the producer of the HTTP API has a time limit, since a caller waits for it.
"""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from typing import Any, cast

import structlog
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer
from aiokafka.cluster import ClusterMetadata
from aiokafka.errors import KafkaConnectionError, KafkaError
from faststream.kafka import KafkaBroker
from faststream.security import BaseSecurity, SASLScram512

from contracts.topics import MAX_PUBLISHED
from services.chassis.base.access import KafkaAccess
from services.chassis.base.settings import ServiceSettings
from services.chassis.kafka import connections, fair_reading, wire

log = structlog.get_logger(__name__)

# The client counts key, headers and framing as well. We do not compress.
_MAX_REQUEST = 2 * MAX_PUBLISHED
START_SECONDS = 15.0
STOP_SECONDS = 5.0
# More than the broker's `graceful_timeout`, in which handlers may end.
_STOP_ALL_SECONDS = 15.0


def new_broker(settings: ServiceSettings) -> KafkaBroker:
    """The FastStream broker of a service, for subscribers only and without logs of its own."""
    _install()
    return KafkaBroker(
        settings.kafka_bootstrap_servers,
        client_id=settings.copy_name,
        consumer_only=True,
        metadata_max_age_ms=int(settings.metadata_age_seconds * 1000),
        request_timeout_ms=70_000,
        retry_backoff_ms=200,
        allow_auto_create_topics=False,
        graceful_timeout=10.0,
        apply_types=False,
        logger=None,
        security=broker_security(settings.kafka),
    )


def new_producer(settings: ServiceSettings, *, patient: bool) -> AIOKafkaProducer:
    """A producer: `patient` for the relay (idempotent, waits for the broker), else for the HTTP API (time limit)."""
    _install()
    milliseconds = int(settings.send_timeout_seconds * 1000)
    producer = AIOKafkaProducer(
        **settings.kafka.options(),
        client_id=f"{settings.copy_name}-{'relay' if patient else 'door'}",
        acks="all",
        enable_idempotence=patient,
        request_timeout_ms=40_000 if patient else milliseconds,
        max_request_size=_MAX_REQUEST,
        max_batch_size=512 * 1024,
        linger_ms=0,
    )
    if patient:
        # aiokafka expires queued batches after `request_timeout_ms`. We keep that short to detect dead connections, so
        # expiry is switched off here; the client has no setting for it.
        producer._message_accumulator._batch_ttl = math.inf
    return producer


@contextlib.asynccontextmanager
async def patient_producer(settings: ServiceSettings) -> AsyncIterator[AIOKafkaProducer]:
    """A relay's producer, which sends nothing more after the block; raises as `start_producer`."""
    producer = new_producer(settings, patient=True)
    await start_producer(producer)
    try:
        yield producer
    finally:
        await _drop(producer)


def new_reader(settings: ServiceSettings) -> AIOKafkaConsumer:
    """A consumer outside all groups, which commits nothing."""
    _install()
    return AIOKafkaConsumer(
        **settings.kafka.options(),
        client_id=f"{settings.copy_name}-reader",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_MAX_REQUEST,
    )


async def start_producer(producer: AIOKafkaProducer, seconds: float = START_SECONDS) -> None:
    """Starts a producer, or stops it again; raises `KafkaConnectionError` or `TimeoutError`."""
    try:
        # An idempotent producer waits here for a broker without end.
        async with asyncio.timeout(seconds):
            await producer.start()
    except BaseException:
        await stop_client(producer)
        raise


async def start_broker(broker: KafkaBroker) -> None:
    """Starts all subscribers or none; raises what aiokafka raises while there is no broker.

    The next attempt would start a running subscriber a second time.
    """
    try:
        await broker.start()
    except BaseException:
        await stop_broker(broker)
        raise


async def stop_broker(broker: KafkaBroker) -> None:
    """Stops all subscribers; after a time limit it drops their connections."""
    try:
        async with asyncio.timeout(_STOP_ALL_SECONDS):
            await broker.stop()
    except (TimeoutError, ExceptionGroup) as failure:
        log.warning("subscribers have not stopped in order", failure=repr(failure))
        for subscriber in cast(Any, broker.subscribers):
            if subscriber.consumer is not None:
                await subscriber.consumer._client.drop()


async def see_brokers(producer: AIOKafkaProducer) -> ClusterMetadata:
    """The cluster's brokers and topics.

    Raises `KafkaConnectionError` while no broker has registered; no other client should be started then.
    """
    try:
        cluster: ClusterMetadata = await producer.client.fetch_all_metadata()
    except KafkaError as failure:
        raise KafkaConnectionError("no broker has registered yet") from failure
    return cluster


async def stop_client(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stops a client; after a time limit it drops a producer's connections. Unsent records stay in the outbox."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await cast(Any, client).stop()
    except TimeoutError:
        await _drop(client)
    except asyncio.CancelledError:
        # The client lets the cancellation of its own tasks through; only ours counts.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


async def _drop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Keeps a stopped producer from sending when the broker comes back."""
    if isinstance(client, AIOKafkaProducer):
        client._closed = True
        if client._sender.sender_task is not None:
            client._sender.sender_task.cancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS):
                await cast(connections.Client, client.client).drop()


def _install() -> None:
    connections.install()
    wire.install()
    fair_reading.install()


def admin_config(settings: ServiceSettings) -> dict[str, str | int | float | bool]:
    """The options of a confluent client."""
    return settings.kafka.config() | {"socket.timeout.ms": 10_000, "allow.auto.create.topics": "false"}


def broker_security(access: KafkaAccess) -> BaseSecurity | None:
    """The security options of a FastStream broker; None where clients do not sign in."""
    if not access.secured:
        return None
    return SASLScram512(username=access.username, password=access.password, ssl_context=access.ssl_context())
