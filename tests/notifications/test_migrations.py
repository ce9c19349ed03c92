"""A store in which each party had items of its own becomes one in which items are stored once."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator

import pytest

from contracts import catalogue
from contracts.envelope.codec import read_data
from deploy.local.stack import Stack
from services.chassis.base.database import Pool, open_pool
from services.chassis.base.migrate import CHASSIS, Migration, migrate_store, read_migrations
from services.chassis.outbox.outgoing import copies_of, shard_of
from services.notifications import feeds
from services.notifications.app import blueprint
from tests.support.stores import empty_database

pytestmark = pytest.mark.servers

SHARED_FROM = "20261130000701"
_ITEM = """
INSERT INTO item (item, party, shard, sequence, previous_sequence, entity, subject, fact, action, content, alert, late,
                  recorded_at)
VALUES (gen_random_uuid(), 'pr', 0, $1, $2, 'e', 'train:pr/PK0001/2026-06-22', $3, 'new',
        '{"topic": "milestone", "subject": "train:pr/PK0001/2026-06-22"}', $4, false, '2026-08-01T00:00:00Z')
"""


@pytest.fixture
async def pool(stack: Stack) -> AsyncIterator[Pool]:
    """A migrated store that had two numbered items and one without a number."""
    assert stack.admin_url
    files = read_migrations([CHASSIS, blueprint().migrations])
    async with empty_database(stack.admin_url) as url:
        await migrate_store(url, "test", before(files))
        pool = await open_pool(url, "test")
        for number, previous, fact in ((5, None, "one"), (7, 5, "two"), (None, None, "three")):
            await pool.execute(_ITEM, number, previous, fact, fact != "three")
        await pool.execute("INSERT INTO feed VALUES ('pr', 7)")
        await migrate_store(url, "test", files)
        yield pool
        pool.terminate()


def before(files: list[Migration]) -> list[Migration]:
    return [file for file in files if file.version < SHARED_FROM]


async def test_a_feed_has_what_it_had_and_what_had_no_number_yet(pool: Pool) -> None:
    rows = await pool.fetch("DELETE FROM outbox RETURNING *")

    items = await feeds.read_feed(pool, "pr", 0, 10)

    assert [i["fact"] for i in items] == ["one", "two", "three"]
    assert [i.get("previous_sequence") for i in items] == [None, *(i["sequence"] for i in items[:-1])]
    assert items[-1]["alert"] is False
    ((topic, body),) = copies_of(rows[0])
    shown = read_data(catalogue.NOTIFICATION, json.dumps(items[-1]).encode())
    assert topic == "notifications-pr"
    assert read_data(rows[0]["ce_type"], body) == shown
    assert {row["shard"] for row in rows} == {shard_of("feeds")}
