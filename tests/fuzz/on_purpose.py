"""The one reason that no record brings about: a record on which we fail ourselves.

Invariant: shown by a handler that is made to fail, in a store of its own; fuzzing must never bring it about.
"""

from __future__ import annotations

from collections import Counter

from aiokafka import TopicPartition
from structlog.testing import capture_logs

from services.tracking.app import blueprint
from tests.support import builders as b
from tests.support.broken import breaking
from tests.support.stores import fresh_store


async def quarantined(admin_url: str) -> Counter[str]:
    """The reasons of the dead letters after a batch in which the handler fails on one record."""
    batch = [b.record_of(b.a_plan(id=name), "milestones-pr", n) for n, name in enumerate(("a", "boom", "c"))]
    async with fresh_store(admin_url, blueprint()) as store:
        ingest = breaking(store, lambda event: event.id == "boom").ingests["milestones"]
        await store.assign(ingest, {TopicPartition("milestones-pr", 0)})
        # What is logged of a failure that was made on purpose is of interest to nobody.
        with capture_logs():
            await ingest.consume(batch)
        return Counter(row["reason"] for row in await store.rows("dead_letter"))
