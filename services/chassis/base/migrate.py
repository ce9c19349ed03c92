"""Brings a database to the newest schema, from files in dbmate's format.

Invariant: files run once, in order of their number, under an advisory lock, each in its own transaction; a
file that has run is never changed afterwards, which its checksum proves.
"""

import hashlib
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from services.chassis.base.database import OwnConnection

_LOCK = 0x0C0221D0
_NAME = re.compile(r"(\d{14})_([a-z0-9_]+)\.sql", re.ASCII)
_UP = re.compile(r"^-- migrate:up(?P<options>[^\n]*)\n(?P<body>.*?)(?=^-- migrate:down|\Z)", re.MULTILINE | re.DOTALL)
CHASSIS = Path(__file__).parent.parent / "migrations"

# The table that dbmate itself keeps, with a checksum that dbmate ignores.
_TABLE = """
CREATE TABLE IF NOT EXISTS schema_migrations (version varchar(128) PRIMARY KEY);
ALTER TABLE schema_migrations ADD COLUMN IF NOT EXISTS checksum bytea;
"""


class MigrationError(Exception):
    """The files and the database do not fit together."""


@dataclass(frozen=True, slots=True)
class Migration:
    """One file: `sql` is its part behind `-- migrate:up`."""

    version: str
    name: str
    sql: str
    checksum: bytes
    in_transaction: bool


def read_migrations(folders: Iterable[Path]) -> list[Migration]:
    """The migrations of several folders, in order of their numbers; raises `MigrationError`."""
    found = sorted((_read(file) for folder in folders for file in folder.glob("*.sql")), key=lambda m: m.version)
    versions = [m.version for m in found]
    if len(set(versions)) != len(versions):
        raise MigrationError("two migrations have the same number")
    return found


async def migrate(connection: OwnConnection, migrations: Sequence[Migration]) -> list[str]:
    """Runs what has not run; returns the versions that ran now. Raises `MigrationError`."""
    await connection.execute("SELECT pg_advisory_lock($1)", _LOCK)
    try:
        await connection.execute(_TABLE)
        rows = await connection.fetch("SELECT version, checksum FROM schema_migrations")
        done = {row["version"]: row["checksum"] for row in rows}
        _verify(migrations, done)
        fresh = [m for m in migrations if m.version not in done]
        for migration in fresh:
            await _run(connection, migration)
        return [m.version for m in fresh]
    finally:
        await connection.execute("SELECT pg_advisory_unlock($1)", _LOCK)


def _read(file: Path) -> Migration:
    named = _NAME.fullmatch(file.name)
    text = file.read_text(encoding="utf-8")
    up = _UP.search(text)
    if not named or not up:
        raise MigrationError(f"{file.name} is no dbmate migration")
    in_transaction = "transaction:false" not in up["options"]
    return Migration(named[1], named[2], up["body"], hashlib.sha256(text.encode()).digest(), in_transaction)


def _verify(migrations: Sequence[Migration], done: dict[str, bytes | None]) -> None:
    newest = max(done, default="")
    for migration in migrations:
        known = done.get(migration.version)
        if known is not None and known != migration.checksum:
            raise MigrationError(f"migration {migration.version} has changed since it ran")
        if migration.version not in done and migration.version < newest:
            raise MigrationError(f"migration {migration.version} is older than one that has run")


async def _run(connection: OwnConnection, migration: Migration) -> None:
    if migration.in_transaction:
        async with connection.transaction():
            await connection.execute(migration.sql)
            await _record(connection, migration)
    else:
        await connection.execute(migration.sql)
        await _record(connection, migration)


async def _record(connection: OwnConnection, migration: Migration) -> None:
    await connection.execute(
        "INSERT INTO schema_migrations (version, checksum) VALUES ($1, $2)",
        migration.version,
        migration.checksum,
    )
