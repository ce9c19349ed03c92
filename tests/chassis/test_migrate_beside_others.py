"""Migrations beside copies at work: nobody waits behind one, and nothing is taken away that somebody still needs."""

from __future__ import annotations

import asyncio
import json
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from structlog.testing import capture_logs

from deploy.local.stack import Stack
from services.chassis.base.database import OwnConnection, connect_to_migrate
from services.chassis.base.migrate import CHASSIS, MigrationError, migrate, read_migrations
from services.chassis.base.session_lock import NameLock
from services.tracking.app import blueprint
from tests.support.stores import fresh_database
from tests.support.system import until

pytestmark = pytest.mark.servers

NUMBER = "20990101000001"
NEWEST = read_migrations([CHASSIS, blueprint().migrations])[-1].version
ALTERS = "-- migrate:up\nALTER TABLE party ADD COLUMN more text;\n"
ADDS_AN_INDEX = "-- migrate:up transaction:false\nCREATE INDEX CONCURRENTLY more ON party ((spec ->> 'role'));\n"


@pytest.fixture
async def url(stack: Stack) -> AsyncIterator[str]:
    """A store of tracking."""
    assert stack.admin_url
    async with fresh_database(stack.admin_url, "tracking") as url:
        yield url


@pytest.fixture
async def migrating(url: str) -> AsyncIterator[OwnConnection]:
    connection = await connect_to_migrate(url, "test")
    yield connection
    await connection.close()


@asynccontextmanager
async def at_work(url: str, statement: str) -> AsyncIterator[None]:
    """Another session whose transaction has done something, and goes on."""
    connection = await asyncpg.connect(url)
    transaction = connection.transaction()
    await transaction.start()
    await connection.execute(statement)
    try:
        yield
    finally:
        await transaction.rollback()
        await connection.close()


def one(folder: Path, text: str) -> Any:
    (folder / f"{NUMBER}_pre_more.sql").write_text(text)
    return read_migrations([CHASSIS, blueprint().migrations, folder])


async def test_a_migration_that_waits_for_a_lock_lets_others_pass(
    url: str, migrating: OwnConnection, tmp_path: Path
) -> None:
    """It gives up, says so, and has its turn when whoever held the lock has gone."""
    await migrating.execute("SET lock_timeout = '50ms'")
    with capture_logs() as told:
        async with at_work(url, "SELECT FROM party LIMIT 1"):
            task = asyncio.create_task(migrate(migrating, one(tmp_path, ALTERS), pause_seconds=0.2))
            await until(lambda: _is(told != []), 10, "a first try")
            async with at_work(url, "SELECT FROM party LIMIT 1"):
                assert not task.done()
        assert (await task).ran == [NUMBER]

    assert {"event": "a migration lets others pass", "migration": NUMBER}.items() <= told[0].items()


async def _is(found: bool) -> bool:
    return found


async def test_a_migration_that_never_gets_its_lock_ends(url: str, migrating: OwnConnection, tmp_path: Path) -> None:
    await migrating.execute("SET lock_timeout = '1ms'")
    async with at_work(url, "SELECT FROM party LIMIT 1"):
        with pytest.raises(asyncpg.LockNotAvailableError):
            await migrate(migrating, one(tmp_path, ALTERS), pause_seconds=0)

    assert (await migrate(migrating, one(tmp_path, ALTERS))).ran == [NUMBER]


async def test_a_migration_waits_two_seconds_for_a_lock_and_takes_its_time(migrating: OwnConnection) -> None:
    asked = ("lock_timeout", "statement_timeout", "idle_in_transaction_session_timeout", "idle_session_timeout")
    found = [await migrating.fetchval("SELECT current_setting($1)", name) for name in asked]

    assert found == ["2s", "0", "20s", "20s"]


async def test_a_start_with_nothing_to_do_waits_for_nobody(url: str, migrating: OwnConnection) -> None:
    """As for a backup, which reads all tables for as long as it takes."""
    await migrating.execute("SET lock_timeout = '1ms'")
    async with at_work(url, "LOCK TABLE schema_migrations IN ACCESS SHARE MODE"):
        done = await migrate(migrating, read_migrations([CHASSIS, blueprint().migrations]))

    assert done == ([], [])


async def test_an_index_is_built_concurrently_while_other_copies_wait_to_migrate(
    url: str, migrating: OwnConnection, tmp_path: Path
) -> None:
    """They hold no snapshot for which it would wait in turn; and it waits for its own as long as it takes."""
    files = one(tmp_path, ADDS_AN_INDEX)
    others = [await connect_to_migrate(url, "test") for _ in range(2)]
    for connection in (migrating, *others):
        await connection.execute("SET lock_timeout = '1ms'")
    async with at_work(url, "UPDATE party SET spec = spec"):
        tasks = [asyncio.create_task(migrate(c, files)) for c in (migrating, *others)]
        await until(lambda: _waits(url, "%CREATE INDEX CONCURRENTLY%"), 10, "an index that waits")
    ran = [version for done in await asyncio.gather(*tasks) for version in done.ran]
    for other in others:
        await other.close()

    assert ran == [NUMBER]


async def _waits(url: str, query: str) -> bool:
    connection = await asyncpg.connect(url)
    try:
        return bool(
            await connection.fetchval(
                "SELECT EXISTS (SELECT FROM pg_stat_activity WHERE datname = current_database() AND "
                "pid <> pg_backend_pid() AND query LIKE $1 AND wait_event_type = 'Lock')",
                query,
            )
        )
    finally:
        await connection.close()


def test_only_what_is_built_concurrently_may_be_outside_a_transaction(tmp_path: Path) -> None:
    with pytest.raises(MigrationError, match="outside a transaction"):
        one(tmp_path, "-- migrate:up transaction:false\n-- not CONCURRENTLY\nDROP TABLE party;\n")


async def command(url: str, *arguments: str) -> tuple[int | None, Any, str]:
    """Exit code, what was said as JSON, and what on standard error."""
    child = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "corridor", "migrate", "tracking", *arguments),
        env={"TRACKING_DATABASE_URL": url},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    out, err = await child.communicate()
    return child.returncode, json.loads(out or b"null"), err.decode()


@pytest.mark.parametrize(("schema", "shown"), [("20200101000001", "20200101000001-a"), ("", "a")])
async def test_nothing_is_taken_away_while_a_copy_of_an_older_build_is_at_work(
    url: str, schema: str, shown: str
) -> None:
    copy = NameLock("tracking", "a", url, 0, schema)
    await copy.acquire()

    refused = await command(url, "--post")
    await copy.release()

    assert refused[:2] == (1, None)
    assert f"copies of an older build are at work: tracking-name-{shown}" in refused[2]


async def test_what_takes_away_runs_beside_copies_of_the_newest_build(url: str) -> None:
    copy = NameLock("tracking", "a", url, 0, NEWEST)
    await copy.acquire()

    assert (await command(url, "--post"))[:2] == (0, {"ran": [], "waiting": []})
    await copy.release()
