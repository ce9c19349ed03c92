"""Connections to the service's own Postgres.

Invariant: every statement, transaction, wait for a connection and session lock has a time limit, so a frozen copy
never blocks its successor for long.
"""

import logging
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from typing import TYPE_CHECKING, Any

import asyncpg

# asyncpg's classes are generic in its stubs only.
if TYPE_CHECKING:
    OwnConnection = asyncpg.Connection[asyncpg.Record]
    Connection = OwnConnection | asyncpg.pool.PoolConnectionProxy[asyncpg.Record]
    Pool = asyncpg.Pool[asyncpg.Record]
else:
    OwnConnection, Connection, Pool = asyncpg.Connection, asyncpg.Connection, asyncpg.Pool

COMMAND_SECONDS = 30
# Owners of session locks use their connection every second or two. The server ends the session of a frozen owner.
_HELD_SECONDS = 20
ACQUIRE_SECONDS = 20

_SERVER_SETTINGS = {
    # Ends the open transaction of a stopped or frozen process.
    "idle_in_transaction_session_timeout": "4000",
    "lock_timeout": "15000",
    "statement_timeout": "30000",
    "timezone": "UTC",
    "jit": "off",
    # Every statement looks rows up by key. Prepared statements keep their plans, so a plan made on an empty table
    # would go on scanning the whole table.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


_asked: ContextVar[bool] = ContextVar("asked over HTTP", default=False)


@contextmanager
def asked_over_http() -> Iterator[None]:
    """Marks the work of the block as part of an HTTP request, see `is_asked_over_http`."""
    before = _asked.set(True)
    try:
        yield
    finally:
        _asked.reset(before)


def is_asked_over_http() -> bool:
    """Whether the current task serves an HTTP request."""
    return _asked.get()


async def connect(url: str, application: str) -> OwnConnection:
    """A connection outside the pool, for session locks; the server ends it after `_HELD_SECONDS` without use."""
    return await asyncpg.connect(
        url,
        timeout=5,
        command_timeout=COMMAND_SECONDS,
        server_settings=_SERVER_SETTINGS
        | {"application_name": application, "idle_session_timeout": f"{_HELD_SECONDS}s"},
    )


async def open_pool(
    url: str,
    application: str,
    size: int = 8,
    statement_seconds: int = COMMAND_SECONDS,
    on_connection: Callable[[Any], Coroutine[Any, Any, None]] | None = None,
) -> Pool:
    """A pool that opens connections as they are needed; raises what asyncpg raises when the server is away.

    `on_connection` is called with each new connection before its first use.
    """
    # asyncpg logs a traceback for each failed connection; our loops log one line.
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=on_connection,
        reset=_no_reset,
        timeout=5,
        command_timeout=COMMAND_SECONDS,
        server_settings=_SERVER_SETTINGS
        | {"application_name": application, "statement_timeout": f"{statement_seconds}s"},
    )


async def _no_reset(_: object) -> None:
    """Saves the pool's reset statement after each use: we change settings only within transactions.

    The pool has already rolled back an open transaction.
    """


async def connect_to_migrate(url: str, application: str) -> OwnConnection:
    """A connection for migrations: statements have no time limit, but wait for a lock for two seconds at most.

    While a migration waits for a lock, every statement of the services on that table queues up behind it.
    """
    held = f"{_HELD_SECONDS}s"
    bounds = {
        "statement_timeout": "0",
        "lock_timeout": "2s",
        "idle_in_transaction_session_timeout": held,
        "idle_session_timeout": held,
    }
    return await asyncpg.connect(
        url, timeout=5, server_settings=_SERVER_SETTINGS | bounds | {"application_name": application}
    )


@asynccontextmanager
async def transaction(pool: Pool) -> AsyncIterator[Connection]:
    """One READ COMMITTED transaction; raises `TimeoutError` if the pool has no free connection in time."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection
