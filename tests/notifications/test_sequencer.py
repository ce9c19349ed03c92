"""The sequencer: numbers for what is committed, in one chain for each party, whoever numbers."""

from __future__ import annotations

import asyncio
import json
import uuid
from collections.abc import Sequence
from typing import Any

import pytest

from services.chassis.base.database import Connection, transaction
from services.notifications import sequencer, store
from services.notifications.app import blueprint
from services.notifications.sequencer import number_all, number_shards
from tests.support import builders as b
from tests.support.fixtures import store_fixture
from tests.support.pipeline import all_taken_out, cleared, runtime_of
from tests.support.stores import Store

pytestmark = pytest.mark.servers

PARTY = "corridor-control"
SHARD = store.shard_of(PARTY)
_INSERT = """
INSERT INTO item (item, party, shard, entity, subject, fact, action, content, alert, late, recorded_at)
VALUES ($1, $2, $3, $4, $4, $5, 'new', $6::jsonb, true, false, $7)
"""


shared_store = store_fixture(blueprint)


@pytest.fixture
async def copy(shared_store: Store) -> Store:
    return await cleared(shared_store)


async def owe(connection: Any, *facts: str, party: str = PARTY) -> None:
    """Items as a round of settle writes them."""
    for fact in facts:
        shard = store.shard_of(party)
        content = json.dumps({"topic": "milestone", "subject": b.TRAIN})
        await connection.execute(_INSERT, uuid.uuid4(), party, shard, b.TRAIN, fact, content, b.START)


async def feed(copy: Store, after: int = 0, party: str = PARTY) -> list[dict[str, Any]]:
    """What is shown once everything has been sent."""
    await all_taken_out(copy)
    return await store.read_feed(copy.pool, party, after, 10_000)


def facts(items: Sequence[dict[str, Any]]) -> list[str]:
    return [i["fact"] for i in items]


def is_chain(items: Sequence[dict[str, Any]]) -> bool:
    """Whether numbers rise and each item names the one before it."""
    numbers = [i["sequence"] for i in items]
    named = [i.get("previous_sequence") for i in items]
    return numbers == sorted(set(numbers)) and named == [None, *numbers[:-1]]


async def test_numbers_rise_and_each_item_names_the_one_before(copy: Store) -> None:
    await owe(copy.pool, *(f"f{n}" for n in range(20)))

    await number_all(runtime_of(copy))
    await owe(copy.pool, "later")
    await number_all(runtime_of(copy))

    items = await feed(copy)
    assert facts(items) == [*(f"f{n}" for n in range(20)), "later"]
    assert is_chain(items)


async def test_each_party_has_a_chain_of_its_own(copy: Store) -> None:
    for party in ("pr", "rai", "trk", PARTY):
        await owe(copy.pool, "one", "two", party=party)

    await number_all(runtime_of(copy))

    for party in ("pr", "rai", "trk", PARTY):
        items = await feed(copy, party=party)
        assert (facts(items), is_chain(items)) == (["one", "two"], True)


async def test_numbers_follow_the_real_clock_so_that_they_rise_across_a_store_put_back(copy: Store) -> None:
    await owe(copy.pool, "one")
    await number_all(runtime_of(copy))
    (before,) = await feed(copy)
    await copy.pool.execute("DELETE FROM item")
    await copy.pool.execute("UPDATE feed SET sequence = 5")

    await owe(copy.pool, "again")
    await number_all(runtime_of(copy))

    assert (await feed(copy))[0]["sequence"] > before["sequence"]


async def test_more_than_a_page_is_numbered_in_order(copy: Store) -> None:
    names = [f"f{n:04}" for n in range(sequencer.PAGE + 7)]
    async with transaction(copy.pool) as connection:
        await owe(connection, *names)

    while await number_all(runtime_of(copy)):
        pass

    items = await feed(copy)
    assert (facts(items), is_chain(items)) == (names, True)


async def test_what_is_numbered_is_published_in_the_same_transaction(copy: Store) -> None:
    """A crash between the two leaves neither."""
    await owe(copy.pool, "one")

    with pytest.raises(ZeroDivisionError):
        async with transaction(copy.pool) as connection:
            assert await number_shards(connection, [SHARD]) == 1
            raise ZeroDivisionError

    assert await feed(copy) == []
    assert await copy.rows("outbox") == []
    await number_all(runtime_of(copy))
    assert [json.loads(o["body"])["fact"] for o in await copy.rows("outbox")] == ["one"]


async def test_what_is_published_is_what_the_feed_shows(copy: Store) -> None:
    await owe(copy.pool, "one", "two")
    await number_all(runtime_of(copy))

    rows = await copy.rows("outbox")
    assert [json.loads(r["body"]) for r in rows] == await feed(copy)
    assert {(r["topic"], r["ce_type"]) for r in rows} == {
        (f"notifications-{PARTY}", "corridor.notification.published.v1")
    }


async def test_a_second_sequencer_leaves_a_shard_to_the_first_until_that_has_committed(copy: Store) -> None:
    await owe(copy.pool, "one", "two")

    async with transaction(copy.pool) as first:
        assert await number_shards(first, [SHARD]) == 2
        async with transaction(copy.pool) as second:
            assert await number_shards(second, [SHARD]) == 0

    async with transaction(copy.pool) as second:
        assert await number_shards(second, [SHARD]) == 0
    assert is_chain(await feed(copy))


async def test_sequencers_at_once_give_one_chain_without_gaps_and_twins(copy: Store) -> None:
    """Four sequencers, while items are written all the time."""
    names = [f"f{n}" for n in range(120)]
    written = asyncio.Event()

    async def write() -> None:
        await asyncio.gather(*(write_one_by_one(names[n::3]) for n in range(3)))
        written.set()

    async def write_one_by_one(mine: Sequence[str]) -> None:
        for name in mine:
            async with transaction(copy.pool) as connection:
                await owe(connection, name)

    async def number_along() -> None:
        while not written.is_set():
            await number_all(runtime_of(copy))

    await asyncio.wait_for(asyncio.gather(write(), *(number_along() for _ in range(4))), 60)
    while await number_all(runtime_of(copy)):
        pass

    assert len(await copy.rows("outbox")) == len(names)
    items = await feed(copy)
    assert (sorted(facts(items)), is_chain(items)) == (sorted(names), True)


async def test_an_item_that_is_committed_late_comes_behind_the_cursor(copy: Store) -> None:
    """Its row is older than one that has been read already: a cursor over rows would pass it by."""
    late = await copy.pool.acquire()
    held = late.transaction()
    await held.start()
    await owe(late, "begun first")
    await owe(copy.pool, "committed first")
    await number_all(runtime_of(copy))
    cursor = (await feed(copy))[-1]["sequence"]

    await held.commit()
    await copy.pool.release(late)
    await number_all(runtime_of(copy))

    assert facts(await feed(copy, after=cursor)) == ["begun first"]
    assert is_chain(await feed(copy))


async def test_a_reader_that_looks_all_the_time_gets_every_item_once(copy: Store) -> None:
    """Readers, sequencers and transactions of all lengths, interleaved."""
    names = [f"f{n}" for n in range(60)]
    read: list[str] = []
    done = asyncio.Event()

    async def write(mine: Sequence[str], pause: int) -> None:
        for name in mine:
            async with transaction(copy.pool) as connection:
                await owe(connection, name)
                for _ in range(pause):
                    await connection.fetchval("SELECT 1")

    async def number() -> None:
        while not done.is_set():
            await number_all(runtime_of(copy))

    async def look() -> None:
        cursor = 0
        while len(read) < len(names):
            for item in await feed(copy, after=cursor):
                cursor = item["sequence"]
                read.append(item["fact"])
        done.set()

    writers = [write(names[0::3], 0), write(names[1::3], 5), write(names[2::3], 15)]
    await asyncio.wait_for(asyncio.gather(*writers, number(), number(), look()), 60)

    assert sorted(read) == sorted(names)


async def test_a_page_costs_the_same_number_of_statements_whatever_is_on_it(copy: Store) -> None:
    counts = []
    for size in (1, 10, 200):
        async with transaction(copy.pool) as connection:
            await owe(connection, *(f"f{size}-{n}" for n in range(size)))
        counts.append(await statements_of_numbering(copy))

    assert counts[0] == counts[1] == counts[2]


async def statements_of_numbering(copy: Store) -> int:
    async with copy.pool.acquire() as connection:
        asked: list[str] = []
        with connection.query_logger(lambda record: asked.append(record.query)):
            async with connection.transaction():
                await number(connection)
    return len(asked)


async def number(connection: Connection) -> None:
    assert await number_shards(connection, [SHARD])
