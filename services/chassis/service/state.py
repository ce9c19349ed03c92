"""What is still to be done: queue depths, timers due, positions.

Invariant: a service is idle when its queues are empty, nothing is due, and its positions equal the ends of its
topics; the counts and the positions here are read in one transaction, so they belong together.
"""

from datetime import datetime
from typing import Any

import asyncpg

from services.chassis.base.database import ACQUIRE_SECONDS, Pool
from services.chassis.base.mark import READS_BACK

_COUNTS = f"""
SELECT (SELECT count(*) FROM unsettled) AS unsettled,
       (SELECT count(*) FROM unsettled WHERE attempts > 0) AS failing,
       (SELECT count(*) FROM outbox) AS outbox,
       (SELECT count(*) FROM outbox_failed) AS outbox_failed,
       {READS_BACK}::int AS recall,
       (SELECT count(*) FROM picture WHERE due <= $1) AS due,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL) AS dead_letters,
       (SELECT count(*) FROM dead_letter WHERE resolution IS NULL AND party IS NULL) AS misunderstood
"""
_POSITIONS = "SELECT topic, partition, topic_id, next_offset FROM position ORDER BY 1, 2"


async def read_state(pool: Pool, now: datetime, pending: str = "SELECT 0") -> dict[str, Any]:
    """Counts and positions at one instant of the store; `pending` is the service's own count."""
    async with (
        pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        counts = await connection.fetchrow(_COUNTS, now)
        own = await connection.fetchval(pending)
        positions = await connection.fetch(_POSITIONS)
    assert counts is not None
    return dict(counts) | {"pending": own, "positions": [_position(row) for row in positions]}


def _position(row: asyncpg.Record) -> dict[str, Any]:
    return dict(row.items())
