"""Our tracking service's ingest and settle, as they run in production, without the relay."""

from __future__ import annotations

import asyncio
import contextlib
import time

from services.chassis import kafka
from services.chassis.admin import TopicIds
from services.chassis.clock import CorridorClock
from services.chassis.database import open_pool
from services.chassis.ingest import Ingest
from services.chassis.parties import PartyBook
from services.chassis.settings import ServiceSettings
from services.chassis.settle import Settle
from services.tracking.app import blueprint
from tests.bench.workload import BATCH, Workload
from tests.support.stores import AS_OF, Store


async def run(bootstrap: str, url: str, load: Workload, name: str) -> float:
    """Seconds from the first record to the last fold."""
    settings = ServiceSettings.load(
        "tracking",
        kafka_bootstrap_servers=bootstrap,
        database_url=url,
        http_port=0,
        copy_name=name,
        batch_records=BATCH,
    )
    plan, clock = blueprint(), CorridorClock(stepped=True)
    clock.step(AS_OF)
    pool = await open_pool(url, "bench")
    store = Store(plan, pool)
    await store.feed(load.bookings)
    settle = Settle("tracking", plan.folder, pool, clock, (), settings.settle_subjects)
    ingest = Ingest("tracking", plan.streams[0], pool, clock, PartyBook(), settle.wake)
    broker = kafka.new_broker(settings)
    ingest.subscribe(broker, settings, TopicIds(kafka.admin_config(settings)))
    workers = [asyncio.create_task(settle.run()) for _ in range(settings.settle_workers)]
    started = time.perf_counter()
    await broker.start()
    await _until_folded(store, len(load.milestones) + len(load.bookings))
    seconds = time.perf_counter() - started
    for worker in workers:
        worker.cancel()
    await broker.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*workers, return_exceptions=True)
    pool.terminate()
    return seconds


async def _until_folded(store: Store, events: int) -> None:
    while True:
        row = await store.pool.fetchrow(
            "SELECT (SELECT count(*) FROM head) AS heads, EXISTS (SELECT FROM unsettled) AS busy"
        )
        assert row is not None
        if row["heads"] == events and not row["busy"]:
            return
        await asyncio.sleep(0.02)
