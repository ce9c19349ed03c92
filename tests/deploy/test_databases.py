"""Databases and roles: each service has its own, and no way into another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.databases import create_databases, create_databases_async, drop_databases
from deploy.local.postgres import Postgres
from services.chassis.base.database import connect_to_migrate

pytestmark = pytest.mark.servers


@pytest.fixture
async def prefix(postgres: Postgres) -> AsyncIterator[str]:
    name = f"test-{uuid4().hex[:8]}-"
    yield name
    await drop_databases(postgres.admin_url, name)


async def run(url: str, statement: str) -> None:
    connection = await asyncpg.connect(url, timeout=10)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


async def test_a_service_owns_its_database(postgres: Postgres, prefix: str) -> None:
    """Its role may lay out its schema."""
    urls = await create_databases_async(postgres.admin_url, prefix)

    await run(urls["tracking"], "CREATE TABLE mine (id int)")


async def test_a_service_cannot_connect_to_anothers_database(postgres: Postgres, prefix: str) -> None:
    """The wall is in Postgres, not in our good manners."""
    urls = await create_databases_async(postgres.admin_url, prefix)
    server_and_role = urls["customs"].rpartition("/")[0]

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await run(f"{server_and_role}/{prefix}tracking", "SELECT 1")


@pytest.mark.parametrize("database", ["postgres", "template1"])
async def test_a_service_cannot_connect_to_a_database_of_the_server(
    postgres: Postgres, prefix: str, database: str
) -> None:
    """Where it could read the names and sizes of all."""
    urls = await create_databases_async(postgres.admin_url, prefix)

    with pytest.raises(asyncpg.InsufficientPrivilegeError, match="permission denied for database"):
        await run(f"{urls['customs'].rpartition('/')[0]}/{database}", "SELECT 1")


async def test_a_role_is_bounded_whatever_its_client_asks_for(postgres: Postgres, prefix: str) -> None:
    urls = await create_databases_async(postgres.admin_url, prefix)
    connection = await asyncpg.connect(urls["tracking"])
    try:
        found = {
            name: await connection.fetchval("SELECT current_setting($1)", name)
            for name in ("statement_timeout", "idle_in_transaction_session_timeout", "lock_timeout")
        }
        limit = await connection.fetchval("SELECT rolconnlimit FROM pg_roles WHERE rolname = current_user")
    finally:
        await connection.close()

    assert found == {
        "statement_timeout": "30s",
        "idle_in_transaction_session_timeout": "4s",
        "lock_timeout": "15s",
    }
    assert limit == 60


async def test_a_migration_takes_its_time(postgres: Postgres, prefix: str) -> None:
    urls = await create_databases_async(postgres.admin_url, prefix)
    connection = await connect_to_migrate(urls["tracking"], "test")
    try:
        assert await connection.fetchval("SELECT current_setting('statement_timeout')") == "0"
    finally:
        await connection.close()


async def test_doing_it_again_changes_nothing(postgres: Postgres, prefix: str) -> None:
    """Addresses stay good and tables stay."""
    urls = await create_databases_async(postgres.admin_url, prefix)
    await run(urls["tracking"], "CREATE TABLE kept (id int)")

    again = await create_databases_async(postgres.admin_url, prefix)

    assert again == urls
    await run(urls["tracking"], "SELECT id FROM kept")


async def test_it_works_where_a_loop_runs_already(postgres: Postgres, prefix: str) -> None:
    """Fixtures and launchers that are not asynchronous use it too."""
    assert set(create_databases(postgres.admin_url, prefix)) == {"tracking", "customs", "notifications"}
