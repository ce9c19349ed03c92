"""`python -m corridor cluster show|forget <service>`: which Kafka a service's store belongs to.

Invariant: a store is moved to another Kafka only by somebody who says so: to the next one that it meets.
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
from services.chassis.base.database import connect
from services.chassis.kafka import cluster


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints the cluster as JSON, and forgets it where asked to; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor cluster", description="the Kafka that a store belongs to")
    parser.add_argument("what", choices=("show", "forget"), help="forget: belong to the one that is met next")
    parser.add_argument("service", choices=sorted(DATABASE_VARIABLES))
    options = parser.parse_args(arguments)
    variable = DATABASE_VARIABLES[options.service]
    url = os.environ.get(variable)
    if url is None:
        print(f"cluster: {variable} is not set", file=sys.stderr)
        return 2
    try:
        print(json.dumps({"cluster": asyncio.run(_found(url, forget=options.what == "forget"))}))
    except (OSError, asyncpg.PostgresError) as failure:
        print(f"cluster: the database cannot be asked ({failure!r})", file=sys.stderr)
        return 1
    return 0


async def _found(url: str, *, forget: bool) -> str | None:
    connection = await connect(url, "cluster")
    try:
        return await (cluster.forget(connection) if forget else cluster.known(connection))
    finally:
        connection.terminate()
