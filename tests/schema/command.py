"""`python -m corridor schema`: writes down the tables that all migrations make, in each service's `schema.sql`.

Or the statements of the release that is being cut, which have to run on what comes after it.
"""

from __future__ import annotations

import argparse
import asyncio
from collections.abc import Sequence
from itertools import chain

from deploy.local.datadir import temporary_directory
from deploy.local.postgres import Postgres
from deploy.services import SERVICES
from services.chassis.base.migrate import migrate_store, read_migrations
from tests.schema.statements import LAST_RELEASE, statements, written
from tests.schema.tables import committed, folders_of, tables_of
from tests.support.stores import empty_database

HEAD = "-- What all migrations make. `make schema` writes it; stores are made by the migrations alone.\n\n"


def release() -> None:
    """Writes the statements of now down as those of the last release."""
    files = read_migrations(dict.fromkeys(chain(*map(folders_of, SERVICES))))
    found = chain(*map(statements, SERVICES))
    LAST_RELEASE.write_text(written(files[-1].version, found), encoding="utf-8")
    print(f"wrote {LAST_RELEASE}")


async def write(admin_url: str) -> None:
    """Writes the schema of each service."""
    for service in SERVICES:
        async with empty_database(admin_url) as url:
            await migrate_store(url, "schema", read_migrations(folders_of(service)))
            committed(service).write_text(HEAD + tables_of(url), encoding="utf-8")
        print(f"wrote {committed(service)}")


def main(arguments: Sequence[str] | None = None) -> int:
    """The command; returns its exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor schema", description="what the stores' migrations make")
    verbs = parser.add_subparsers(dest="verb", required=True)
    verbs.add_parser("write", help="writes down the tables that all migrations of each service make")
    verbs.add_parser("release", help="writes down the statements of the release that is being cut")
    if parser.parse_args(arguments).verb == "release":
        release()
        return 0
    with temporary_directory() as data, Postgres(data / "postgres", fsync=False) as postgres:
        asyncio.run(write(postgres.admin_url))
    return 0
