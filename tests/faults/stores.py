"""What the runner itself asks of the stores: to publish everything again, what pictures are, where feeds end.

Invariant: it reads the servers themselves, and writes only what a day's republication would.
"""

from __future__ import annotations

import json
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from itertools import islice
from typing import TYPE_CHECKING, Any

import asyncpg

from services.chassis.queue import fold_queue
from tests.faults.evidence import Violation
from tests.faults.view import differences

if TYPE_CHECKING:
    Connection = asyncpg.Connection[asyncpg.Record]
else:
    Connection = asyncpg.Connection

Drawn = Mapping[tuple[str, str], Mapping[str, Any]]

_PICTURES = "SELECT subject, content::text AS drawn FROM picture WHERE content IS NOT NULL"
_ENDS = "SELECT party, sequence FROM feed"
_AT_WORK = """
SELECT application_name, pid, state, wait_event, pg_blocking_pids(pid) AS blocked_by, now() - xact_start AS since,
       left(query, 120) AS query
FROM pg_stat_activity
WHERE backend_type = 'client backend' AND state <> 'idle' AND now() - xact_start > interval '1 second'
"""
_EVENTS = "SELECT count(*) FROM event"


async def spread_out(urls: Mapping[str, str]) -> None:
    """Leaves most of each page empty, so that tables soon are as large as those that a full disk keeps from growing."""
    for service, url in urls.items():
        async with _connected(url) as connection:
            for table in ("item", "replica") if service == "notifications" else ("event", "receipt"):
                await connection.execute(f"ALTER TABLE {table} SET (fillfactor = 10)")


async def republish(urls: Mapping[str, str]) -> None:
    """Queues every picture to be published again, as happens once a day."""
    for url in urls.values():
        async with _connected(url) as connection:
            await fold_queue.queue_all(connection, fold_queue.REPUBLISH)


async def drawn(urls: Mapping[str, str]) -> Drawn:
    """What every picture shows, by service and subject."""
    found: dict[tuple[str, str], Mapping[str, Any]] = {}
    for service, url in urls.items():
        async with _connected(url) as connection:
            rows = await connection.fetch(_PICTURES)
        found |= {(service, row["subject"]): json.loads(row["drawn"]) for row in rows}
    return found


def stale(before: Drawn, after: Drawn) -> Iterable[Violation]:
    """Pictures that another fold of the same facts at the same instant has drawn otherwise."""
    for place in sorted(before.keys() | after.keys()):
        for difference in islice(differences(before.get(place, {}), after.get(place, {}), place[1]), 1):
            yield Violation("stale", f"{place[0]}, folded once more in a settled system: {difference}")


async def at_work(admin_url: str) -> list[str]:
    """What sessions of services are doing, or waiting for, longer than a second."""
    async with _connected(admin_url) as connection:
        rows = await connection.fetch(_AT_WORK)
    return [" ".join(str(value) for value in row.values()) for row in rows]


async def accepted(urls: Mapping[str, str]) -> int:
    """How many revisions the stores hold."""
    count = 0
    for url in urls.values():
        async with _connected(url) as connection:
            count += await connection.fetchval(_EVENTS)
    return count


async def feed_ends(url: str) -> dict[str, int]:
    """The number of the last item of each party."""
    async with _connected(url) as connection:
        return {row["party"]: row["sequence"] for row in await connection.fetch(_ENDS)}


@asynccontextmanager
async def _connected(url: str) -> AsyncIterator[Connection]:
    connection = await asyncpg.connect(url, timeout=20)
    try:
        yield connection
    finally:
        await connection.close(timeout=10)
