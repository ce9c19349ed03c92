"""How a service connects to Kafka.

Invariant: nothing commits by itself, creates topics, or begins at the end of a topic; producers are idempotent
where a repeat would show, and bounded where somebody waits for an answer.
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

# The client counts key, headers and framing; compression is not used.
_MAX_REQUEST = 2 * MAX_PUBLISHED
START_SECONDS = 15.0
STOP_SECONDS = 5.0
# A batch in hand has the ten seconds in which a broker lets its handlers end.
_STOP_ALL_SECONDS = 15.0


def new_broker(settings: ServiceSettings) -> KafkaBroker:
    """The FastStream broker of a service: subscribers only, logs of its own kept quiet."""
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
    """A producer: patient (the relay's, idempotent, which waits for the broker) or bounded (the door's)."""
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
        # Those of a partition without a leader would be given up after the time of a request, which is short so that a
        # connection that is dead at its other end is noticed. The client has no setting for one without the other.
        producer._message_accumulator._batch_ttl = math.inf
    return producer


@contextlib.asynccontextmanager
async def patient_producer(settings: ServiceSettings) -> AsyncIterator[AIOKafkaProducer]:
    """A relay's producer for the length of the block, then it sends nothing more; raises as `start_producer`."""
    producer = new_producer(settings, patient=True)
    await start_producer(producer)
    try:
        yield producer
    finally:
        await _drop(producer)


def new_reader(settings: ServiceSettings) -> AIOKafkaConsumer:
    """A consumer outside of all groups, which reads what it is told to and commits nothing."""
    _install()
    return AIOKafkaConsumer(
        **settings.kafka.options(),
        client_id=f"{settings.copy_name}-reader",
        enable_auto_commit=False,
        auto_offset_reset="earliest",
        max_partition_fetch_bytes=_MAX_REQUEST,
    )


async def start_producer(producer: AIOKafkaProducer, seconds: float = START_SECONDS) -> None:
    """Starts a producer that will find its broker again; raises `KafkaConnectionError` or `TimeoutError`."""
    try:
        # An idempotent one waits here for a broker, without end.
        async with asyncio.timeout(seconds):
            await producer.start()
    except BaseException:
        await stop_client(producer)
        raise


async def start_broker(broker: KafkaBroker) -> None:
    """Starts all subscribers or none; raises what aiokafka raises while there is no broker.

    One that has started would otherwise be started once more by the next attempt, beside itself.
    """
    try:
        await broker.start()
    except BaseException:
        await stop_broker(broker)
        raise


async def stop_broker(broker: KafkaBroker) -> None:
    """Stops all subscribers; gives up when the broker is away."""
    try:
        async with asyncio.timeout(_STOP_ALL_SECONDS):
            await broker.stop()
    except (TimeoutError, ExceptionGroup) as failure:
        log.warning("subscribers have not stopped in order", failure=repr(failure))
        for subscriber in cast(Any, broker.subscribers):
            if subscriber.consumer is not None:
                await subscriber.consumer._client.drop()


async def see_brokers(producer: AIOKafkaProducer) -> ClusterMetadata:
    """The brokers and topics that there are.

    Raises `KafkaConnectionError` while no broker counts itself in: other clients are not to be started then.
    """
    try:
        cluster: ClusterMetadata = await producer.client.fetch_all_metadata()
    except KafkaError as failure:
        raise KafkaConnectionError("no broker has told of brokers") from failure
    return cluster


async def stop_client(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Stops a client; gives up when the broker is away, since what is unsent stays in the outbox."""
    try:
        async with asyncio.timeout(STOP_SECONDS):
            await cast(Any, client).stop()
    except TimeoutError:
        await _drop(client)
    except asyncio.CancelledError:
        # The client lets the end of its own tasks through, which is none of ours.
        task = asyncio.current_task()
        if task is not None and task.cancelling():
            raise


async def _drop(client: AIOKafkaProducer | AIOKafkaConsumer) -> None:
    """Ends what a producer that is stopped would go on sending, whenever the broker comes back."""
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
    """The options of a FastStream broker that are about signing in."""
    if not access.secured:
        return None
    return SASLScram512(username=access.username, password=access.password, ssl_context=access.ssl_context())
