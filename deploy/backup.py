"""Saves a service's store to a file, and puts it back: `python -m corridor backup save|restore <service> <file>`.

Invariant: a file is one consistent snapshot, facts with the positions up to which they were read, so a store put back
reads on from there; nothing is put back under a copy that is at work.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Final
from urllib.parse import unquote, urlsplit, urlunsplit

import asyncpg

from deploy.local.errors import CannotRun
from deploy.local.postgres_tools import run_tool
from deploy.local.stack import DATABASE_VARIABLES
from deploy.local.unprivileged import postgres_binaries

_OTHERS: Final = """
SELECT string_agg(DISTINCT coalesce(nullif(application_name, ''), 'pid ' || pid), ', ') FROM pg_stat_activity
WHERE datname = current_database() AND pid <> pg_backend_pid() AND backend_type = 'client backend'
"""
# What a later build has added must not be there when the older tables come back.
_EMPTY: Final = "DROP SCHEMA public CASCADE; CREATE SCHEMA public"


class BackupError(CannotRun):
    """What stands in the way, in one line."""


def save(url: str, file: Path) -> None:
    """Writes a dump of the database beside running copies; the file appears when it is whole."""
    unfinished = file.with_name(file.name + ".part")
    run_on("pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", f"--file={unfinished}")
    unfinished.replace(file)


async def restore(url: str, file: Path) -> None:
    """Replaces everything in the database by a dump; raises `BackupError` while anybody is connected."""
    connection = await asyncpg.connect(url)
    try:
        if others := await connection.fetchval(_OTHERS):
            raise BackupError(f"still connected: {others}; stop the copies of this service first")
        await connection.execute(_EMPTY)
    finally:
        await connection.close()
    await asyncio.to_thread(
        run_on, "pg_restore", url, "--no-owner", "--no-privileges", "--single-transaction", "--exit-on-error", str(file)
    )


def run_on(tool: str, url: str, *arguments: str) -> None:
    """Runs a client program of Postgres on a database; the password stays out of the list of processes."""
    parts = urlsplit(url)
    host = parts.netloc.rpartition("@")[2]
    user = f"{parts.username}@" if parts.username else ""
    address = urlunsplit((parts.scheme, user + host, parts.path, parts.query, ""))
    run_tool(_find(tool), "--no-password", f"--dbname={address}", *arguments, password=unquote(parts.password or ""))


def _find(tool: str) -> Path:
    """The program that belongs to the embedded Postgres, or the installed one."""
    try:
        return postgres_binaries() / tool
    except (ModuleNotFoundError, CannotRun):
        found = shutil.which(tool)
    if found is None:
        raise BackupError(f"{tool} is not installed")
    return Path(found)


def main(arguments: Sequence[str] | None = None) -> int:
    """Saves or restores one store; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor backup", description=__doc__)
    parser.add_argument("what", choices=("save", "restore"))
    parser.add_argument("service", choices=sorted(DATABASE_VARIABLES))
    parser.add_argument("file", type=Path)
    options = parser.parse_args(arguments)
    variable = DATABASE_VARIABLES[options.service]
    try:
        url = os.environ.get(variable)
        if url is None:
            raise BackupError(f"{variable} is not set")
        if options.what == "save":
            save(url, options.file.absolute())
            print(f"saved {options.service} to {options.file}")
        elif not options.file.is_file():
            raise BackupError(f"there is no file {options.file}")
        else:
            asyncio.run(restore(url, options.file.absolute()))
            print(f"restored {options.service} from {options.file}")
    except (CannotRun, OSError, asyncpg.PostgresError) as failure:
        print(f"backup: {failure}", file=sys.stderr)
        return 2 if isinstance(failure, BackupError) else 1
    return 0
