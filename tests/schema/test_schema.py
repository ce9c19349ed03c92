"""What all migrations make is what is written down beside them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import asyncpg
import pytest

from deploy.local.stack import Stack
from deploy.services import SERVICES
from services.chassis.base.migrate import migrate_store, read_migrations
from tests.schema.tables import committed, differences, folders_of, tables_of
from tests.support.stores import empty_database

pytestmark = pytest.mark.servers


@asynccontextmanager
async def from_file(admin_url: str, service: str, and_then: str = "") -> AsyncIterator[str]:
    """A database made of what is written down, and of something more."""
    async with empty_database(admin_url) as url:
        connection = await asyncpg.connect(url)
        await connection.execute(committed(service).read_text(encoding="utf-8") + and_then)
        await connection.close()
        yield url


async def differs(admin_url: str, service: str, and_then: str = "") -> list[str]:
    async with empty_database(admin_url) as migrated, from_file(admin_url, service, and_then) as written:
        await migrate_store(migrated, "test", read_migrations(folders_of(service)))
        return differences(tables_of(written), tables_of(migrated))


@pytest.mark.parametrize("service", SERVICES)
async def test_migrations_make_the_schema_that_is_written_down(stack: Stack, service: str) -> None:
    assert stack.admin_url

    assert await differs(stack.admin_url, service) == [], "make schema writes it"


@pytest.mark.parametrize(
    ("made_up", "told"),
    [
        ("CREATE TABLE more (n int)", "-CREATE TABLE more ("),
        ("ALTER TABLE party ADD COLUMN more int", "-    more integer"),
        ("ALTER TABLE outbox ALTER COLUMN shard TYPE int", "+    shard smallint NOT NULL,"),
        ("ALTER TABLE fold_queue ALTER COLUMN priority SET DEFAULT 1", "-    priority smallint DEFAULT 1 NOT NULL,"),
        (
            "ALTER TABLE position DROP CONSTRAINT position_next_offset_check",
            "+    CONSTRAINT position_next_offset_check",
        ),
        ("DROP INDEX link_event", "+CREATE INDEX link_event ON link USING btree (source, event_id);"),
    ],
)
async def test_a_difference_is_told(stack: Stack, made_up: str, told: str) -> None:
    assert stack.admin_url

    assert any(line.startswith(told) for line in await differs(stack.admin_url, "tracking", made_up))
