"""The statements that the bench compares with run on a store as it is now: a drift would only show when it is run."""

from __future__ import annotations

import pytest

from contracts.envelope.codec import Event, encode
from services.chassis.base.database import transaction
from services.tracking.app import blueprint
from tests.bench import statements
from tests.bench.bare import _ADD
from tests.bench.workload import workload
from tests.support.fixtures import store_fixture
from tests.support.stores import Store

pytestmark = pytest.mark.servers

store = store_fixture(blueprint)


def row_of(event: Event, topic: str, offset: int) -> statements.Row:
    headers = encode(id=event.id, source=event.source, type=event.type, subject=event.subject)
    return statements.row_of([(name, value) for name, value in headers if value], event.body, topic, 0, offset)


async def test_what_the_bench_stores_and_folds_comes_to_pictures(store: Store) -> None:
    load = workload(16)
    await store.feed(load.bookings)
    await store.pool.execute(_ADD, load.topic)
    rows = [row_of(event, load.topic, offset) for offset, event in enumerate(load.milestones)]

    async with transaction(store.pool) as connection:
        await statements.ingest(connection, rows)
    async with transaction(store.pool) as connection:
        while await statements.settle(connection, 10):
            pass

    assert await store.rows("fold_queue") == []
    pictures = await store.pictures()
    assert [len(pictures[s]["timeline"]) >= 8 for s in sorted({e.subject for e in load.milestones})] == [True, True]
