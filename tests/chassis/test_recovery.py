"""A store that was put back reads back what it has told: nothing is left standing that nobody knows of."""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord

from contracts import topics
from contracts.envelope.codec import Event
from services.chassis.base.restore_detection import RestoreDetector, StoreCheck
from tests.support import builders as b
from tests.support.pipeline import all_taken_out
from tests.support.steps import go_back, meet_another_server, read_back, save
from tests.support.stores import Store

pytestmark = pytest.mark.servers

Records = list[ConsumerRecord[bytes, bytes]]


def disagreeing() -> list[Event]:
    """Two contents at one instant, which open an exception."""
    return [b.a_milestone("DEPA", at=at, id="d", updated_at=b.hours(9)) for at in (3, 4)]


async def given_up(store: Store, *events: Event) -> Records:
    """What is told of these events; then the store is put back to before them."""
    await save(store.pool)
    await store.feed(events)
    told = await all_taken_out(store)
    await go_back(store)
    return told


async def said(store: Store) -> dict[str, dict[str, Any]]:
    """What each entity was last said to be, with its stamps."""
    records = [r for r in await all_taken_out(store) if r.topic == topics.TRACKING_EVENTS.name]
    return {(r.key or b"").decode(): json.loads(r.value or b"") for r in records}


def version(told: Records, entity: str) -> int:
    return int(max(json.loads(r.value or b"")["version"] for r in told if r.key == entity.encode()))


async def test_an_exception_of_a_course_that_was_given_up_is_closed(store: Store) -> None:
    await store.feed([b.a_consist()])
    told = await given_up(store, *disagreeing())
    (opened,) = [r for r in told if (r.key or b"").startswith(b"exception:")]

    await read_back(store, told)
    await store.settle()

    closed = (await said(store))[(opened.key or b"").decode()]
    before = json.loads(opened.value or b"")
    assert (before["state"], closed["state"]) == ("open", "closed")
    assert closed["version"] > before["version"] == closed["previous_version"]


async def test_a_picture_that_went_further_is_told_as_it_is_now(store: Store) -> None:
    await store.feed([b.a_consist()])
    told = await given_up(store, b.a_milestone("DEPA", at=2))

    await read_back(store, told)
    await store.settle()

    now = (await said(store))[b.TRAIN]
    assert now["status"] == "at_point"
    assert (now["previous_version"], now["redrawn"]) == (version(told, b.TRAIN), True)


async def test_what_the_store_knows_is_not_told_again(store: Store) -> None:
    await store.feed([b.a_consist()])
    told = await all_taken_out(store)
    await given_up(store)

    await read_back(store, told)
    await store.settle()

    assert await said(store) == {}


async def test_what_nobody_of_us_has_written_is_left_out(store: Store) -> None:
    told = await given_up(store, b.a_consist(), *disagreeing())
    foreign = [
        replace(r, headers=[(n, b"urn:corridor:rai:x" if n == "ce_source" else v) for n, v in r.headers])
        for r in told
        if r.topic == topics.TRACKING_EVENTS.name
    ]

    await read_back(store, [*foreign, b.a_record(topics.TRACKING_EVENTS.name, 99, [], b"\xff", b"x")])
    await store.settle()

    assert await store.rows("picture") == []


async def test_nothing_is_folded_before_it_is_read_back(store: Store) -> None:
    await given_up(store)
    await store.feed([b.a_consist()])
    waiting = len(await store.rows("fold_queue"))

    await read_back(store, [])
    await store.settle()

    assert waiting
    assert b.TRAIN in await store.pictures()


async def test_nothing_is_folded_where_the_mark_is_older_than_it_was_left(store: Store) -> None:
    await store.settler.folding.mark.check(store.pool)
    await store.pool.execute("UPDATE store_mark SET value = 1")

    await store.feed([b.a_consist()])

    assert await store.pictures() == {}


async def test_one_copy_notices_and_no_other(store: Store) -> None:
    first, second = RestoreDetector(), RestoreDetector()
    await first.check(store.pool)
    await second.check(store.pool)
    await store.pool.execute("UPDATE store_mark SET value = 1")

    assert [await one.check(store.pool) for one in (second, first, second)] == [
        StoreCheck.RESTORED,
        StoreCheck.UNCHANGED,
        StoreCheck.UNCHANGED,
    ]
    assert [row["since"] for row in await store.rows("recovery_task")] == [1]


async def test_a_store_that_was_not_put_back_has_nothing_to_read_back(store: Store) -> None:
    mark = RestoreDetector()

    assert [await mark.check(store.pool) for _ in range(3)] == [StoreCheck.UNCHANGED] * 3
    assert await store.rows("recovery_task") == []


async def test_nothing_is_folded_on_another_server_before_the_store_was_compared(store: Store) -> None:
    """However old the mark is that a copy has left: the server may lack what the one before had committed last."""
    mark = store.settler.folding.mark
    await meet_another_server(mark)
    await store.feed([b.a_consist()])
    before = await store.pictures()

    _, server = await mark.found(store.pool)
    await mark.check(store.pool, compared=server)
    await store.settle()

    assert (before, b.TRAIN in await store.pictures()) == ({}, True)


async def test_a_server_that_is_met_again_is_the_one_that_was_compared(store: Store) -> None:
    """Such as one that was merely started anew: nobody waits."""
    mark = store.settler.folding.mark
    _, server = await mark.found(store.pool)
    await mark.check(store.pool, compared=server)

    async with store.pool.acquire() as connection:
        await mark.meet(connection)
    await store.feed([b.a_consist()])

    assert b.TRAIN in await store.pictures()


async def test_the_mark_of_a_backup_stays_until_the_store_was_compared(store: Store) -> None:
    """It says since when our topics may have had what the store does not know."""
    mark = RestoreDetector()
    await meet_another_server(mark)
    (before,) = await store.rows("store_mark")
    looks = [await mark.check(store.pool) for _ in range(2)]

    assert looks == [StoreCheck.NOT_COMPARED] * 2
    assert await store.rows("store_mark") == [before]


async def test_a_comparison_on_a_server_that_is_gone_does_not_count(store: Store) -> None:
    assert await RestoreDetector().check(store.pool, compared="the server before") is StoreCheck.NOT_COMPARED


async def test_what_is_noticed_while_the_store_is_not_compared_is_noted_all_the_same(store: Store) -> None:
    mark = RestoreDetector()
    await meet_another_server(mark)

    await mark.check(store.pool, 5)

    assert [row["since"] for row in await store.rows("recovery_task")] == [5]


async def test_a_store_that_is_put_back_while_a_copy_compares_it_is_noticed(store: Store) -> None:
    first, starting = RestoreDetector(), RestoreDetector()
    await first.check(store.pool)
    _, server = await starting.found(store.pool)
    await store.pool.execute("UPDATE store_mark SET value = 1")

    assert await starting.check(store.pool, compared=server) is StoreCheck.RESTORED
