"""The race between a train's departure and a container's loading, at two copies of the service.

Each copy ingests its report in one transaction and folds in others. Whatever the order in which these commit, and
however they interleave, the departure reaches the container.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from itertools import permutations

import pytest

from services.chassis.base.database import transaction
from services.chassis.queue import fold_queue
from services.tracking.app import blueprint
from tests.support import builders as b
from tests.support.fixtures import store_fixture
from tests.support.stores import Store, empty, reopened

pytestmark = pytest.mark.servers


shared_store = store_fixture(blueprint)


@pytest.fixture
async def copies(shared_store: Store) -> AsyncIterator[tuple[Store, Store]]:
    """Two copies on one store in which the wagon is known to be in the train."""
    await empty(shared_store)
    first, second = reopened(shared_store), reopened(shared_store)
    await first.feed([b.a_consist({b.WAGON: []}), b.a_booking()])
    yield first, second


DEPARTURE = b.a_milestone("DEPA", at=10, id="departure")
LOADING = b.a_milestone("LOAD", b.CONTAINER, at=5, id="loading", party="lahore-dry-port", wagon=b.WAGON)

Step = Callable[[], Awaitable[object]]


async def reached(store: Store) -> bool:
    timeline = (await store.pictures())[b.CONTAINER].get("timeline", [])
    return any(f["code"] == "DEPA" and f.get("via") == b.TRAIN for f in timeline)


def interleavings(first: int, second: int) -> list[tuple[int, ...]]:
    """Every order of two copies' steps in which each copy keeps its own order."""
    return sorted(set(permutations([0] * first + [1] * second)))


@pytest.mark.parametrize("order", interleavings(4, 4))
async def test_the_departure_reaches_the_container_in_every_order_of_commits(
    copies: tuple[Store, Store], order: tuple[int, ...]
) -> None:
    steps: tuple[list[Step], list[Step]] = (rounds(copies[0], DEPARTURE), rounds(copies[1], LOADING))

    for copy in order:
        await steps[copy].pop(0)()
    await copies[0].settle()

    assert await reached(copies[0])


def rounds(copy: Store, event: object) -> list[Step]:
    """One copy's transactions: its report, then rounds of folding."""
    record = copy.record(event, copy.topic_of(event))  # type: ignore[arg-type]
    return [lambda: copy.take([record]), copy.settler.round, copy.settler.round, copy.settler.round]


@pytest.mark.parametrize("reader_first", [True, False])
@pytest.mark.parametrize("commit_first", ["train", "container"])
async def test_the_departure_reaches_the_container_when_both_folds_are_open_at_once(
    copies: tuple[Store, Store], reader_first: bool, commit_first: str
) -> None:
    """Two open transactions, each of which has read before the other commits."""
    train, loader = copies
    await train.take([train.record(DEPARTURE)])
    assert await taken(train) == [b.TRAIN]
    await loader.take([loader.record(LOADING)])

    await both(train, loader, reader_first=reader_first, commit_first=commit_first)
    await train.settle()

    assert await reached(train)


async def taken(copy: Store) -> list[str]:
    return [r["subject"] for r in await copy.rows("fold_queue")]


async def both(train: Store, loader: Store, *, reader_first: bool, commit_first: str) -> None:
    """Runs a round of each copy with both transactions open, and commits them in the order asked for."""
    gates = {"train": asyncio.Event(), "container": asyncio.Event()}
    opened = {"train": asyncio.Event(), "container": asyncio.Event()}
    names = ["container", "train"] if reader_first else ["train", "container"]
    subjects = {"train": [b.TRAIN], "container": sorted([b.CONTAINER, b.WAGON])}
    tasks = []
    for name in names:
        copy = train if name == "train" else loader
        tasks.append(asyncio.create_task(round_held(copy, subjects[name], opened[name], gates[name])))
        await asyncio.wait_for(opened[name].wait(), 10)
    second = "container" if commit_first == "train" else "train"
    for name in (commit_first, second):
        gates[name].set()
        await asyncio.wait_for(tasks[names.index(name)], 10)


async def round_held(copy: Store, subjects: list[str], opened: asyncio.Event, gate: asyncio.Event) -> None:
    """One round of some subjects that folds at once but commits only when the gate is opened."""
    async with transaction(copy.pool) as connection:
        rows = await connection.fetch("DELETE FROM fold_queue WHERE subject = ANY($1) RETURNING *", subjects)
        found = {r["subject"]: fold_queue.QueueRow(r["subject"], r["cause"], linked=r["linked"]) for r in rows}
        await copy.settler.folding.fold(connection, found)
        opened.set()
        await gate.wait()
