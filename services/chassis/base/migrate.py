"""Brings a database to the newest schema, from files in dbmate's format.

A file's name says when it runs: `pre` before the code of its release starts, while copies of the last release still
run; `post` when none of them is left. An empty database takes both.

Invariant: files run once, in order of their number, one process at a time, each in its own transaction; its checksum
proves that a file has not changed since it ran. A file that waits for a lock gives up soon and is tried again, so that
the statements behind it get through. A file outside a transaction works CONCURRENTLY, and blocks nobody. No build
starts on a store from which a later one has removed something.
"""

import asyncio
import hashlib
import re
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import asyncpg
import structlog

from services.chassis.base.database import OwnConnection, connect_to_migrate

log = structlog.get_logger(__name__)

_LOCK = 0x0C0221D0
_LOOK_SECONDS = 0.5
_TRIES = 20
_PAUSE_SECONDS = 5.0
_NAME = re.compile(r"(\d{14})_(pre|post)_([a-z0-9_]+)\.sql", re.ASCII)
_UP = re.compile(r"^-- migrate:up(?P<options>[^\n]*)\n(?P<body>.*?)(?=^-- migrate:down|\Z)", re.MULTILINE | re.DOTALL)
_CONCURRENTLY = re.compile(r"^[^-\n]*\bCONCURRENTLY\b", re.MULTILINE)
CHASSIS = Path(__file__).parent.parent / "migrations"

# The table that dbmate itself keeps, with columns that dbmate ignores.
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (version varchar(128) PRIMARY KEY);
ALTER TABLE schema_migrations
    ADD COLUMN IF NOT EXISTS checksum bytea,
    ADD COLUMN IF NOT EXISTS post boolean NOT NULL DEFAULT false;
"""
# Checked first, since ALTER TABLE waits for every reader of the table, such as a backup, even with nothing to alter.
_HAS_TABLE = """
SELECT EXISTS (SELECT FROM pg_attribute WHERE attrelid = to_regclass('schema_migrations') AND attname = 'post')
"""
_DONE = "SELECT version, checksum, post FROM schema_migrations"
_RECORD = "INSERT INTO schema_migrations (version, checksum, post) VALUES ($1, $2, $3)"


class MigrationError(Exception):
    """The files and the database do not fit together."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `sql` is its part behind `-- migrate:up`."""

    version: str
    post: bool
    name: str
    sql: str
    checksum: bytes
    in_transaction: bool


class Done(NamedTuple):
    """The versions that ran now, and the `post` versions that wait until no copy of the last release is left."""

    ran: list[str]
    waiting: list[str]


def read_migrations(folders: Iterable[Path]) -> list[Migration]:
    """The migrations of several folders, in order of their numbers; raises `MigrationError`."""
    found = sorted((_read(file) for folder in folders for file in folder.glob("*.sql")), key=lambda m: m.version)
    versions = [m.version for m in found]
    if len(set(versions)) != len(versions):
        raise MigrationError("two migrations have the same number")
    return found


async def migrate_store(url: str, application: str, migrations: Sequence[Migration], *, post: bool = False) -> Done:
    """Connects, and runs `migrate`; raises as that does."""
    connection = await connect_to_migrate(url, application)
    try:
        return await migrate(connection, migrations, post=post)
    finally:
        await connection.close(timeout=5)


async def migrate(
    connection: OwnConnection,
    migrations: Sequence[Migration],
    *,
    post: bool = False,
    pause_seconds: float = _PAUSE_SECONDS,
) -> Done:
    """Runs the new files; `post` files only if `post` is set or the database is empty.

    Raises `MigrationError`, and asyncpg's error if a lock is not free at the last try.
    """
    async with _alone(connection):
        if not await connection.fetchval(_HAS_TABLE):
            await connection.execute(_TABLE)
        rows = await connection.fetch(_DONE)
        done: dict[str, bytes | None] = {row["version"]: row["checksum"] for row in rows}
        _verify(migrations, done)
        _require_known(migrations, [row["version"] for row in rows if row["post"]])
        fresh = [m for m in migrations if m.version not in done]
        now = [m for m in fresh if post or not done or not m.post]
        for migration in now:
            await _run(connection, migration, pause_seconds)
    return Done([m.version for m in now], [m.version for m in fresh if m not in now])


def _read(file: Path) -> Migration:
    named = _NAME.fullmatch(file.name)
    text = file.read_text(encoding="utf-8")
    up = _UP.search(text)
    if not named or not up:
        raise MigrationError(f"{file.name} is no dbmate migration <number>_<pre or post>_<name>.sql")
    in_transaction = "transaction:false" not in up["options"]
    if not in_transaction and not _CONCURRENTLY.search(up["body"]):
        raise MigrationError(f"{file.name} is outside a transaction, and does nothing CONCURRENTLY")
    digest = hashlib.sha256(text.encode()).digest()
    return Migration(named[1], named[2] == "post", named[3], up["body"], digest, in_transaction)


def _verify(migrations: Sequence[Migration], done: Mapping[str, bytes | None]) -> None:
    newest = max(done, default="")
    newest_post = max((m.version for m in migrations if m.post and m.version in done), default="")
    for migration in migrations:
        known = done.get(migration.version)
        if known is not None and known != migration.checksum:
            raise MigrationError(f"migration {migration.version} has changed since it ran")
        if migration.version not in done and migration.version < (newest_post if migration.post else newest):
            raise MigrationError(f"migration {migration.version} is older than one that has run")


def _require_known(migrations: Sequence[Migration], removals: Iterable[str]) -> None:
    known = {m.version for m in migrations}
    if unknown := sorted(version for version in removals if version not in known):
        raise MigrationError(f"the store is of a later build, whose migration {unknown[-1]} has taken something away")


@asynccontextmanager
async def _alone(connection: OwnConnection) -> AsyncIterator[None]:
    """Holds the migration lock.

    It polls for the lock: a waiting statement would hold a snapshot, for which a concurrent index build elsewhere
    would wait in turn.
    """
    said = False
    while not await connection.fetchval("SELECT pg_try_advisory_lock($1)", _LOCK):
        if not said:
            log.info("another process brings the schema up to date")
        said = True
        await asyncio.sleep(_LOOK_SECONDS)
    try:
        yield
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


async def _run(connection: OwnConnection, migration: Migration, pause_seconds: float) -> None:
    if not migration.in_transaction:
        return await _run_outside(connection, migration)
    for left in reversed(range(_TRIES)):
        try:
            async with connection.transaction():
                await connection.execute(migration.sql)
                return await _record(connection, migration)
        except (asyncpg.LockNotAvailableError, asyncpg.DeadlockDetectedError) as failure:
            log.warning("a migration lets others pass", migration=migration.version, why=str(failure), tries_left=left)
            if not left:
                raise
        await asyncio.sleep(pause_seconds)
    return None


async def _run_outside(connection: OwnConnection, migration: Migration) -> None:
    """Runs without a lock timeout: an interrupted concurrent build leaves an invalid index."""
    await connection.execute("SET lock_timeout = 0")
    try:
        await connection.execute(migration.sql)
    finally:
        await connection.execute("RESET lock_timeout")
    await _record(connection, migration)


async def _record(connection: OwnConnection, migration: Migration) -> None:
    await connection.execute(_RECORD, migration.version, migration.checksum, migration.post)
