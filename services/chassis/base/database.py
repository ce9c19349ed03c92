"""Connections to the service's own Postgres.

Invariant: no statement, transaction, wait for a connection or lock that nobody keeps is without a bound, so a frozen
copy never blocks its successor for long.
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
# Locks are kept by asking every second or two: those of a frozen process or of a host that is gone are another's then.
_HELD_SECONDS = 20
ACQUIRE_SECONDS = 20

# A transaction that a stopped or frozen process leaves open is ended by the server after this long.
_SERVER_SETTINGS = {
    "idle_in_transaction_session_timeout": "4000",
    "lock_timeout": "15000",
    "statement_timeout": "30000",
    "timezone": "UTC",
    "jit": "off",
    # Every statement looks up rows by keys that it is given. A plan made while a table was empty would read all of
    # it for ever, since prepared statements keep their plans.
    "enable_seqscan": "off",
    "enable_hashjoin": "off",
    "enable_mergejoin": "off",
}


_asked: ContextVar[bool] = ContextVar("asked over HTTP", default=False)


@contextmanager
def asked_over_http() -> Iterator[None]:
    """What is done within is done for somebody who asks over HTTP."""
    before = _asked.set(True)
    try:
        yield
    finally:
        _asked.reset(before)


def is_asked_over_http() -> bool:
    """Whether this is done for somebody who asks over HTTP."""
    return _asked.get()


async def connect(url: str, application: str) -> OwnConnection:
    """A connection of its own, for session locks; the server ends it when it is not used for `_HELD_SECONDS`."""
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

    `on_connection` is called with each new one before anybody has it.
    """
    # asyncpg reports a server that is away with a traceback each time; the loops say it once, in one line.
    logging.getLogger("asyncpg.pool").setLevel(logging.CRITICAL)
    return await asyncpg.create_pool(
        url,
        min_size=1,
        max_size=size,
        init=on_connection,
        reset=_leave_as_it_is,
        timeout=5,
        command_timeout=COMMAND_SECONDS,
        server_settings=_SERVER_SETTINGS
        | {"application_name": application, "statement_timeout": f"{statement_seconds}s"},
    )


async def _leave_as_it_is(_: object) -> None:
    """Asks the server for nothing when a connection comes back: nobody sets anything but for a transaction.

    The pool's own answer is a statement after each use. An open transaction it rolls back before this.
    """


async def connect_to_migrate(url: str, application: str) -> OwnConnection:
    """A connection for migrations: a statement takes its time, and waits for a lock for two seconds at most.

    Meanwhile every statement of the services on that table queues up behind it.
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
    """One READ COMMITTED transaction: each statement sees what others have committed before it."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection, connection.transaction():
        yield connection
