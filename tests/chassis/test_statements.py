"""A batch and a round cost the same number of statements, whatever is in them.

Counted on the connections of each service's own ingest and settle, BEGIN and COMMIT included.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import Any

import asyncpg
import pytest
from aiokafka.structs import ConsumerRecord

from contracts import topics
from contracts.envelope.codec import Event
from deploy.local.stack import Stack
from services.chassis.service.blueprint import Blueprint
from services.customs.app import blueprint as customs
from services.notifications import audiences
from services.notifications.app import blueprint as notifications
from services.tracking.app import blueprint as tracking
from tests.support import builders as b
from tests.support.pipeline import cleared, hand_over, runtime_of, taken_out
from tests.support.stores import Store, fresh_database, fresh_store

pytestmark = pytest.mark.servers

LEVELS = 4
SIZES = (1, 10, 200)
Record = ConsumerRecord[bytes, bytes]


class Counted:
    """A copy of a service that notes every statement it sends."""

    def __init__(self, store: Store, asked: list[str]) -> None:
        self.store = store
        self.asked = asked

    async def ingest(self, records: Sequence[Record]) -> list[str]:
        """The statements of one batch; the partitions are taken before it, as by a rebalance."""
        await self.store.take([b.a_record(records[0].topic, 0, (), b"{", b"k")])
        batch = [b.a_record(r.topic, n, r.headers, r.value, r.key) for n, r in enumerate(records, start=1)]
        self.asked.clear()
        await self.store.take(batch)
        return list(self.asked)

    async def rounds(self) -> list[list[str]]:
        """The statements of each round, until nothing is left."""
        found: list[list[str]] = []
        while True:
            self.asked.clear()
            if not await self.store.settler.round():
                return found
            found.append(list(self.asked))


@asynccontextmanager
async def counted(admin_url: str, blueprint: Blueprint) -> AsyncIterator[Counted]:
    asked: list[str] = []

    async def note(connection: Any) -> None:
        connection.add_query_logger(lambda record: asked.append(record.query))

    async with fresh_database(admin_url, blueprint.name) as url:
        # Its session is not reset between uses: that would be statements of the driver's own.
        pool = await asyncpg.create_pool(url, min_size=1, max_size=1, init=note, reset=_leave)
        try:
            yield Counted(Store(blueprint, pool), asked)
        finally:
            pool.terminate()


async def _leave(_: Any) -> None:
    return None


def consists(size: int) -> list[Event]:
    """Trains of two wagons with a container each, all new."""
    return [
        b.a_consist(
            {b.wagon(900 + 2 * n + k): [b.container(900 + 2 * n + k)] for k in (0, 1)}, f"train:pr/T{n}/2026-06-22"
        )
        for n in range(size)
    ]


def with_repeats(events: Sequence[Event]) -> list[Event]:
    """Each batch also has a repeat, a later revision, and a report that it refuses."""
    again = b.a_milestone("DEPA", events[0].subject, id="moved")
    return [*events, events[0], again, b.a_milestone("DEPA", events[0].subject, 1, id="moved", updated_at=b.hours(1))]


def decisions(size: int) -> list[Event]:
    cases = [f"case:consignment:indus-forwarding/S{n}/PK/EXPORT/1" for n in range(size)]
    return [b.a_decision("accept", case) for case in cases]


def recorded(events: Sequence[Event], topic: str) -> list[Record]:
    records = [b.record_of(event, topic, n) for n, event in enumerate(events)]
    return [*records, b.a_record(topic, len(records), (), b"{", b"k")]


async def published(admin_url: str, size: int) -> list[Record]:
    """What tracking publishes of that many consignments with a container each."""
    async with fresh_store(admin_url, tracking()) as store:
        bookings = [b.a_booking([b.container(500 + n)], f"consignment:indus-forwarding/S{n}") for n in range(size)]
        await store.feed([*bookings, *(b.a_milestone("GTIN", b.container(500 + n), 1) for n in range(size))])
        records = await taken_out(store, topics.TRACKING_EVENTS.name)
    return [*records, b.a_record(topics.TRACKING_EVENTS.name, len(records), (), b"{", b"k")]


async def records_of(reads: str, admin_url: str, size: int) -> list[Record]:
    if reads == "milestones":
        return recorded(with_repeats(consists(size)), "milestones-pr")
    if reads == "decisions":
        return recorded(decisions(size), "customs-decisions-fbr")
    return await published(admin_url, size)


READS = {
    "tracking of milestones": (tracking, "milestones"),
    "customs of decisions": (customs, "decisions"),
    "customs of pictures": (customs, "pictures"),
    "notifications of pictures": (notifications, "pictures"),
}


@pytest.fixture(scope="module", params=READS)
async def measured(stack: Stack, request: Any) -> dict[int, tuple[list[str], list[list[str]]]]:
    """The statements of one batch and of the rounds that follow, by the number of events."""
    assert stack.admin_url
    blueprint, reads = READS[request.param]
    found = {}
    async with counted(stack.admin_url, blueprint()) as copy:
        # The first time the driver asks for types as well.
        for size in (1, *SIZES):
            copy.store = await cleared(copy.store)
            batch = await copy.ingest(await records_of(reads, stack.admin_url, size))
            found[size] = batch, await copy.rounds()
    return found


def test_a_batch_costs_the_same_statements_for_one_event_and_for_two_hundred(measured: Any) -> None:
    one, ten, many = (measured[size][0] for size in SIZES)

    assert one == ten == many


def test_a_round_of_hundreds_says_the_same_thing_once_for_each_level_that_is_small(measured: Any) -> None:
    """Train, wagon, container, consignment: what few read is folded in the same round, with the same statements."""
    for _, rounds in measured.values():
        for statements in rounds:
            assert max(map(statements.count, statements), default=0) <= LEVELS + 1


def test_a_round_costs_no_more_statements_for_hundreds_of_subjects_than_for_one(measured: Any) -> None:
    most = {size: max(len(r) for r in measured[size][1]) for size in SIZES}

    assert most[200] <= most[1] + 2


# What one milestone of a booked box costs each service while nobody waits, BEGIN and COMMIT included: the second report
# of its kind, so that nothing is there for the first time. docs/benchmarks.md has the same figures.
LIVE = {"tracking": (25, 1), "customs": (32, 2), "notifications": (17, 1)}


async def test_a_single_report_is_stored_folded_and_published_by_one_transaction(stack: Stack) -> None:
    """In customs the way over the borders waits for a round of its own: what is found there is for good."""
    assert stack.admin_url
    found = {}
    async with (
        counted(stack.admin_url, tracking()) as one,
        counted(stack.admin_url, customs()) as two,
        counted(stack.admin_url, notifications()) as three,
    ):
        copies = {"tracking": one, "customs": two, "notifications": three}
        await audiences.refresh(runtime_of(three.store))
        for copy in copies.values():
            copy.store = Store(copy.store.blueprint, copy.store.pool, at_once=True)
        await passed_on(copies, b.a_booking())
        for hour in (1, 2, 3):
            found = await passed_on(copies, b.a_milestone("SEAL", b.CONTAINER, hour, party="lahore-dry-port"))

    assert {name: (len(asked), asked.count("COMMIT;")) for name, asked in found.items()} == LIVE


async def passed_on(copies: Mapping[str, Counted], event: Event) -> dict[str, list[str]]:
    """The statements of each service for one report, up to its last fold."""
    tracking = copies["tracking"]
    for copy in copies.values():
        copy.asked.clear()
    await tracking.store.take([tracking.store.record(event)])
    found = {"tracking": await all_of(tracking)}
    readers = [copies["customs"], copies["notifications"]]
    await hand_over(tracking.store, topics.TRACKING_EVENTS.name, *(copy.store for copy in readers))
    return found | {copy.store.blueprint.name: await all_of(copy) for copy in readers}


async def all_of(copy: Counted) -> list[str]:
    """What a copy has asked, and asks in the rounds that follow."""
    asked = list(copy.asked)
    return [*asked, *(statement for round in await copy.rounds() for statement in round)]
