"""What one sender may send at most, and that another's records do not wait for it."""

from __future__ import annotations

import json
from collections import OrderedDict
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.consumer.fetcher import FetchResult

from services.chassis.ingest import facts
from services.chassis.kafka.fair_reading import FairFetcher
from tests.support import builders as b
from tests.support.stores import Store

TOPIC = "milestones-pr"


class Buffered(FairFetcher):
    """A fetcher with what it has fetched, and nothing behind it."""

    def __init__(self, sizes: dict[str, int]) -> None:
        self._closed = True
        self._wait_consume_future = None
        self._subscriptions = SimpleNamespace(reassignment_in_progress=False)
        self._records = OrderedDict((TopicPartition(t, 0), buffered(t, size)) for t, size in sizes.items())

    def _notify(self, future: Any) -> None:
        """Nobody waits."""


def buffered(topic: str, size: int) -> FetchResult:
    partition = TopicPartition(topic, 0)
    state = SimpleNamespace(paused=False, position=0)
    state.consumed_to = lambda offset: setattr(state, "position", offset)
    assignment = SimpleNamespace(active=True, state_value=lambda _: state)
    return FetchResult(partition, assignment=assignment, partition_records=Records(size), backoff=0)


class Records:
    """Fetched records that know where they are."""

    def __init__(self, size: int) -> None:
        self.next_fetch_offset = 0
        self._size = size

    def __iter__(self) -> Records:
        return self

    def __next__(self) -> int:
        if self.next_fetch_offset >= self._size:
            raise StopIteration
        self.next_fetch_offset += 1
        return self.next_fetch_offset - 1


def counted(drained: dict[TopicPartition, list[Any]]) -> dict[str, int]:
    return {partition.topic: len(records) for partition, records in drained.items()}


async def test_each_partition_gets_its_share_of_a_batch() -> None:
    fetcher = Buffered({"flood": 10_000, "other": 3, "third": 400})

    first = await fetcher.fetched_records((), 0, 500)
    second = await fetcher.fetched_records((), 0, 500)

    assert counted(first) == {"flood": 166, "other": 3, "third": 331}
    assert counted(second) == {"flood": 250, "third": 69}
    assert first[TopicPartition("other", 0)] == [0, 1, 2]


async def test_one_partition_alone_gets_the_whole_batch_in_its_order() -> None:
    fetcher = Buffered({"flood": 1200})

    batches = [(await fetcher.fetched_records((), 0, 500))[TopicPartition("flood", 0)] for _ in range(3)]

    assert [len(batch) for batch in batches] == [500, 500, 200]
    assert [n for batch in batches for n in batch] == list(range(1200))


async def test_a_partition_that_may_bring_nothing_keeps_what_was_fetched_and_the_others_go_on() -> None:
    fetcher = Buffered({"flood": 10_000, "slow": 40, "other": 3})
    left = {"flood": 0, "slow": 25, "other": 500}
    fetcher.left = lambda topic: left[topic]

    first = await fetcher.fetched_records((), 0, 500)
    left["flood"] = 7
    second = await fetcher.fetched_records((), 0, 500)

    assert counted(first) == {"slow": 25, "other": 3}
    assert counted(second) == {"flood": 7, "slow": 15}
    assert second[TopicPartition("flood", 0)] == list(range(7))


@pytest.mark.servers
async def test_a_long_run_of_refused_records_is_one_dead_letter_and_one_answer(store: Store) -> None:
    good = [store.record(b.a_consist(id="first"))]
    bad = [b.a_record(TOPIC, offset, (), b"{") for offset in range(1, 301)]

    await store.take([*good, *bad, b.record_of(b.a_plan(id="last"), TOPIC, 301)])

    (dead,) = await store.rows("dead_letter")
    assert (dead["offset"], dead["count"], dead["reason"]) == (1, 300, "not_json")
    receipts = await store.rows("receipt")
    assert [r["outcome"] for r in receipts] == ["accepted", "accepted", "refused"]
    assert "up to offset 300: 300 in all" in receipts[-1]["detail"]
    assert len([o for o in await store.rows("outbox") if o["topic"] == "tracking-dlq"]) == 1


@pytest.mark.servers
async def test_a_few_refused_records_are_answered_each_by_itself(store: Store) -> None:
    await store.take([b.a_record(TOPIC, offset, (), b"{") for offset in range(19)])

    assert len(await store.rows("dead_letter")) == len(await store.rows("receipt")) == 19


@pytest.mark.servers
async def test_an_identity_has_only_so_many_revisions(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    """However they are cut into batches; a repeat of one that is there is none more."""
    monkeypatch.setattr(facts, "MOST_REVISIONS", 5)
    revisions = [b.a_milestone("DEPA", at=n, id="one", updated_at=b.hours(n)) for n in range(8)]

    await store.take([store.record(r) for r in revisions[:3]])
    await store.take([store.record(r) for r in [*revisions[:3], *revisions[3:]]])
    await store.take([store.record(revisions[7]), store.record(revisions[0])])

    assert len(await store.rows("event")) == 5
    reasons = [(d["reason"], d["detail"]) for d in await store.rows("dead_letter")]
    assert reasons == [("over_budget", "an id has at most 5 revisions; use a new id")] * 4
    assert (await store.rows("receipt"))[-1]["outcome"] in ("refused", "repeat")


@pytest.mark.servers
async def test_a_body_of_unknown_fields_is_refused_and_one_with_a_few_of_them_is_not(store: Store) -> None:
    padded = b.a_milestone("DEPA", id="padded", padding="x" * 20_000)
    extended = b.a_milestone("DEPA", id="extended", more={"note": "x" * 3000}, remarks="y" * 900)
    many = b.a_consist({b.wagon(n): [] for n in range(150)}, id="many")
    pretty = b.a_record(
        TOPIC, 9, b.record_of(many, TOPIC, 9).headers, json.dumps(json.loads(many.body), indent=8).encode()
    )

    await store.take([store.record(padded), store.record(extended), pretty])

    assert {e["event_id"] for e in await store.rows("event")} == {"extended", "many"}
    (dead,) = await store.rows("dead_letter")
    assert dead["reason"] == "too_large"
