"""`python -m corridor heads`: what the heads cost as they grow, since they are never purged.

Prints bytes for each head and the time of a batch of fresh identities at several sizes, and what that comes to at a
hundred million. Identities are random, which is the worst case for the index.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import statistics
import time
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any

import asyncpg

from deploy.local.datadir import temporary_directory
from deploy.local.stack import open_stack
from services.chassis.base.database import connect
from services.chassis.ingest.facts import _LOCK_HEADS
from tests.support.stores import fresh_database

_GROW = """
INSERT INTO head (source, event_id, type, subject, updated_at, content_hash, revisions)
SELECT 'urn:corridor:party-' || n % 40 || ':ops', gen_random_uuid()::text, 'corridor.milestone.reported.v1',
       'container:PKRU' || lpad((n % 1000000)::text, 7, '0'), '2026-06-22', sha256(n::text::bytea), 0
FROM generate_series($1::bigint, $2::bigint) AS n
"""
_SIZES = "SELECT pg_table_size('head') AS rows, pg_indexes_size('head') AS indexes"
_CHUNK = 250_000
_BATCH = 500
_AIM = 100_000_000


def main(arguments: Sequence[str] | None = None) -> int:
    """Prints a line for each size, and one JSON object last; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m corridor heads", description=__doc__)
    parser.add_argument("--sizes", type=int, nargs="+", default=[1_000_000, 3_000_000, 10_000_000])
    options = parser.parse_args(arguments)
    with temporary_directory() as data, open_stack(data, {}, lambda _: None) as stack:
        assert stack.admin_url
        print(json.dumps(asyncio.run(_measure(stack.admin_url, sorted(options.sizes)))))
    return 0


async def _measure(admin_url: str, sizes: list[int]) -> dict[str, Any]:
    async with fresh_database(admin_url, "tracking") as url:
        connection = await connect(url, "bench")
        found = []
        held = 0
        for size in sizes:
            while held < size:
                await connection.execute(_GROW, held + 1, min(size, held + _CHUNK), timeout=600)
                held = min(size, held + _CHUNK)
            await connection.execute("VACUUM ANALYZE head", timeout=600)
            found.append(await _at(connection, held))
            print(found[-1], flush=True)
            held += 21 * _BATCH
        await connection.close()
    last = found[-1]
    return {"sizes": found, "gib_at_100_m": round(last["bytes_each"] * _AIM / 2**30, 1)}


async def _at(connection: asyncpg.Connection[Any], rows: int) -> dict[str, Any]:
    sizes = await connection.fetchrow(_SIZES)
    assert sizes is not None
    await _batch(connection)
    times = [await _batch(connection) for _ in range(20)]
    each = (sizes["rows"] + sizes["indexes"]) / rows
    return {"heads": rows, "bytes_each": round(each, 1), "batch_of_500_ms": round(1000 * statistics.median(times), 2)}


async def _batch(connection: asyncpg.Connection[Any]) -> float:
    """Seconds for the head statement of one batch of fresh identities, with its commit."""
    now = datetime(2026, 6, 22, tzinfo=UTC)
    ids = [str(uuid.uuid4()) for _ in range(_BATCH)]
    columns = (["urn:corridor:pr:ops"], ids, ["corridor.milestone.reported.v1"], ["container:PKRU0000001"], [now])
    values = [c if len(c) == _BATCH else c * _BATCH for c in columns]
    began = time.perf_counter()
    await connection.fetch(_LOCK_HEADS, *values, [b"h" * 32] * _BATCH)
    return time.perf_counter() - began
