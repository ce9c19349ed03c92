"""Which failures are waited out, and which are bugs."""

from __future__ import annotations

import asyncpg
import pytest

from services.chassis.errors import passes
from tests.support.stores import Store

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(("kind", "value"), [("bigint", 2**70), ("text", 5), ("text", "\ud800"), ("text", "\x00")])
async def test_a_value_that_the_store_cannot_take_is_no_failure_that_passes(
    store: Store, kind: str, value: object
) -> None:
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError, ValueError)) as raised:
        await store.pool.fetchval(f"SELECT $1::{kind}", value)

    assert not passes(raised.value)


async def test_a_connection_that_is_gone_passes(store: Store) -> None:
    connection = await store.pool.acquire()
    await connection.execute("SELECT 1")
    connection.terminate()

    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError, OSError)) as raised:
        await connection.execute("SELECT 1")

    await store.pool.release(connection)
    assert passes(raised.value)
