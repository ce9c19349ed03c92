"""Which failures are waited out, and which are bugs."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from urllib.parse import urlsplit

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.chassis.base.errors import is_transient, log_level
from tests.support.stores import Store

pytestmark = pytest.mark.servers


@pytest.mark.parametrize(("kind", "value"), [("bigint", 2**70), ("text", 5), ("text", "\ud800"), ("text", "\x00")])
async def test_a_value_that_the_store_cannot_take_is_no_failure_that_passes(
    store: Store, kind: str, value: object
) -> None:
    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError, ValueError)) as raised:
        await store.pool.fetchval(f"SELECT $1::{kind}", value)

    assert not is_transient(raised.value)


@pytest.mark.parametrize("state", ["53100", "58030", "XX000", "XX001", "40P01"])
async def test_what_is_the_trouble_of_the_server_passes(store: Store, state: str) -> None:
    """A full disk is 53100, a file at the limit of its size XX000: no record is at fault."""
    with pytest.raises(asyncpg.PostgresError) as raised:
        await store.pool.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")

    assert is_transient(raised.value)


@pytest.mark.parametrize(("state", "level"), [("53100", logging.WARNING), ("XX001", logging.CRITICAL)])
async def test_damaged_data_are_an_alarm_and_a_full_disk_a_warning(store: Store, state: str, level: int) -> None:
    with pytest.raises(asyncpg.PostgresError) as raised:
        await store.pool.execute(f"DO $$ BEGIN RAISE EXCEPTION USING ERRCODE = '{state}'; END $$")

    assert log_level(raised.value) == level


async def test_a_connection_that_is_gone_passes(store: Store) -> None:
    connection = await store.pool.acquire()
    await connection.execute("SELECT 1")
    connection.terminate()

    with pytest.raises((asyncpg.InterfaceError, asyncpg.PostgresError, OSError)) as raised:
        await connection.execute("SELECT 1")

    await store.pool.release(connection)
    assert is_transient(raised.value)


async def test_a_session_that_the_server_ends_passes_before_its_end_has_come(stack: Stack) -> None:
    """As after a freeze: the server's last words are read, and the close of the connection not yet."""
    assert stack.admin_url
    address = urlsplit(stack.admin_url)
    async with never_closing(address.port or 0) as port:
        connection = await asyncpg.connect(stack.admin_url.replace(f":{address.port}/", f":{port}/"))
        mine = connection.get_server_pid()
        other = await asyncpg.connect(stack.admin_url)
        await other.execute("SELECT pg_terminate_backend($1, 5000)", mine)
        await other.close()

        with pytest.raises(asyncpg.InternalClientError) as raised:
            while True:
                await connection.fetchval("SELECT 1")

        connection.terminate()
    assert is_transient(raised.value)


@asynccontextmanager
async def never_closing(server_port: int) -> AsyncIterator[int]:
    """The port of a proxy that passes everything on but the end of a connection."""

    async def carry(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", server_port)
        await asyncio.gather(pump(reader, server_writer), pump(server_reader, writer))
        writer.transport.abort()
        server_writer.transport.abort()

    async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while chunk := await reader.read(65536):
            writer.write(chunk)

    listener = await asyncio.start_server(carry, "127.0.0.1", 0)
    yield int(listener.sockets[0].getsockname()[1])
    listener.close()
