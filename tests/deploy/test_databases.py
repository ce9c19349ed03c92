"""Databases and roles: each service has its own, and no way into another's."""

from __future__ import annotations

from collections.abc import AsyncIterator
from uuid import uuid4

import asyncpg
import pytest

from deploy.local.databases import create_databases, create_databases_async, drop_databases
from deploy.local.postgres import Postgres

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
