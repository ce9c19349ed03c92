"""Relay: rows of the outbox reach Kafka in order, once they are acknowledged they are gone."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from datetime import timedelta
from functools import partial
from types import SimpleNamespace
from typing import Any, cast

import pytest
from aiokafka import AIOKafkaConsumer, AIOKafkaProducer, TopicPartition
from aiokafka.admin import AIOKafkaAdminClient, NewTopic
from aiokafka.errors import UnknownError, UnknownTopicOrPartitionError

from deploy.local.stack import Stack
from services.chassis.base.database import Pool, open_pool
from services.chassis.base.restore_detection import RestoreDetector
from services.chassis.base.settings import ServiceSettings
from services.chassis.kafka import clients
from services.chassis.outbox import outgoing
from services.chassis.outbox.outgoing import SHARDS, Outgoing
from services.chassis.outbox.relay import Relay
from services.chassis.outbox.sender import Sender
from tests.support.settings import kafka_settings
from tests.support.steps import MOVED
from tests.support.stores import fresh_database
from tests.support.system import until

pytestmark = pytest.mark.servers

NewRelay = Callable[[], Relay]


@asynccontextmanager
async def administrator(stack: Stack) -> AsyncIterator[AIOKafkaAdminClient]:
    admin = AIOKafkaAdminClient(**stack.access.options())
    await admin.start()
    yield admin
    await admin.close()


async def new_topic(stack: Stack) -> str:
    name = f"relay-{uuid.uuid4().hex[:8]}"
    async with administrator(stack) as admin:
        await admin.create_topics([NewTopic(name, 1, 1)])
    return name


async def delete_topic(stack: Stack, name: str) -> None:
    """Returns when the broker has no such topic any more."""
    async with administrator(stack) as admin:
        await admin.delete_topics([name])

        async def is_gone() -> bool:
            return name not in await admin.list_topics()

        await until(is_gone, 10, "the end of the topic")


@pytest.fixture
async def topic(stack: Stack) -> str:
    """A topic of its own."""
    return await new_topic(stack)


@pytest.fixture
async def url(stack: Stack) -> AsyncIterator[str]:
    assert stack.admin_url
    async with fresh_database(stack.admin_url, "tracking") as url:
        yield url


@pytest.fixture
async def pool(url: str) -> AsyncIterator[Pool]:
    pool = await open_pool(url, "test")
    yield pool
    pool.terminate()


@pytest.fixture
def settings(stack: Stack, url: str) -> ServiceSettings:
    return ServiceSettings.load(
        "tracking",
        **kafka_settings(stack.access),
        database_url=url,
        http_port=0,
        copy_name="relay",
    )


@pytest.fixture
def new_relay(settings: ServiceSettings, url: str, pool: Pool) -> NewRelay:
    return lambda: Relay("tracking", url, pool, partial(clients.patient_producer, settings), RestoreDetector())


def holding_all(pool: Pool) -> Relay:
    """A relay that nobody runs, with all shards."""
    relay = Relay("tracking", "", pool, cast(Any, None), RestoreDetector())
    relay.held = set(range(SHARDS))
    return relay


def rows(topic: str, *ids: str, body: bytes = b"{}") -> list[Outgoing]:
    return [Outgoing(topic, f"key-{name[0]}", name, "corridor.subject.changed.v1", "container:X", body) for name in ids]


async def append(pool: Pool, records: Sequence[Outgoing]) -> None:
    async with pool.acquire() as connection, connection.transaction():
        await outgoing.append(connection, records)


async def read(stack: Stack, topic: str, count: int) -> list[Any]:
    consumer = AIOKafkaConsumer(**stack.access.options(), auto_offset_reset="earliest")
    await consumer.start()
    place = TopicPartition(topic, 0)
    consumer.assign([place])
    await consumer.seek_to_beginning(place)
    found: list[Any] = []
    async with asyncio.timeout(20):
        while len(found) < count:
            found += (await consumer.getmany(timeout_ms=200)).get(place, [])
    await consumer.stop()
    return found


async def left(pool: Pool, table: str = "outbox") -> int:
    return int(await pool.fetchval(f"SELECT count(*) FROM {table}"))


async def is_empty(pool: Pool) -> bool:
    return await left(pool) == 0


async def running(relay: Relay) -> asyncio.Task[None]:
    return asyncio.create_task(relay.run())


async def stopped(*tasks: asyncio.Task[None]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_rows_of_a_key_arrive_in_order_of_their_ids_and_are_gone(
    stack: Stack, pool: Pool, new_relay: NewRelay, topic: str
) -> None:
    await append(pool, rows(topic, *(f"a{n}" for n in range(50)), *(f"b{n}" for n in range(50))))

    task = await running(new_relay())
    records = await read(stack, topic, 100)

    await until(lambda: is_empty(pool), 10, "an empty outbox")
    await stopped(task)
    ids = [dict(r.headers)["ce_id"].decode() for r in records]
    for key in ("a", "b"):
        assert [name for name in ids if name[0] == key] == [f"{key}{n}" for n in range(50)]


async def test_a_record_is_a_cloudevent_of_the_service(
    stack: Stack, pool: Pool, new_relay: NewRelay, topic: str
) -> None:
    (row,) = rows(topic, "x1", body=b'{"a": 1}')
    await append(pool, [row])

    task = await running(new_relay())
    (record,) = await read(stack, topic, 1)
    await stopped(task)

    headers = {name: value.decode() for name, value in record.headers}
    assert (record.key, record.value) == (b"key-x", b'{"a": 1}')
    assert headers["ce_source"] == "urn:corridor:tracking"
    assert headers["ce_type"] == "corridor.subject.changed.v1"
    assert headers["content-type"] == "application/json"


async def test_what_can_never_be_sent_is_put_aside_and_the_others_go_on(
    stack: Stack, pool: Pool, new_relay: NewRelay, topic: str
) -> None:
    too_large = rows(topic, "a1", body=b"x" * (2 * 1024 * 1024))
    await append(pool, [*too_large, *rows(topic, "a2")])

    task = await running(new_relay())
    (record,) = await read(stack, topic, 1)

    async def aside() -> bool:
        return await left(pool, "outbox_failed") == 1 and await left(pool) == 0

    await until(aside, 10, "the row put aside")
    await stopped(task)
    assert dict(record.headers)["ce_id"] == b"a2"


async def test_a_topic_that_does_not_exist_stops_nothing_else(
    stack: Stack, pool: Pool, new_relay: NewRelay, topic: str
) -> None:
    """With every key in one shard, a row for a missing topic stands before one that can be sent."""
    await append(pool, [*rows("no-such-topic", "a1"), *rows(topic, "a2")])

    task = await running(new_relay())
    (record,) = await read(stack, topic, 1)

    async def aside() -> bool:
        return await left(pool, "outbox_failed") == 1 and await left(pool) == 0

    await until(aside, 20, "the row put aside")
    await stopped(task)
    assert dict(record.headers)["ce_id"] == b"a2"


async def test_one_relay_holds_a_shard_and_another_takes_over_when_it_is_gone(
    stack: Stack, pool: Pool, new_relay: NewRelay, topic: str
) -> None:
    first, second = (
        new_relay(),
        new_relay(),
    )
    one = await running(first)

    async def holds_all() -> bool:
        return len(first.held) == SHARDS

    await until(holds_all, 10, "the shards")
    other = await running(second)
    await append(pool, rows(topic, "a1"))
    await until(lambda: is_empty(pool), 10, "an empty outbox")
    assert not second.held
    await stopped(one)

    async def taken_over() -> bool:
        return len(second.held) == SHARDS

    await until(taken_over, 10, "the take-over")
    await append(pool, rows(topic, "a2"))
    records = await read(stack, topic, 2)
    await stopped(other)
    assert [dict(r.headers)["ce_id"] for r in records] == [b"a1", b"a2"]


_OTHERS = f"UPDATE outbox SET ce_id = 'other'; {MOVED}"


class PutBackMeanwhile:
    """Acknowledges after the store was put back, and has given the ids of what was sent to other rows."""

    def __init__(self, pool: Pool) -> None:
        self._pool = pool
        self.client = SimpleNamespace(fetch_all_metadata=self._metadata)

    async def _metadata(self) -> Any:
        return SimpleNamespace(topics=lambda: {"t"})

    async def send(self, *_: Any, **__: Any) -> asyncio.Future[None]:
        await self._pool.execute(_OTHERS)
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_a_row_that_has_the_id_of_what_was_sent_before_a_put_back_stays(pool: Pool) -> None:
    await append(pool, rows("t", "a1"))
    relay, sender = holding_all(pool), Sender("tracking", cast(Any, PutBackMeanwhile(pool)))

    await relay.send_page(sender)

    assert [row["ce_id"] for row in await pool.fetch("SELECT ce_id FROM outbox")] == ["other"]


async def test_what_was_sent_and_is_not_in_the_store_any_more_is_read_back(pool: Pool) -> None:
    await append(pool, rows("t", "a1"))
    relay, sender = holding_all(pool), Sender("tracking", cast(Any, PutBackMeanwhile(pool)))
    since = time.time_ns() // 1000

    await relay.send_page(sender)

    assert [row["since"] >= since for row in await pool.fetch("SELECT since FROM recovery_task")] == [True]


class NotLookedUpInTime(PutBackMeanwhile):
    """Could not look the topic up while the broker was away, as the client tells it; then it can."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.sends = 0

    async def send(self, *_: Any, **__: Any) -> asyncio.Future[None]:
        self.sends += 1
        if self.sends == 1:
            raise UnknownTopicOrPartitionError
        done: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        done.set_result(None)
        return done


async def test_a_topic_that_could_not_be_looked_up_in_time_is_no_reason_to_give_a_record_up(
    pool: Pool,
) -> None:
    await append(pool, rows("t", "a1"))
    producer = NotLookedUpInTime(pool)
    relay, sender = holding_all(pool), Sender("tracking", cast(Any, producer))

    await relay.send_page(sender)

    assert (producer.sends, await left(pool), await left(pool, "outbox_failed")) == (2, 0, 0)


async def test_a_relay_whose_producer_the_broker_refuses_goes_on_with_another(
    stack: Stack, pool: Pool, settings: ServiceSettings, topic: str
) -> None:
    """A batch that is given up leaves a gap in the producer's sequence, and all that follows is refused for it."""
    opened: list[AIOKafkaProducer] = []

    @asynccontextmanager
    async def opening() -> AsyncIterator[AIOKafkaProducer]:
        async with clients.patient_producer(settings) as producer:
            opened.append(producer)
            yield producer

    task = await running(Relay("tracking", settings.database_url, pool, opening, RestoreDetector()))
    await append(pool, rows(topic, "a1"))
    await until(lambda: is_empty(pool), 10, "the first record")
    opened[0]._txn_manager.increment_sequence_number(TopicPartition(topic, 0), 1)

    await append(pool, rows(topic, "a2"))
    await until(lambda: is_empty(pool), 10, "an empty outbox")

    await stopped(task)
    assert [dict(r.headers)["ce_id"] for r in await read(stack, topic, 2)] == [b"a1", b"a2"]
    assert len(opened) == 2


class RefusesOne(PutBackMeanwhile):
    """Acknowledges the first record, and has a failure of its own with the second."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.sends = 0

    async def send(self, *_: Any, **__: Any) -> asyncio.Future[None]:
        self.sends += 1
        answer: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        answer.set_result(None) if self.sends == 1 else answer.set_exception(UnknownError())
        return answer


async def test_what_was_acknowledged_beside_a_failure_is_not_sent_again(pool: Pool) -> None:
    await append(pool, rows("t", "a1", "a2"))
    relay, sender = holding_all(pool), Sender("tracking", cast(Any, RefusesOne(pool)))

    with pytest.raises(UnknownError):
        await relay.send_page(sender)

    assert [row["ce_id"] for row in await pool.fetch("SELECT ce_id FROM outbox")] == ["a2"]


async def test_a_topic_that_is_deleted_under_a_relay_stops_nothing_else(
    stack: Stack, pool: Pool, new_relay: NewRelay, topic: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The client knows it still, queues what is for it, and would wait for it to come back."""
    monkeypatch.setattr("services.chassis.outbox.sender._ASK_SECONDS", 0.5)
    monkeypatch.setattr("services.chassis.kafka.clients.STOP_SECONDS", 0.5)
    gone = await new_topic(stack)
    task = await running(new_relay())
    await append(pool, rows(gone, "a1"))
    await until(lambda: is_empty(pool), 10, "the first record")
    await delete_topic(stack, gone)

    await append(pool, [*rows(gone, "a2"), *rows(topic, "a3")])
    (record,) = await read(stack, topic, 1)

    async def aside() -> bool:
        return await left(pool, "outbox_failed") == 1 and await left(pool) == 0

    await until(aside, 20, "the row put aside")
    await stopped(task)
    assert dict(record.headers)["ce_id"] == b"a3"


class NeverAnswers(PutBackMeanwhile):
    """Takes what it is given, and waits for a broker that is away."""

    def __init__(self, pool: Pool) -> None:
        super().__init__(pool)
        self.opening, self.took, self.let_go = asyncio.Event(), asyncio.Event(), asyncio.Event()

    async def send(self, *_: Any, **__: Any) -> asyncio.Future[None]:
        self.took.set()
        return asyncio.get_running_loop().create_future()

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[AIOKafkaProducer]:
        self.opening.set()
        try:
            yield cast(Any, self)
        finally:
            self.let_go.set()


_END_OF_RELAY = """
SELECT pg_terminate_backend(pid) FROM pg_stat_activity
WHERE datname = current_database() AND application_name = 'tracking-relay'
"""


async def test_a_relay_that_loses_its_locks_lets_its_producer_go_though_it_waits_for_the_broker(
    pool: Pool, url: str
) -> None:
    """What it holds would come behind what a store that was put back has read back and told anew."""
    await append(pool, rows("t", "a1"))
    producer = NeverAnswers(pool)
    task = await running(Relay("tracking", url, pool, producer.opened, RestoreDetector()))
    await asyncio.wait_for(producer.took.wait(), 10)

    await pool.execute(_END_OF_RELAY)

    await asyncio.wait_for(producer.let_go.wait(), 10)
    await stopped(task)


@pytest.mark.parametrize(
    ("meanwhile", "tasks"),
    [("SELECT", 0), ("DELETE FROM outbox", 0), (_OTHERS, 1)],
    ids=["as it was", "another relay has sent it", "put back"],
)
async def test_what_a_relay_has_handed_over_without_an_answer_is_read_back_where_the_store_was_put_back(
    pool: Pool, url: str, meanwhile: str, tasks: int
) -> None:
    """It may have reached the broker after others have compared the store with it."""
    await append(pool, rows("t", "a1"))
    producer = NeverAnswers(pool)
    task = await running(Relay("tracking", url, pool, producer.opened, RestoreDetector()))
    await asyncio.wait_for(producer.took.wait(), 10)
    producer.opening.clear()

    await pool.execute(f"{meanwhile}; {_END_OF_RELAY}")
    await asyncio.wait_for(producer.opening.wait(), 10)

    await stopped(task)
    assert await left(pool, "recovery_task") == tasks


async def test_a_producer_that_is_let_go_sends_nothing_more(
    settings: ServiceSettings, stack: Stack, topic: str
) -> None:
    async with clients.patient_producer(settings) as producer:
        await producer.send_and_wait(topic, b"{}", partition=0)
        await producer.send(topic, b"{}", partition=0)

    consumer = AIOKafkaConsumer(**stack.access.options())
    await consumer.start()
    ends = await consumer.end_offsets([TopicPartition(topic, 0)])
    await consumer.stop()
    assert list(ends.values()) == [1]


async def test_what_a_relay_has_queued_waits_for_a_leader_for_ever(settings: ServiceSettings) -> None:
    """The client would give it up after the time of a request, and a bounded producer does."""
    assert [await given_up_after_a_day(settings, patient=p) for p in (True, False)] == [False, True]


async def given_up_after_a_day(settings: ServiceSettings, *, patient: bool) -> bool:
    producer = clients.new_producer(settings, patient=patient)
    queue, partition = producer._message_accumulator, TopicPartition("t", 0)
    queue._cluster = SimpleNamespace(leader_for_partition=lambda _: -1)
    record = await queue.add_message(partition, b"key", b"{}", 1)
    queue._batches[partition][0]._ctime -= timedelta(days=1).total_seconds()

    queue.drain_by_nodes(())

    return bool(record.done())
