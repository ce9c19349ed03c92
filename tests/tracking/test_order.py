"""Any order, repetition and cut into batches gives the same canonical pictures at one instant."""

from __future__ import annotations

import os
import random
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from contracts.envelope.codec import Event
from services.chassis.base.clock import CorridorClock
from services.tracking.app import blueprint
from tests.support import builders as b
from tests.support.fixtures import store_fixture
from tests.support.stores import AS_OF, Store, empty
from tests.tracking.histories import histories
from tests.tracking.pure import pictures

pytestmark = pytest.mark.servers

EXAMPLES = int(os.environ.get("ORDER_EXAMPLES", "40"))


store = store_fixture(blueprint)


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(events=histories(), seed=st.integers(0, 2**32))
async def test_every_shuffle_and_cut_gives_the_same_pictures(store: Store, events: list[Event], seed: int) -> None:
    at = appended(events)
    expected = await played(store, events, at, cuts=None)

    shuffled = shuffle(events, seed)

    assert await played(store, shuffled, at, cuts=random.Random(seed)) == expected
    assert pictures(events, AS_OF, {content: instant_of(ms) for content, ms in at.items()}) == expected


def shuffle(events: Sequence[Event], seed: int) -> list[Event]:
    """Another order, with some of the events twice."""
    draw = random.Random(seed)
    again = [e for e in events if draw.random() < 0.2]
    mixed = [*events, *again]
    draw.shuffle(mixed)
    return mixed


class Received(CorridorClock):
    """Looks at the corridor at one instant, and takes the broker's word for when a record was received."""

    def received_at(self, appended_ms: int) -> datetime:
        return instant_of(appended_ms)


def instant_of(ms: int) -> datetime:
    return datetime.fromtimestamp(ms / 1000, UTC)


def appended(events: Sequence[Event]) -> dict[bytes, int]:
    """When the broker took each revision, in milliseconds: in the order of the list, from before the first movement
    until behind the last."""
    first, hour = int(b.START.timestamp()) - 70 * 3600, 140 / len(events)
    return {e.content_hash: int(first + n * hour * 3600) * 1000 for n, e in reversed(list(enumerate(events)))}


async def played(
    store: Store, events: Sequence[Event], at: Mapping[bytes, int], cuts: random.Random | None
) -> dict[str, Any]:
    """The canonical pictures after ingesting the events, folded after some batches or only at the end."""
    await empty(store)
    copy = Store(store.blueprint, store.pool)
    clock = Received(stepped=True)
    clock.step(AS_OF)
    copy.settler.clock = copy.ingests["milestones"].clock = clock
    rest = list(events)
    while rest:
        topic = copy.topic_of(rest[0])
        run = next((n for n, e in enumerate(rest) if copy.topic_of(e) != topic), len(rest))
        size = min(run, cuts.randint(1, 5) if cuts else run)
        await copy.take([replace(copy.record(e, topic), timestamp=at[e.content_hash]) for e in rest[:size]])
        rest = rest[size:]
        if cuts and cuts.random() < 0.4:
            await copy.settle()
    await copy.settle()
    return await copy.pictures()
