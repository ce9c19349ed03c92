"""Reading back from a real broker: what is noticed, how far it is read, and how long it is waited for ingest."""

from __future__ import annotations

import asyncio
import json
import time
import uuid
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from typing import Any

import pytest
from aiokafka import AIOKafkaProducer
from aiokafka.admin import AIOKafkaAdminClient, NewTopic

from contracts import catalogue
from contracts.envelope import codec
from contracts.topics import Topic
from deploy.local.stack import Stack
from services.chassis.base.restore_detection import RestoreDetector, StoreCheck
from services.chassis.base.settings import ServiceSettings
from services.chassis.kafka import clients
from services.chassis.recovery.published_state import Entities
from services.chassis.recovery.recovery import Reads, Recovery
from services.tracking.domain import recovered
from tests.support import builders as b
from tests.support.settings import kafka_settings
from tests.support.steps import meet_another_server
from tests.support.stores import Store
from tests.support.system import until

pytestmark = pytest.mark.servers

_FORGOTTEN = "UPDATE store_mark SET value = 1; DELETE FROM fold_queue; DELETE FROM picture"
_POSITION = "INSERT INTO position (topic, partition, topic_id, next_offset) VALUES ($1, $2, '', $3)"


@dataclass
class Speech:
    """A service's store with topics of its own: one that it has written, and one that it reads."""

    store: Store
    settings: ServiceSettings
    producer: AIOKafkaProducer
    spoken: Topic
    heard: Topic

    def copy(self, *, reads: bool = False, holds_back: Callable[[str], bool] = lambda _: False) -> Recovery:
        return Recovery(
            "tracking",
            Entities((self.spoken,), recovered.owner, recovered.closing),
            Reads([self.heard] if reads else [], holds_back),
            self.store.pool,
            self.store.settler.folding.mark,
            self.store.settler.wake,
            self.settings,
            self.producer,
        )

    async def say(self, count: int = 1, version: int = 7) -> None:
        """Records of so many exceptions of one subject, in one version."""
        for number in range(count):
            name = f"exception:R{number}/{b.TRAIN}"
            data = {
                "exception": name,
                "rule": f"R{number}",
                "subject": b.TRAIN,
                "severity": "WARNING",
                "state": "open",
                "opened_at": b.hours(0),
                "version": version,
                "recorded_at": b.hours(0),
            }
            headers = codec.encode(id=name, source="urn:corridor:tracking", type=catalogue.EXCEPTION, subject=name)
            await self.producer.send(self.spoken.name, json.dumps(data).encode(), key=name.encode(), headers=headers)
        await self.producer.flush()

    async def hear(self, count: int) -> None:
        """Records to read, in the first partition."""
        for _ in range(count):
            await self.producer.send_and_wait(self.heard.name, b"x", partition=0)

    async def tasks(self) -> list[dict[str, Any]]:
        return await self.store.rows("recovery_task")

    async def book(self) -> dict[str, Any]:
        text = await self.store.pool.fetchval("SELECT published FROM picture WHERE subject = $1", b.TRAIN)
        book: dict[str, Any] = json.loads(text or "{}")
        return book


@pytest.fixture
async def speech(stack: Stack, store: Store) -> AsyncIterator[Speech]:
    rows = [
        Topic(f"{kind}-{uuid.uuid4().hex[:8]}", "entity", ("tracking",), (), (catalogue.EXCEPTION,))
        for kind in ("spoken", "heard")
    ]
    admin = AIOKafkaAdminClient(**stack.access.options())
    await admin.start()
    await admin.create_topics([NewTopic(row.name, 2, 1, topic_configs=row.config()) for row in rows])
    await admin.close()
    settings = ServiceSettings(
        **kafka_settings(stack.access), database_url="postgresql://nowhere", http_port=0, copy_name="c"
    )
    producer = clients.new_producer(settings, patient=False)
    await clients.start_producer(producer)
    yield Speech(store, settings, producer, *rows)
    await clients.stop_client(producer)


async def test_what_the_topics_have_and_the_store_does_not_know_is_noticed(speech: Speech) -> None:
    await speech.say()

    await speech.copy().check()

    assert len(await speech.tasks()) == 1


async def test_nothing_is_noticed_where_all_is_known(speech: Speech) -> None:
    await speech.say()
    await speech.copy().check()
    await speech.copy().round()

    await speech.copy().check()

    assert await speech.tasks() == []


async def test_more_than_a_page_is_read_back(speech: Speech) -> None:
    await speech.say(count=1200)
    await speech.copy().check()

    await speech.copy().round()

    assert {entry[0] for entry in (await speech.book()).values()} == {7}
    assert (len(await speech.book()), await speech.tasks()) == (1200, [])


async def test_only_what_was_told_since_the_mark_is_read(speech: Speech) -> None:
    """With an allowance for clocks that differ."""
    await speech.say()
    await speech.store.pool.execute("UPDATE store_mark SET value = $1", time.time_ns() // 1000 + 40_000_000)
    await speech.store.pool.execute("INSERT INTO recovery_task SELECT true, value, 1 FROM store_mark")

    await speech.copy().round()

    assert (await speech.book(), await speech.tasks()) == ({}, [])


async def test_a_mark_of_a_clock_that_was_ahead_leaves_nothing_out(speech: Speech) -> None:
    await speech.say()
    await speech.store.pool.execute("UPDATE store_mark SET value = $1", time.time_ns() // 1000 + 10**15)

    await speech.copy().check()
    await speech.copy().round()

    assert len(await speech.book()) == 1


async def reading_back(speech: Speech) -> asyncio.Task[None]:
    """A copy that has taken up what was told, and waits for ingest, which has one of three records to read."""
    await speech.say()
    await speech.hear(3)
    await speech.copy().check()
    await speech.store.pool.execute(_POSITION, speech.heard.name, 0, 2)

    doing = asyncio.create_task(speech.copy(reads=True).round())
    await until(lambda: _has(speech.book), 20, "what was told")
    return doing


async def test_it_is_not_done_before_ingest_is_where_its_topics_ended(speech: Speech) -> None:
    doing = await reading_back(speech)
    waiting = await speech.tasks()
    await speech.store.pool.execute("UPDATE position SET next_offset = 3")
    await asyncio.wait_for(doing, 20)

    assert (len(waiting), await speech.tasks()) == (1, [])


async def test_a_topic_that_is_left_alone_for_now_is_not_waited_for(speech: Speech) -> None:
    await speech.say()
    await speech.hear(3)
    await speech.copy().check()

    await asyncio.wait_for(speech.copy(reads=True, holds_back=lambda _: True).round(), 20)

    assert await speech.tasks() == []


async def test_a_store_that_is_put_back_once_more_gets_a_task_of_its_own(speech: Speech) -> None:
    doing = await reading_back(speech)
    await speech.store.pool.execute(
        "UPDATE recovery_task SET noticed = noticed + 1; UPDATE position SET next_offset = 3"
    )
    await asyncio.wait_for(doing, 20)

    assert len(await speech.tasks()) == 1


async def test_a_copy_that_meets_another_server_compares_and_reads_from_the_mark_of_the_backup(speech: Speech) -> None:
    await speech.say()
    await speech.copy().check()
    await speech.copy().round()
    await speech.store.pool.execute(_FORGOTTEN)
    mark = speech.store.settler.folding.mark = RestoreDetector()
    await meet_another_server(mark)

    look = await mark.check(speech.store.pool)
    await speech.copy().round()

    assert (look, len(await speech.book()), await speech.tasks()) == (StoreCheck.NOT_COMPARED, 1, [])
    assert await mark.check(speech.store.pool) is StoreCheck.UNCHANGED


async def test_a_task_that_was_begun_before_the_store_was_put_back_is_not_ended(speech: Speech) -> None:
    """The backup may have the task as it was, and not what had been taken up."""
    doing = await reading_back(speech)
    await speech.store.pool.execute("UPDATE store_mark SET value = 1; UPDATE position SET next_offset = 3")
    await asyncio.wait_for(doing, 20)

    assert len(await speech.tasks()) == 1


async def test_what_a_copy_is_at_is_left_to_it_until_its_time_is_over(speech: Speech) -> None:
    await speech.say()
    await speech.copy().check()
    await speech.store.pool.execute("UPDATE recovery_task SET until = clock_timestamp() + interval '1 hour'")
    await speech.copy().round()
    left = await speech.tasks()

    await speech.store.pool.execute("UPDATE recovery_task SET until = clock_timestamp()")
    await speech.copy().round()

    assert (len(left), await speech.tasks()) == (1, [])


async def test_a_late_record_that_is_below_what_is_known_has_its_subject_published_again(speech: Speech) -> None:
    await speech.say(version=9)
    await speech.copy().check()
    await speech.copy().round()
    await speech.store.pool.execute("DELETE FROM fold_queue")
    await speech.say(version=8)
    await speech.store.settler.folding.mark.check(speech.store.pool, 0)

    await speech.copy().round()

    assert [row["cause"] for row in await speech.store.rows("fold_queue")] == ["republish"]


async def _has(what: Callable[[], Any]) -> bool:
    return bool(await what())
