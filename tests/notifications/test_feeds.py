"""Feeds: numbers in one chain for each party, whoever writes, and nothing behind a cursor."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Iterable, Sequence
from datetime import timedelta
from types import SimpleNamespace
from typing import Any, cast

import pytest

from services.chassis.base.database import Connection, transaction
from services.chassis.projection.changes import PictureChange
from services.chassis.queue.fold_queue import QueueRow
from services.notifications import feeds
from services.notifications.app import blueprint
from services.notifications.domain.items import Delivery, Item
from tests.support import builders as b
from tests.support.fixtures import store_fixture
from tests.support.pipeline import all_taken_out, cleared
from tests.support.stores import AS_OF, Store

pytestmark = pytest.mark.servers

PARTY = "corridor-control"


shared_store = store_fixture(blueprint)


@pytest.fixture
async def copy(shared_store: Store) -> Store:
    return await cleared(shared_store)


async def owe(connection: Connection, *facts: str, parties: Iterable[str] = (PARTY,)) -> None:
    """Delivers items as the fold of one picture owes them."""
    content = {"topic": "milestone", "subject": b.TRAIN}
    deliveries = tuple(Delivery(party, "new") for party in parties)
    items = [Item(str(uuid.uuid4()), b.TRAIN, fact, content, deliveries) for fact in facts]
    change = SimpleNamespace(
        subject=b.TRAIN, folded=SimpleNamespace(rows=items), row=QueueRow(b.TRAIN, "report"), recorded_at=AS_OF
    )
    await feeds.deliver(connection, [cast(PictureChange, change)], timedelta(days=999))


async def owe_at_once(copy: Store, *facts: str, parties: Iterable[str] = (PARTY,)) -> None:
    async with transaction(copy.pool) as connection:
        await owe(connection, *facts, parties=parties)


async def feed(copy: Store, after: int = 0, party: str = PARTY) -> list[dict[str, Any]]:
    """What is shown once everything has been sent."""
    await all_taken_out(copy)
    return await feeds.read_feed(copy.pool, party, after, 10_000)


def facts(items: Sequence[dict[str, Any]]) -> list[str]:
    return [i["fact"] for i in items]


def is_chain(items: Sequence[dict[str, Any]]) -> bool:
    """Whether numbers rise and each item names the one before it."""
    numbers = [i["sequence"] for i in items]
    named = [i.get("previous_sequence") for i in items]
    return numbers == sorted(set(numbers)) and named == [None, *numbers[:-1]]


async def test_numbers_rise_and_each_item_names_the_one_before(copy: Store) -> None:
    await owe_at_once(copy, *(f"f{n:02}" for n in range(20)))
    await owe_at_once(copy, "later")

    items = await feed(copy)

    assert facts(items) == [*(f"f{n:02}" for n in range(20)), "later"]
    assert is_chain(items)


async def test_each_party_has_a_chain_of_its_own_over_items_that_are_stored_once(copy: Store) -> None:
    parties = ("pr", "rai", "trk", PARTY)
    await owe_at_once(copy, "one", "two", parties=parties)
    await owe_at_once(copy, "three", parties=parties[:2])

    seen = {party: await feed(copy, party=party) for party in parties}

    assert {party: facts(items) for party, items in seen.items()} == {
        "pr": ["one", "two", "three"],
        "rai": ["one", "two", "three"],
        "trk": ["one", "two"],
        PARTY: ["one", "two"],
    }
    assert all(map(is_chain, seen.values()))
    assert len(await copy.rows("item")) == 3


async def test_numbers_follow_the_real_clock_so_that_they_rise_across_a_restored_store(copy: Store) -> None:
    await owe_at_once(copy, "one")
    (before,) = await feed(copy)
    await copy.pool.execute("DELETE FROM item; DELETE FROM delivery; UPDATE feed SET sequence = 5")

    await owe_at_once(copy, "again")

    assert (await feed(copy))[0]["sequence"] > before["sequence"]


async def test_what_is_published_is_what_the_feed_shows(copy: Store) -> None:
    await owe_at_once(copy, "one", "two", parties=["pr", PARTY])

    records = await all_taken_out(copy)

    for party in ("pr", PARTY):
        sent = [json.loads(r.value or b"") for r in records if r.topic == f"notifications-{party}"]
        assert sent == await feed(copy, party=party)
    assert {dict(r.headers)["ce_type"] for r in records} == {b"corridor.notification.published.v1"}


async def test_what_has_not_been_sent_is_not_shown(copy: Store) -> None:
    """Nor is anything with a higher number, of whichever party."""
    await owe_at_once(copy, "one")
    cursor = (await feed(copy))[-1]["sequence"]
    await owe_at_once(copy, "two")

    assert facts(await feeds.read_feed(copy.pool, PARTY, 0, 10)) == ["one"]
    assert facts(await feeds.read_feed_end(copy.pool, PARTY, 10, 2**62)) == ["one"]
    assert await feeds.read_cursor(copy.pool, PARTY) == cursor
    assert facts(await feed(copy)) == ["one", "two"]


async def test_writers_at_once_give_one_chain_without_gaps_and_twins(copy: Store) -> None:
    """Of feeds that some of them share."""
    names = [f"f{n:03}" for n in range(60)]

    async def write(mine: Sequence[str], parties: Sequence[str]) -> None:
        for name in mine:
            await owe_at_once(copy, name, parties=parties)

    writers = [write(names[0::3], ["pr", PARTY]), write(names[1::3], [PARTY, "rai"]), write(names[2::3], ["rai", "pr"])]
    await asyncio.wait_for(asyncio.gather(*writers), 60)

    for party in ("pr", "rai", PARTY):
        items = await feed(copy, party=party)
        assert (len(items), is_chain(items)) == (40, True)


async def test_a_number_waits_for_the_transaction_that_gave_the_one_before(copy: Store) -> None:
    """Or a reader would pass by what is committed late."""
    begun = asyncio.Event()

    async def late() -> None:
        async with transaction(copy.pool) as connection:
            await owe(connection, "second")
            begun.set()

    async with transaction(copy.pool) as connection:
        await owe(connection, "first")
        waiting = asyncio.create_task(late())
        for _ in range(20):
            await connection.fetchval("SELECT 1")
        assert not begun.is_set()
    await asyncio.wait_for(waiting, 10)

    assert facts(await feed(copy)) == ["first", "second"]
    assert is_chain(await feed(copy))


async def test_a_reader_that_looks_all_the_time_gets_every_item_once(copy: Store) -> None:
    """Readers and transactions of all lengths, interleaved."""
    names = [f"f{n}" for n in range(60)]
    read: list[str] = []

    async def write(mine: Sequence[str], pause: int) -> None:
        for name in mine:
            async with transaction(copy.pool) as connection:
                await owe(connection, name)
                for _ in range(pause):
                    await connection.fetchval("SELECT 1")

    async def look() -> None:
        cursor = 0
        while len(read) < len(names):
            for item in await feed(copy, after=cursor):
                cursor = item["sequence"]
                read.append(item["fact"])

    writers = [write(names[0::3], 0), write(names[1::3], 5), write(names[2::3], 15)]
    await asyncio.wait_for(asyncio.gather(*writers, look()), 60)

    assert sorted(read) == sorted(names)


async def test_a_page_costs_the_same_number_of_statements_whatever_is_on_it(copy: Store) -> None:
    await owe_at_once(copy, "the feed is there")

    counts = [await statements_of(copy, size) for size in (1, 10, 200)]

    assert counts[0] == counts[1] == counts[2]


async def statements_of(copy: Store, size: int) -> int:
    async with copy.pool.acquire() as connection:
        asked: list[str] = []
        with connection.query_logger(lambda record: asked.append(record.query)):
            async with connection.transaction():
                await owe(connection, *(f"f{size}-{n}" for n in range(size)))
    return len(asked)
