"""Growth is bounded: what is old goes by age, in pages, beside the work; what is never to go stays."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta
from typing import Any

import pytest

from deploy.local.stack import Stack
from services.chassis.service.purge import Purge
from services.notifications.app import blueprint as notifications
from services.tracking.app import blueprint as tracking
from tests.support import builders as b
from tests.support.stores import AS_OF, Store, empty, fresh_store

pytestmark = pytest.mark.servers

_RECEIPTS = """
INSERT INTO receipt (party, outcome, recorded_at) SELECT 'pr', 'accepted', $1 FROM generate_series(1, $2::int)
"""
_DEAD = """
INSERT INTO dead_letter (topic, topic_id, partition, "offset", headers, reason, path, detail, recorded_at, resolution)
VALUES ('t', '1', 0, $1, '[]', $2, '$', '', $3, $4)
"""
_HISTORY = """
INSERT INTO history (subject, recorded_from, kind, version, status, exceptions) VALUES ($1, $2, 'train', $3, 's', 0)
"""
_ITEM = """
WITH one AS (INSERT INTO item (item, entity, subject, fact, content, late, recorded_at)
    VALUES (gen_random_uuid(), 'e', 's', 'f', '{}', false, $2) RETURNING item),
known AS (INSERT INTO feed VALUES ('pr', 9) ON CONFLICT DO NOTHING)
INSERT INTO delivery (party, sequence, item, action, alert) SELECT 'pr', $1, item, 'new', false FROM one
"""


@pytest.fixture(scope="module")
async def shared(stack: Stack) -> AsyncIterator[Mapping[str, Store]]:
    assert stack.admin_url
    async with (
        fresh_store(stack.admin_url, tracking()) as one,
        fresh_store(stack.admin_url, notifications()) as other,
    ):
        yield {"tracking": one, "notifications": other}


@pytest.fixture
async def store(shared: Mapping[str, Store]) -> Store:
    await empty(shared["tracking"])
    return Store(shared["tracking"].blueprint, shared["tracking"].pool)


def purge_of(store: Store, **days: int) -> Purge:
    plan = store.blueprint
    return Purge(plan.name, plan.purges, days, store.pool, store.clock)


def ago(days: float) -> Any:
    return AS_OF - timedelta(days=days)


async def test_old_receipts_go_page_by_page_and_young_ones_stay(store: Store) -> None:
    await store.pool.execute(_RECEIPTS, ago(31), 250)
    await store.pool.execute(_RECEIPTS, ago(29), 7)

    gone = await purge_of(store).purge(page=100)

    assert gone["receipt"] == 250
    assert len(await store.rows("receipt")) == 7


async def test_how_long_is_a_setting(store: Store) -> None:
    await store.pool.execute(_RECEIPTS, ago(2), 3)

    assert (await purge_of(store, receipt=1).purge())["receipt"] == 3


async def test_dead_letters_go_but_for_what_waits_in_quarantine(store: Store) -> None:
    rows = [("not_json", None), ("quarantined", None), ("quarantined", "replayed")]
    for offset, (reason, resolution) in enumerate(rows):
        await store.pool.execute(_DEAD, offset, reason, ago(91), resolution)

    await purge_of(store).purge()

    assert [(d["reason"], d["resolution"]) for d in await store.rows("dead_letter")] == [("quarantined", None)]


async def test_history_keeps_what_was_known_at_the_cut_off(store: Store) -> None:
    for version, days in enumerate([500, 450, 420, 300]):
        await store.pool.execute(_HISTORY, "train:pr/A/2026-01-01", ago(days), version)
    await store.pool.execute(_HISTORY, "train:pr/B/2026-01-01", ago(500), 1)

    await purge_of(store).purge()

    left = [(h["subject"][6:10], h["version"]) for h in await store.rows("history")]
    assert sorted(left) == [("pr/A", 2), ("pr/A", 3), ("pr/B", 1)]


async def test_old_items_go_with_their_deliveries(shared: Mapping[str, Store]) -> None:
    store = shared["notifications"]
    await empty(store)
    for sequence, days in ((1, 31), (2, 31), (4, 1)):
        await store.pool.execute(_ITEM, sequence, ago(days))

    await purge_of(store).purge()

    assert [d["sequence"] for d in await store.rows("delivery")] == [4]
    assert [i["sequence"] for i in await store.deliveries()] == [4]


async def test_heads_revisions_and_pictures_stay(store: Store) -> None:
    await store.feed([b.a_plan(), b.a_milestone("DEPA")])
    before = [await store.rows(table) for table in ("head", "event", "picture", "link")]
    store.clock.step(AS_OF + timedelta(days=4000))

    gone = await purge_of(store).purge()

    assert gone["receipt"] > 0
    assert [await store.rows(table) for table in ("head", "event", "picture", "link")] == before


async def test_it_keeps_up_while_the_store_is_written_to(store: Store) -> None:
    await store.pool.execute(_RECEIPTS, ago(40), 5000)

    async def write() -> None:
        for number in range(40):
            await store.feed([b.a_milestone("PASS", at=number, id=f"p{number}")])

    _, gone = await asyncio.gather(write(), purge_of(store).purge(page=200))

    assert gone["receipt"] == 5000
    old = [r for r in await store.rows("receipt") if r["recorded_at"] < ago(30)]
    assert (old, len(await store.rows("event"))) == ([], 40)


async def test_two_copies_do_not_get_into_each_others_way(store: Store) -> None:
    await store.pool.execute(_RECEIPTS, ago(40), 1000)

    both = await asyncio.gather(*(purge_of(store).purge(page=50) for _ in range(2)))
    last = await purge_of(store).purge()

    assert sum(one["receipt"] for one in (*both, last)) == 1000
