"""What one party's feed may bring a day and have refused a minute, and whose share of the work is whose."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

import pytest
from aiokafka import TopicPartition
from aiokafka.structs import ConsumerRecord

from contracts import topics
from deploy.local.stack import Stack
from services.chassis.ingest.consumer import Ingest
from services.chassis.ingest.shares import Shares
from services.chassis.service.health import readiness
from services.chassis.service.progress import Monitor
from services.customs.app import blueprint as customs
from tests.support import builders as b
from tests.support.edges import give_budget
from tests.support.monotonic import Clock
from tests.support.pipeline import hand_over, runtime_of
from tests.support.stores import AS_OF, Store, fresh_store

pytestmark = pytest.mark.servers
TOPIC = "milestones-pr"
_QUEUE = "INSERT INTO fold_queue (subject, cause, party) VALUES ($1, 'report', $2)"


def sightings(first: int, last: int) -> list[Any]:
    return [b.a_milestone("PASS", at=n / 60, id=f"seen-{n}", point="pk-rohri") for n in range(first, last)]


async def outcomes(store: Store) -> list[str]:
    return [receipt["reason"] or receipt["outcome"] for receipt in await store.rows("receipt")]


async def test_reports_beyond_the_days_budget_are_refused_until_the_next_day(store: Store) -> None:
    await give_budget(store, "pr", reports_a_day=3)

    for reports in (sightings(0, 2), sightings(2, 5), sightings(5, 6)):
        await store.take([store.record(one) for one in reports])
    store.clock.step(AS_OF + timedelta(days=1))
    await store.take([store.record(one) for one in sightings(6, 8)])

    assert await outcomes(store) == ["accepted"] * 3 + ["over_budget"] * 3 + ["accepted"] * 2
    assert {e["event_id"] for e in await store.rows("event")} == {f"seen-{n}" for n in (0, 1, 2, 6, 7)}


async def test_bytes_beyond_the_days_budget_are_refused(store: Store) -> None:
    reports = sightings(0, 4)
    await give_budget(store, "pr", bytes_a_day=sum(len(one.body) for one in reports[:2]))

    await store.take([store.record(one) for one in reports])

    assert await outcomes(store) == ["accepted"] * 2 + ["over_budget"] * 2


async def test_reports_about_one_subject_beyond_the_days_budget_are_refused_and_those_about_others_are_not(
    store: Store,
) -> None:
    """They are counted from when a party has said so much in all."""
    await give_budget(store, "pr", reports_about_one_a_day=3)
    others = [b.a_plan(f"train:pr/T{n}/2026-06-22", id=f"plan-{n}") for n in range(3)]

    for reports in (sightings(0, 4), sightings(4, 9), others):
        await store.take([store.record(one) for one in reports])

    assert await outcomes(store) == ["accepted"] * 7 + ["over_budget"] * 2 + ["accepted"] * 3


async def test_one_partys_budget_is_no_other_partys(store: Store) -> None:
    await give_budget(store, "pr", reports_a_day=1)
    others = [b.a_plan(f"train:ktz/T{n}/2026-06-22", id=f"ktz-{n}", party="ktz") for n in range(3)]

    await store.take([store.record(one) for one in sightings(0, 3)])
    await store.take([store.record(one) for one in others])

    assert (await outcomes(store))[-3:] == ["accepted"] * 3


async def test_a_batch_that_is_read_again_is_counted_once(store: Store) -> None:
    """What a transaction did not keep is not spent either."""
    await give_budget(store, "pr", reports_a_day=3)
    records = [store.record(one) for one in sightings(0, 3)]

    await store.assign(store.ingests["milestones"], {TopicPartition(TOPIC, 0)})
    with pytest.raises(RuntimeError):
        await read_and_fail(store, records)
    await store.take(records)

    assert await outcomes(store) == ["accepted"] * 3


async def read_and_fail(store: Store, records: Sequence[ConsumerRecord[bytes, bytes]]) -> None:
    """Stores a batch up to its commit, which fails."""
    await store.pool.execute(
        """CREATE FUNCTION fails() RETURNS trigger AS 'BEGIN RAISE EXCEPTION ''no''; END' LANGUAGE plpgsql;
        CREATE CONSTRAINT TRIGGER fails AFTER INSERT ON receipt DEFERRABLE INITIALLY DEFERRED
        FOR EACH ROW EXECUTE FUNCTION fails()"""
    )
    try:
        await store.take(records)
    except Exception as failure:
        raise RuntimeError from failure
    finally:
        await store.pool.execute("DROP TRIGGER fails ON receipt; DROP FUNCTION fails")


def shared_by(store: Store, clock: Clock) -> Ingest:
    ingest = store.ingests["milestones"]
    ingest.shares = Shares("tracking", ingest.stream, store.book.budget, clock)
    return ingest


async def used_to(store: Store, ingest: Ingest, clock: Clock) -> None:
    """Brings light reports until they are taken for what they are; a minute later all of the share is there."""
    for number in range(20):
        await store.take([store.record(one) for one in sightings(1000 + number, 1001 + number)])
        clock.seconds += 60.0


async def test_a_feed_brings_no_more_at_once_than_a_seconds_worth_and_goes_on_in_pieces(store: Store) -> None:
    """Of 600 a minute that is 10, and what comes back is worth a batch after nine tenths of a second."""
    await give_budget(store, "pr", reports_a_minute=600)
    clock = Clock()
    ingest = shared_by(store, clock)
    await used_to(store, ingest, clock)
    left = [ingest.shares.left(TOPIC)]

    await store.take([store.record(one) for one in sightings(0, 10)])
    for seconds in (0.0, 0.8, 0.15, 60.0):
        clock.seconds += seconds
        left.append(ingest.shares.left(TOPIC))

    assert left == [10, 0, 0, 9, 10]


async def test_a_feed_that_nobody_knows_yet_is_taken_for_a_heavy_one(store: Store) -> None:
    await give_budget(store, "pr", reports_a_minute=6000)
    await store.book.refresh(store.pool)

    assert shared_by(store, Clock()).shares.left(TOPIC) == 2


async def test_a_feed_of_which_too_much_is_refused_waits(store: Store) -> None:
    await give_budget(store, "pr", refused_a_minute=600)
    ingest = shared_by(store, Clock())

    await store.take([b.a_record(TOPIC, offset, (), b"{") for offset in range(30)])

    assert ingest.shares.left(TOPIC) == 0


async def test_a_report_counts_once_for_each_subject_that_it_names(store: Store) -> None:
    """A consist of ten wagons is eleven."""
    await give_budget(store, "pr", reports_a_minute=600)
    ingest = shared_by(store, Clock())
    consist = b.a_consist({b.wagon(n): [] for n in range(10)})

    await store.take([store.record(consist)])

    assert ingest.shares.left(TOPIC) == 0


async def test_large_records_are_fewer_at_a_time(store: Store) -> None:
    await give_budget(store, "pr", bytes_a_minute=300_000)
    clock = Clock()
    ingest = shared_by(store, clock)

    await store.take([b.a_record(TOPIC, 0, (), b"{" + b" " * 5000)])
    clock.seconds = 10.0

    assert ingest.shares.left(TOPIC) == 1


async def test_what_is_accepted_is_not_counted_as_refused(store: Store) -> None:
    await give_budget(store, "pr", refused_a_minute=60)
    ingest = shared_by(store, Clock())

    await store.take([store.record(one) for one in sightings(0, 2)])

    assert ingest.shares.left(TOPIC) == 1


@pytest.mark.parametrize("budget", [{"reports_a_minute": 60}, {"bytes_a_minute": 1000}], ids=["reports", "bytes"])
async def test_a_feed_that_brings_more_than_its_share_waits_and_no_other(store: Store, budget: dict[str, int]) -> None:
    await give_budget(store, "pr", **budget)
    ingest = shared_by(store, Clock())
    others = [b.a_plan(f"train:ktz/T{n}/2026-06-22", id=f"ktz-{n}", party="ktz") for n in range(5)]

    await store.take([store.record(one) for one in [*sightings(0, 50), *others]])

    assert ingest.shares.left(TOPIC) == 0
    assert ingest.shares.left("milestones-ktz") > 0


async def test_the_share_of_a_partys_work_is_its_own_in_the_services_behind(store: Store, stack: Stack) -> None:
    """Whose report has caused a picture goes with it, on the topics that only services read."""
    async with fresh_store(stack.admin_url or "", customs()) as behind:
        await store.feed([b.a_consist()])
        sent = {(row["topic"], row["party"]) for row in await store.rows("outbox")}
        await hand_over(store, topics.TRACKING_EVENTS.name, behind)

        assert {row["party"] for row in await behind.rows("fold_queue")} == {"pr"}
    assert sent == {(topics.TRACKING_EVENTS.name, "pr"), ("receipts-pr", "")}


async def look(monitor: Monitor, store: Store) -> float | None:
    """Has a look taken; since when the shares of the queue wait."""
    await monitor.look(store.pool, store.clock.now(), list(store.ingests.values()))
    return monitor.backlogs.since("share")


async def test_a_party_with_a_long_queue_does_not_make_a_copy_unready_as_long_as_it_moves(store: Store) -> None:
    monitor = Monitor("tracking")
    for number in range(5):
        await store.pool.execute(_QUEUE, f"train:pr/T{number}/2026-06-22", "pr")

    began = await look(monitor, store)
    await store.pool.execute("DELETE FROM fold_queue WHERE id = (SELECT min(id) FROM fold_queue)")
    moved = await look(monitor, store)

    assert began is not None
    assert moved is not None and moved > began


async def test_a_queue_of_nobodys_that_is_not_worked_off_makes_a_copy_unready_though_it_moves(store: Store) -> None:
    monitor = Monitor("tracking")
    for number in range(5):
        await store.pool.execute(_QUEUE, f"train:pr/T{number}/2026-06-22", "")

    began = await look(monitor, store)
    await store.pool.execute("DELETE FROM fold_queue WHERE id = (SELECT min(id) FROM fold_queue)")

    assert began is not None
    assert await look(monitor, store) == began


async def test_a_record_of_our_own_that_is_put_aside_is_told_and_takes_no_door_away(stack: Stack) -> None:
    async with fresh_store(stack.admin_url or "", customs()) as store:
        await store.take([b.a_record(topics.TRACKING_EVENTS.name, 0, (), b"{")])
        runtime = runtime_of(store)
        await look(runtime.monitor, store)

        found = await readiness(runtime)

    assert (found["understanding"], found["settling"]) == (False, True)
