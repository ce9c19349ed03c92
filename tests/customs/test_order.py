"""Any order, repetition and cut into batches gives the same cases and passages at one instant.

The set of refused releases is the one input that the way decides, for safety (a refused release never becomes
effective by itself). So the reference is folded from all events at once, with what the other way has refused
remembered before it; and what is remembered afterwards must be that same set.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
from aiokafka.structs import ConsumerRecord
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts import topics
from contracts.envelope.codec import Event
from deploy.local.stack import Stack
from services.chassis.base.errors import is_transient
from services.tracking.app import blueprint as tracking
from tests.customs.histories import CASES, CONSIGNMENTS, CONTAINERS, REFERENCE, histories
from tests.support import builders as b
from tests.support.pipeline import cleared, taken_out
from tests.support.stores import Store, fresh_store

pytestmark = pytest.mark.servers

EXAMPLES = int(os.environ.get("ORDER_EXAMPLES", "25"))
TOPIC = topics.TRACKING_EVENTS.name

Record = ConsumerRecord[bytes, bytes]
Piece = Event | Record
Memory = dict[str, list[list[str]]]


@pytest.fixture(scope="module")
async def replicas(stack: Stack) -> AsyncIterator[list[Record]]:
    """What tracking publishes of two consignments, each picture in two versions: the second names less and more."""
    assert stack.admin_url
    one, other = CONSIGNMENTS
    async with fresh_store(stack.admin_url, tracking()) as store:
        await store.feed([b.a_booking(CONTAINERS, one, id="1"), b.a_booking([], other, id="2", references=[REFERENCE])])
        found = await taken_out(store, TOPIC)
        later = b.hours(1)
        await store.feed(
            [
                b.a_booking(CONTAINERS[:1], one, id="1", updated_at=later, references=[REFERENCE]),
                b.a_booking(CONTAINERS[1:], other, id="2", updated_at=later),
                *(b.a_milestone("DEPA", box, at, "pk-taftan") for at, box in enumerate(CONTAINERS, start=20)),
            ]
        )
        yield [*found, *await taken_out(store, TOPIC)]


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(events=histories(), seed=st.integers(0, 2**32))
async def test_every_shuffle_and_cut_gives_the_same_pictures(
    shared_store: Store, replicas: list[Record], events: list[Event], seed: int
) -> None:
    pieces: list[Piece] = [*replicas, *events]
    draw = random.Random(seed)
    mixed = [*pieces, *(p for p in pieces if draw.random() < 0.2)]
    draw.shuffle(mixed)

    found, refused = await played(shared_store, mixed, cuts=draw)

    assert (found, refused) == await played(shared_store, pieces, refused=refused)


@settings(
    max_examples=max(EXAMPLES // 3, 1),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(events=histories(), seed=st.integers(0, 2**32))
async def test_copies_that_fold_at_once_give_the_same_pictures(
    shared_store: Store, replicas: list[Record], events: list[Event], seed: int
) -> None:
    """Three copies fold whatever is in the queue while a fourth reads, as their transactions happen to fall."""
    pieces: list[Piece] = [*replicas, *events]
    mixed = list(pieces)
    random.Random(seed).shuffle(mixed)

    found, refused = await played_at_once(shared_store, mixed, copies=3)

    assert (found, refused) == await played(shared_store, pieces, refused=refused)


async def played_at_once(shared: Store, pieces: Sequence[Piece], *, copies: int) -> tuple[dict[str, Any], Memory]:
    store = await cleared(shared)
    read = asyncio.Event()

    async def fold(copy: Store) -> None:
        while not read.is_set() or await store.pool.fetchval("SELECT count(*) FROM fold_queue"):
            try:
                await copy.settler.round()
            except Exception as failure:
                if not is_transient(failure):
                    raise

    folding = [asyncio.create_task(fold(Store(store.blueprint, store.pool))) for _ in range(copies)]
    for offset, piece in enumerate(pieces):
        topic = topic_of(store, piece)
        await store.take([record(store, piece, topic, offset)])
    read.set()
    await asyncio.wait_for(asyncio.gather(*folding), 60)
    return filled(await store.pictures()), await remembered(store)


async def played(
    shared: Store, pieces: Sequence[Piece], *, cuts: random.Random | None = None, refused: Memory | None = None
) -> tuple[dict[str, Any], Memory]:
    """The pictures and refused releases after reading the pieces, folded after some batches or only at the end."""
    store = await cleared(shared)
    for case, releases in (refused or {}).items():
        memory = json.dumps({"refused": releases})
        await store.pool.execute("INSERT INTO picture (subject, memory) VALUES ($1, $2::jsonb)", case, memory)
    offset = iter(range(100_000))
    rest = list(pieces)
    while rest:
        topic = topic_of(store, rest[0])
        run = next((n for n, p in enumerate(rest) if topic_of(store, p) != topic), len(rest))
        size = min(run, cuts.randint(1, 5) if cuts else run)
        await store.take([record(store, piece, topic, next(offset)) for piece in rest[:size]])
        rest = rest[size:]
        if cuts and cuts.random() < 0.4:
            await store.settle()
    await store.settle()
    return filled(await store.pictures()), await remembered(store)


def topic_of(store: Store, piece: Piece) -> str:
    return store.topic_of(piece) if isinstance(piece, Event) else piece.topic


def record(store: Store, piece: Piece, topic: str, offset: int) -> Record:
    if isinstance(piece, Event):
        return b.record_of(piece, topic, offset)
    return b.a_record(topic, offset, piece.headers, piece.value, piece.key)


async def remembered(store: Store) -> Memory:
    rows = await store.pool.fetch(
        "SELECT subject, memory -> 'refused' AS refused FROM picture WHERE memory ? 'refused'"
    )
    return {row["subject"]: json.loads(row["refused"]) for row in rows}


# Which empty pictures there are tells which versions of tracking's pictures were skipped on the way, nothing more.
EMPTY = {"steps", "holds", "findings", "verdicts", "claimants", "announcements", "violations"}


def filled(pictures: dict[str, Any]) -> dict[str, Any]:
    """The pictures that say anything."""
    return {subject: picture for subject, picture in pictures.items() if any(picture.get(name) for name in EMPTY)}


async def test_the_histories_reach_refused_and_effective_releases(shared_store: Store, replicas: list[Record]) -> None:
    """The property would say little if no case ever got as far as a release."""
    case = CASES[0]
    events = [
        b.a_declaration(CONSIGNMENTS[0], at=0, id="d"),
        b.a_decision("accept", case, at=1, id="a"),
        b.a_hold(CONTAINERS[0], at=2, id="h"),
        b.a_decision("release", case, at=3, id="r"),
    ]

    found, refused = await played(shared_store, [*replicas, *events])

    assert refused == {case: [[b.source_of("fbr"), "r"]]}
    assert found[case]["verdicts"][-1]["verdict"] == "refused"
