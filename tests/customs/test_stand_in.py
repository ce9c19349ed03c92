"""A decision on which we fail holds its case until it is replayed or given up."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from contracts.events.fields import utc_text
from services.chassis.dead_letters.letters import Filter
from services.chassis.dead_letters.replay import Replayer
from tests.support import builders as b
from tests.support.broken import breaking
from tests.support.stores import AS_OF, Store

pytestmark = pytest.mark.servers


async def fail_on(store: Store, record: ConsumerRecord[bytes, bytes]) -> None:
    """A copy with a bug reads a record of the Pakistani customs."""
    ingest = breaking(store, lambda event: event.source == b.source_of("fbr")).ingests["decisions"]
    await store.assign(ingest, {TopicPartition(record.topic, 0)})
    await ingest.consume([record])
    positions = store.ingests["decisions"].positions
    assert positions is not None
    await positions.seek([TopicPartition(record.topic, 0)])
    await store.settle()


async def holds(store: Store) -> list[tuple[str, bool]]:
    """The holds on the case: reason, and whether it is open."""
    case: Any = (await store.pictures())[b.CASE]
    return [(h["reason"], h.get("lifted_at") is None) for h in case["holds"]]


async def verdict(store: Store, id: str) -> str:
    case: Any = (await store.pictures())[b.CASE]
    return next(str(v["verdict"]) for v in case["verdicts"] if v["event_id"] == id)


@pytest.fixture
async def accepted(store: Store) -> Store:
    """A case that has been declared and accepted."""
    await store.feed([b.a_declaration(), b.a_decision("accept", at=-39, id="acc")])
    return store


def replayer(store: Store) -> Replayer:
    return Replayer("customs", store.blueprint.streams, lambda: store.pool, store.clock, store.book)


async def test_a_quarantined_decision_holds_its_case(accepted: Store) -> None:
    await fail_on(accepted, accepted.record(b.a_decision("inspect", id="ins")))

    assert await holds(accepted) == [("SYSTEM_DOWN", True)]


async def test_nothing_is_released_under_it(accepted: Store) -> None:
    await fail_on(accepted, accepted.record(b.a_decision("inspect", id="ins")))

    accepted.clock.step(AS_OF + timedelta(days=2))
    await accepted.feed([b.a_decision("release", id="rel", occurred_at=utc_text(AS_OF + timedelta(days=1)))])

    assert await verdict(accepted, "rel") == "refused"


async def test_a_replay_lifts_it_and_the_decision_counts(accepted: Store) -> None:
    await fail_on(accepted, accepted.record(b.a_decision("inspect", id="ins")))

    await replayer(accepted).replay(Filter(), "anna", dry_run=False)
    await accepted.settle()

    assert [is_open for _, is_open in await holds(accepted)] in ([], [False])
    assert await verdict(accepted, "ins") == "effective"


async def test_giving_it_up_lifts_it_too(accepted: Store) -> None:
    await fail_on(accepted, accepted.record(b.a_decision("inspect", id="ins")))

    await replayer(accepted).discard(Filter(), "anna", "withdrawn by telephone")
    await accepted.settle()

    assert [is_open for _, is_open in await holds(accepted)] in ([], [False])


async def test_the_case_is_known_by_the_key_where_nothing_else_can_be_read(accepted: Store) -> None:
    from services.customs.stand_in import hold_while_quarantined

    record = b.a_record("customs-decisions-fbr", 0, (), b"\xff", b.CASE.encode())
    found = hold_while_quarantined(record, None, b.START, True)

    assert found is not None
    assert (found[0], found[1].subject) == ("system:PK", b.CASE)


async def test_a_record_that_names_nothing_of_ours_holds_nothing() -> None:
    from services.customs.stand_in import hold_while_quarantined

    assert hold_while_quarantined(b.a_record("customs-decisions-fbr", 0), None, b.START, True) is None
