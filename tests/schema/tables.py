"""What is in a database: as `pg_dump` tells it, and what whoever writes to it has to name."""

from __future__ import annotations

import difflib
import re
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import Final

import asyncpg

from deploy.backup import run_on
from services.chassis.base.database import OwnConnection
from services.chassis.base.migrate import CHASSIS, Migration, migrate_store
from tests.schema.statements import Release

SERVICES_FOLDER: Final = CHASSIS.parents[1]
# What pg_dump says of itself and of its session, and not of the tables.
_BESIDE: Final = re.compile(r"(--|SET |SELECT pg_catalog\.set_config|\\).*")
_MUST_BE_NAMED: Final = """
SELECT attrelid::regclass::text AS of_table, attname::text AS name
FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND attnum > 0 AND NOT attisdropped
    AND attnotnull AND NOT atthasdef AND attidentity = ''
"""


def folders_of(service: str) -> list[Path]:
    """Where the migrations of a service's store are."""
    return [CHASSIS, SERVICES_FOLDER / service / "migrations"]


def committed(service: str) -> Path:
    """The file that says what all migrations of a service make."""
    return SERVICES_FOLDER / service / "schema.sql"


def tables_of(url: str) -> str:
    """Everything in a database as SQL that makes it, but for the list of migrations."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "schema.sql"
        options = ("--schema-only", "--no-owner", "--no-privileges", "--no-comments")
        run_on("pg_dump", url, *options, "--exclude-table=schema_migrations", f"--file={file}")
        lines = file.read_text(encoding="utf-8").splitlines()
    kept = "\n".join(line for line in lines if not _BESIDE.fullmatch(line))
    return re.sub(r"\n{2,}", "\n\n", kept).replace("public.", "").strip() + "\n"


def differences(one: str, other: str) -> list[str]:
    """The lines in which two of these differ."""
    lines = difflib.unified_diff(one.splitlines(), other.splitlines(), "committed", "migrations", lineterm="", n=1)
    return list(lines)


async def faults(url: str, service: str, release: Release, files: Sequence[Migration]) -> list[str]:
    """What of a release no longer runs on an empty database with its own migrations and the `pre` files after them."""
    await migrate_store(url, "test", [file for file in files if file.version <= release.number])
    connection = await asyncpg.connect(url)
    try:
        before = await _must_be_named(connection)
        await migrate_store(url, "test", files)
        after = await _must_be_named(connection)
        tables = {table for table, _ in before}
        unnamed = [f"{table}.{name} has to be named now" for table, name in sorted(after - before) if table in tables]
        found = [(name, await _refused(connection, text)) for name, text in release.of(service)]
    finally:
        await connection.close()
    return unnamed + [f"{name}: {why}" for name, why in found if why]


async def _refused(connection: OwnConnection, statement: str) -> str:
    try:
        await connection.prepare(statement)
    except asyncpg.SyntaxOrAccessError as refusal:
        return str(refusal)
    return ""


async def _must_be_named(connection: OwnConnection) -> set[tuple[str, str]]:
    return {(row["of_table"], row["name"]) for row in await connection.fetch(_MUST_BE_NAMED)}
