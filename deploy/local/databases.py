"""One database and one login role per service.

Invariant: a service's role owns its own database and cannot connect to any other. What bounds its sessions is set in
Postgres, whatever a client asks for to begin with. Doing it all again changes nothing.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
from collections.abc import Coroutine, Iterable
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import asyncpg

SERVICES = ("tracking", "customs", "notifications")
_CONNECT_WITHIN = 30
_T = TypeVar("_T")

_ROLE_EXISTS = "SELECT true FROM pg_roles WHERE rolname = $1"
# As the services ask for themselves. Migrations say that they take their time.
_BOUNDS = {"statement_timeout": "30s", "idle_in_transaction_session_timeout": "4s", "lock_timeout": "15s"}
_SESSIONS = 60
_OPEN_TO_ALL = """
SELECT datname FROM pg_database
WHERE datname IN ('postgres', 'template1') AND has_database_privilege('public', datname, 'CONNECT')
"""
_DATABASE_EXISTS = "SELECT true FROM pg_database WHERE datname = $1"


def create_databases(admin_url: str, prefix: str = "", services: Iterable[str] = SERVICES) -> dict[str, str]:
    """Make what is missing; returns the URL of each service's database, with its own role."""
    return _run_apart(create_databases_async(admin_url, prefix, services))


def accepts_connections(url: str) -> bool:
    return _run_apart(_connects(url))


async def create_databases_async(
    admin_url: str, prefix: str = "", services: Iterable[str] = SERVICES
) -> dict[str, str]:
    connection = await asyncpg.connect(admin_url, timeout=_CONNECT_WITHIN)
    try:
        for row in await connection.fetch(_OPEN_TO_ALL):
            await connection.execute(f"REVOKE CONNECT ON DATABASE {_quoted(row['datname'])} FROM PUBLIC")
        return {service: await _create(connection, admin_url, f"{prefix}{service}") for service in services}
    finally:
        await connection.close()


async def drop_databases(admin_url: str, prefix: str = "", services: Iterable[str] = SERVICES) -> None:
    """Remove databases and roles, whoever is connected."""
    connection = await asyncpg.connect(admin_url, timeout=_CONNECT_WITHIN)
    try:
        for service in services:
            name = _quoted(f"{prefix}{service}")
            await connection.execute(f"DROP DATABASE IF EXISTS {name} WITH (FORCE)")
            await connection.execute(f"DROP ROLE IF EXISTS {name}")
    finally:
        await connection.close()


def _run_apart(work: Coroutine[Any, Any, _T]) -> _T:
    """Run it in a thread of its own, since the caller's may have a loop running already."""
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, work).result()


async def _connects(url: str) -> bool:
    try:
        connection = await asyncpg.connect(url, timeout=_CONNECT_WITHIN)
    except (OSError, asyncpg.PostgresError, asyncpg.InterfaceError):
        return False
    await connection.close()
    return True


async def _create(connection: asyncpg.Connection, admin_url: str, name: str) -> str:
    password = _password(admin_url, name)
    if not await connection.fetchval(_ROLE_EXISTS, name):
        await connection.execute(f"CREATE ROLE {_quoted(name)} LOGIN")
    await connection.execute(f"ALTER ROLE {_quoted(name)} PASSWORD '{password}' CONNECTION LIMIT {_SESSIONS}")
    for setting, value in _BOUNDS.items():
        await connection.execute(f"ALTER ROLE {_quoted(name)} SET {setting} = '{value}'")
    if not await connection.fetchval(_DATABASE_EXISTS, name):
        await connection.execute(f"CREATE DATABASE {_quoted(name)} OWNER {_quoted(name)}")
    await connection.execute(f"REVOKE CONNECT ON DATABASE {_quoted(name)} FROM PUBLIC")
    address = urlsplit(admin_url)
    host = address.netloc.rpartition("@")[2]
    return urlunsplit((address.scheme, f"{quote(name)}:{password}@{host}", f"/{quote(name)}", address.query, ""))


def _password(admin_url: str, name: str) -> str:
    """Always the same for a server and role, so that addresses stay good; needs the admin's to guess."""
    secret = unquote(urlsplit(admin_url).password or "")
    return hmac.new(secret.encode(), name.encode(), hashlib.sha256).hexdigest()[:32]


def _quoted(name: str) -> str:
    return '"' + name.replace('"', '""') + '"'
