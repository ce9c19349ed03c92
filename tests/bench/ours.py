"""Our tracking service's ingest and settle, as they run in production, without the relay."""

from __future__ import annotations

import asyncio
import contextlib
import time
from dataclasses import replace

from services.chassis.base.access import KafkaAccess
from services.chassis.base.clock import CorridorClock
from services.chassis.base.database import open_pool
from services.chassis.base.parties import PartyBook
from services.chassis.base.settings import ServiceSettings
from services.chassis.ingest.subscriber import Subscribers
from services.chassis.kafka import clients
from services.chassis.kafka.admin import TopicIds
from services.chassis.service.loops import new_ingests, new_settle
from services.chassis.service.process import spare_the_collector
from services.tracking.app import blueprint
from tests.bench.workload import BATCH, Workload
from tests.support.settings import kafka_settings
from tests.support.stores import AS_OF, Store, lift_budgets


async def run(access: KafkaAccess, url: str, load: Workload, name: str) -> float:
    """Events a second, from the first stored batch to the last fold."""
    spare_the_collector()
    settings = ServiceSettings.load(
        "tracking",
        **kafka_settings(access),
        database_url=url,
        http_port=0,
        copy_name=name,
        batch_records=BATCH,
    )
    plan, clock = blueprint(), CorridorClock(stepped=True)
    clock.step(AS_OF)
    pool = await open_pool(url, "bench")
    await lift_budgets([url])
    store = Store(plan, pool)
    await store.feed(load.bookings)
    settle = new_settle(plan, pool, clock, settings.settle_subjects)
    # A group of its own: a static member of an earlier round would keep its partition until its session ends.
    (ingest,) = new_ingests(
        replace(plan, name=name), pool, clock, PartyBook(), lambda _: settle.wake(), fold=settle.fold_or_queue
    )
    broker = clients.new_broker(settings)
    subscribers = Subscribers([ingest], settings)
    broker.include_router(plan.routes(subscribers))
    subscribers.bind(broker, TopicIds(clients.admin_config(settings)))
    workers = [asyncio.create_task(settle.run()) for _ in range(settings.settle_workers)]
    await broker.start()
    rate = await _measured(store, len(load.bookings), len(load.milestones))
    for worker in workers:
        worker.cancel()
    await broker.stop()
    with contextlib.suppress(asyncio.CancelledError):
        await asyncio.gather(*workers, return_exceptions=True)
    pool.terminate()
    return rate


async def _measured(store: Store, before: int, events: int) -> float:
    """Looks at the store until everything is folded; the clock runs from the first batch that it sees."""
    begun, first = 0.0, 0
    while True:
        row = await store.pool.fetchrow(
            "SELECT (SELECT count(*) FROM head) AS heads, EXISTS (SELECT FROM fold_queue) AS busy"
        )
        assert row is not None
        done = row["heads"] - before
        if done and not first:
            begun, first = time.perf_counter(), done
        if done == events and not row["busy"]:
            return (events - first) / (time.perf_counter() - begun)
        await asyncio.sleep(0.02)
