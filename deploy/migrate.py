"""`python -m corridor migrate SERVICE [--post]`: brings a service's store to the newest schema.

Invariant: what older copies need is taken away only where none of them is connected.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys
from collections.abc import Sequence

import asyncpg

from deploy.local.stack import DATABASE_VARIABLES
from deploy.provision import migrations_of
from services.chassis.base import telemetry
from services.chassis.base.database import connect_to_migrate
from services.chassis.base.migrate import MigrationError, migrate
from services.chassis.base.session_lock import copies_before


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints what was run as JSON; 1 where it cannot be done now, 2 where it was asked wrongly."""
    parser = argparse.ArgumentParser(prog="python -m corridor migrate", description="the schema of a store")
    parser.add_argument("service", choices=sorted(DATABASE_VARIABLES))
    parser.add_argument("--post", action="store_true", help="also take away what older copies needed: none is left")
    options = parser.parse_args(arguments)
    variable = DATABASE_VARIABLES[options.service]
    url = os.environ.get(variable)
    if url is None:
        return _failed(f"{variable} is not set", 2)
    telemetry.set_up_logs("warning", "console")
    try:
        return asyncio.run(_migrate(url, options.service, post=options.post))
    except MigrationError as failure:
        return _failed(str(failure), 2)
    except (OSError, asyncpg.PostgresError) as failure:
        return _failed(f"the database does not let this be done now ({failure!r})", 1)


async def _migrate(url: str, service: str, *, post: bool) -> int:
    files = migrations_of(service)
    connection = await connect_to_migrate(url, f"{service}-migrate")
    try:
        older = await copies_before(connection, service, files[-1].version) if post else []
        if older:
            return _failed(f"copies of an older build are at work: {', '.join(older)}", 1)
        print(json.dumps((await migrate(connection, files, post=post))._asdict()))
        return 0
    finally:
        await connection.close(timeout=5)


def _failed(why: str, code: int) -> int:
    print(f"migrate: {why}", file=sys.stderr)
    return code
