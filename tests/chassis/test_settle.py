"""Settle: what a round does, what it leaves, and what it never does."""

from __future__ import annotations

import asyncio
import dataclasses
import json
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

import asyncpg
import pytest
from aiokafka import TopicPartition

from services.chassis.base.clock import machinery_now
from services.chassis.base.database import Connection, transaction
from services.chassis.projection.changes import PictureChange
from services.chassis.projection.fold import Folded, Inputs, Shared
from services.chassis.projection.folding import AT_ONCE
from services.chassis.queue import fold_queue
from services.tracking.projection import TrackingProjection
from tests.support import builders as b
from tests.support.stores import Store
from tests.support.system import until

pytestmark = pytest.mark.servers


class Broken(TrackingProjection):
    """A fold with a bug in one subject."""

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        if inputs.subject == b.WAGON:
            raise ZeroDivisionError
        return super().fold(inputs, as_of)


class Newer(TrackingProjection):
    """The fold of a later build."""

    fold_number = TrackingProjection.fold_number + 1


class Deciding(TrackingProjection):
    """Settles something for good with each fold of the container; keeps what these folds have read of others."""

    def __init__(self, *, waits: bool) -> None:
        super().__init__()
        self._waits = waits
        self.read: list[Any] = []

    def decides(self, subject: str) -> bool:
        return self._waits and subject == b.CONTAINER

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        if inputs.subject == b.CONTAINER:
            self.read.append(inputs.shared)
        return super().fold(inputs, as_of)


class Reading(TrackingProjection):
    """Keeps what each subject has read of others last."""

    def __init__(self) -> None:
        super().__init__()
        self.read: dict[str, Mapping[str, Shared]] = {}

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        self.read[inputs.subject] = inputs.shared
        return super().fold(inputs, as_of)


class Slow(TrackingProjection):
    """So slow that the server ends the transaction of a round with more than two subjects."""

    async def save(self, connection: Connection, changes: Sequence[PictureChange]) -> None:
        if len(changes) > 2:
            raise asyncpg.IdleInTransactionSessionTimeoutError
        await super().save(connection, changes)


class Unsaved(TrackingProjection):
    """Cannot save its own rows."""

    async def save(self, connection: Connection, changes: Sequence[PictureChange]) -> None:
        raise ZeroDivisionError


class Endless(TrackingProjection):
    """Never done with a wagon."""

    def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
        while inputs.subject == b.WAGON:
            pass
        return super().fold(inputs, as_of)


def with_projection(store: Store, projection: TrackingProjection) -> Store:
    return Store(dataclasses.replace(store.blueprint, projection=projection), store.pool)


async def published(store: Store, subject: str) -> list[dict[str, Any]]:
    return [o for o in await store.rows("outbox") if o["ce_subject"] == subject]


async def test_a_fold_that_fails_holds_up_no_other_subject_and_is_tried_again(store: Store) -> None:
    broken = with_projection(store, Broken())
    await broken.take([broken.record(b.a_consist())])

    await broken.settle()

    assert b.TRAIN in await store.pictures()
    waiting = {(r["subject"], r["attempts"] > 0) for r in await store.rows("fold_queue")}
    assert waiting == {(b.WAGON, True)}


async def test_a_subject_whose_fold_takes_too_long_is_set_aside_and_the_others_go_on(store: Store) -> None:
    endless = with_projection(store, Endless())
    endless.settler.folding.fold_seconds = 0.2
    await endless.take([endless.record(b.a_consist())])

    await endless.settle()

    assert b.TRAIN in await store.pictures()
    waiting = await store.rows("fold_queue")
    assert {row["subject"] for row in waiting} == {b.WAGON}
    assert all(row["not_before"] - machinery_now() > timedelta(seconds=5) for row in waiting)


async def test_readers_of_a_subject_are_given_one_text_and_each_its_own_part(store: Store) -> None:
    folder = Reading()
    reading = with_projection(store, folder)
    await reading.take([reading.record(b.a_consist({b.wagon(1): [b.CONTAINER], b.wagon(2): []}))])

    await reading.settle()

    first, second = (folder.read[b.wagon(n)][b.TRAIN] for n in (1, 2))
    assert first.text == second.text and b.CONTAINER not in first.text
    assert [b.CONTAINER in (one.own or "") for one in (first, second)] == [True, False]


async def test_a_page_is_shared_out_among_the_parties_whose_reports_wait(store: Store) -> None:
    """A flood of one railway's does not keep another's report from the next page."""
    flood = [b.a_plan(f"train:pr/F{n:03}/2026-06-22") for n in range(60)]
    await store.take([store.record(event) for event in flood])
    await store.take([store.record(b.a_plan("train:rai/IR1/2026-06-22", party="rai"))])
    store.settler.subjects = 10

    await store.settler.round()

    folded = set(await store.pictures())
    assert "train:rai/IR1/2026-06-22" in folded
    assert 5 <= len(folded) <= 10


async def test_a_round_that_takes_too_long_is_done_in_smaller_ones(store: Store) -> None:
    slow = with_projection(store, Slow())
    wagons = [b.wagon(n) for n in range(8)]
    await slow.take([slow.record(b.a_consist({w: [] for w in wagons}))])
    working = asyncio.create_task(slow.settler.run())

    async def all_are_folded() -> bool:
        return not await slow.rows("fold_queue")

    try:
        await until(all_are_folded, 30, "the folds")
    finally:
        working.cancel()

    assert {b.TRAIN, *wagons} <= set(await slow.pictures())


@pytest.mark.parametrize("waits", [True, False])
async def test_what_decides_for_good_is_folded_when_all_that_it_reads_is(store: Store, *, waits: bool) -> None:
    """The container reads of the train by way of the wagon; another subject may be folded on what is there."""
    await store.feed([b.a_consist(), b.a_booking()])
    projection = Deciding(waits=waits)
    deciding = with_projection(store, projection)
    for event in (b.a_milestone("DEPA", at=2), b.a_milestone("GTIN", b.CONTAINER, at=1, party="lahore-dry-port")):
        await store.take([store.record(event)])

    await deciding.settle()

    assert any(read != projection.read[-1] for read in projection.read) is not waits
    assert await store.rows("fold_queue") == []


async def test_a_fold_that_waits_keeps_the_trace_of_its_report(store: Store) -> None:
    deciding = with_projection(store, Deciding(waits=True))
    await store.feed([b.a_consist(), b.a_booking()])
    trace = "00-0af7651916cd43dd8448eb211c80319c-b7ad6b7169203331-01"
    report = b.a_milestone("GTIN", b.CONTAINER, at=1, party="lahore-dry-port")
    await store.take([store.record(b.a_milestone("DEPA", at=2))])
    await store.take([store.record(report._replace(traceparent=trace))])

    await deciding.settle()

    assert trace in {o["traceparent"] for o in await published(store, b.CONTAINER)}


@pytest.mark.parametrize(("wagons", "most"), [(1, 1), (40, 4)])
async def test_a_trains_event_reaches_its_consignment_in_one_round_or_for_a_long_train_in_four(
    store: Store, wagons: int, most: int
) -> None:
    """Train, wagon, container, consignment: what few read is handed on at once, the rest by the queue."""
    empty: dict[str, list[str]] = {b.wagon(n): [] for n in range(2, wagons + 1)}
    await store.feed([b.a_booking(), b.a_consist({b.WAGON: [b.CONTAINER]} | empty)])
    await store.take([store.record(b.a_milestone("DEPA", at=2))])

    rounds = 0
    while (await store.pictures())[b.CONSIGNMENT]["status"] != "in_transit":
        assert await store.settler.round()
        rounds += 1

    assert rounds <= most


async def read_by_one_who_began_meanwhile(store: Store) -> list[str]:
    """What a wagon has read of a train, which it begins to read while a fold of the train has looked for readers."""
    await store.feed([b.a_consist()])
    await store.take([store.record(b.a_milestone("DEPA", at=2))])
    folder, late = Reading(), b.wagon(2)
    reading = with_projection(store, folder)
    found: list[str] = []
    async with transaction(store.pool) as connection:
        await connection.execute("DELETE FROM fold_queue")
        await store.settler.folding.fold(connection, {b.TRAIN: fold_queue.QueueRow(b.TRAIN, "report")})
        await store.pool.execute("INSERT INTO link VALUES ($1, $2, 's', 'e')", late, b.TRAIN)
        await store.pool.execute("INSERT INTO fold_queue (subject, cause, linked) VALUES ($1, 'report', true)", late)
        await reading.settle()
        found.append(folder.read[late][b.TRAIN].text)
    await reading.settle()
    return [*found, folder.read[late][b.TRAIN].text]


async def test_who_begins_to_read_a_subject_that_is_being_folded_is_folded_again(store: Store) -> None:
    before, after = await read_by_one_who_began_meanwhile(store)

    assert before != after
    assert await store.rows("fold_queue") == []


async def test_without_a_second_look_it_would_be_left_behind(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    async def never(*_: Any) -> int:
        return 0

    monkeypatch.setattr(fold_queue, "look_again", never)

    before, after = await read_by_one_who_began_meanwhile(store)

    assert before == after


async def test_a_report_of_few_subjects_is_folded_in_the_transaction_that_stores_it(store: Store) -> None:
    at_once = Store(store.blueprint, store.pool, at_once=True)
    await at_once.feed([b.a_booking(), b.a_consist()])

    await at_once.take([at_once.record(b.a_milestone("DEPA", at=2))])

    assert (await store.pictures())[b.CONSIGNMENT]["status"] == "in_transit"
    assert await store.rows("fold_queue") == []


async def test_a_bug_in_saving_pictures_leaves_the_report_stored_and_queued(store: Store) -> None:
    """It is no fault of the report, which is not put in quarantine."""
    unsaved = Store(dataclasses.replace(store.blueprint, projection=Unsaved()), store.pool, at_once=True)
    record = unsaved.record(b.a_consist())
    ingest = next(iter(unsaved.ingests.values()))
    await unsaved.assign(ingest, {TopicPartition(record.topic, record.partition)})

    await ingest.consume([record])

    assert await store.rows("dead_letter") == []
    assert b.TRAIN in {r["subject"] for r in await store.rows("fold_queue")}
    assert [r["outcome"] for r in await store.rows("receipt")] == ["accepted"]


async def test_a_report_whose_folds_take_too_long_for_one_transaction_is_stored_and_queued(store: Store) -> None:
    await store.feed([b.a_consist({b.wagon(n): [] for n in range(8)})])
    slow = Store(dataclasses.replace(store.blueprint, projection=Slow()), store.pool, at_once=True)
    record = store.record(b.a_milestone("DEPA", at=2))
    ingest = next(iter(slow.ingests.values()))
    await slow.assign(ingest, {TopicPartition(record.topic, record.partition)})

    await ingest.consume([record])

    assert len(await store.rows("event")) == 2
    assert [r["subject"] for r in await store.rows("fold_queue")] == [b.TRAIN]


async def test_a_report_waits_behind_what_is_queued_of_its_subject(store: Store) -> None:
    """Also behind a fold that has failed: its attempts go on where they were."""
    at_once = Store(store.blueprint, store.pool, at_once=True)
    await at_once.feed([b.a_consist()])
    await store.pool.execute("INSERT INTO fold_queue (subject, cause, attempts) VALUES ($1, 'report', 1)", b.TRAIN)

    await at_once.take([at_once.record(b.a_milestone("DEPA", at=2))])

    assert (await store.pictures())[b.TRAIN]["status"] == "at_point"
    assert [r["subject"] for r in await store.rows("fold_queue")] == [b.TRAIN, b.TRAIN]


async def test_what_very_many_read_is_handed_on_in_pieces(store: Store) -> None:
    """So that a round stays short; none of them is forgotten."""
    wagons: dict[str, list[str]] = {b.wagon(n): [] for n in range(AT_ONCE + 1)}
    await store.feed([b.a_consist(wagons)])
    await store.take([store.record(b.a_milestone("DEPA", at=2))])
    store.settler.subjects = 2

    sizes = [await store.settler.round() for _ in range(2)]
    folded = [p for s, p in (await store.pictures()).items() if s.startswith("wagon:") and p["status"] == "in_transit"]
    assert (sizes, len(folded)) == ([1, 2], 2)

    await store.settle()
    states = {p["status"] for s, p in (await store.pictures()).items() if s.startswith("wagon:")}
    assert states == {"in_transit"}


async def test_what_has_not_changed_is_neither_saved_nor_published_again(store: Store) -> None:
    await store.feed([b.a_consist(), b.a_milestone("DEPA", at=2)])
    before = await store.rows("picture"), await store.rows("outbox")
    await store.pool.execute("INSERT INTO fold_queue (subject, cause) VALUES ($1, 'test')", b.TRAIN)

    await store.settle()

    assert (await store.rows("picture"), await store.rows("outbox")) == before


async def test_versions_of_a_subject_rise_and_name_the_one_before(store: Store) -> None:
    await store.feed([b.a_consist()])
    await store.feed([b.a_milestone("DEPA", at=2)])

    first, second = (json.loads(o["body"]) for o in await published(store, b.TRAIN))

    assert second["version"] > first["version"]
    assert second["previous_version"] == first["version"]
    assert "previous_version" not in first


async def test_recorded_at_rises_for_each_subject_also_while_the_clock_stands(store: Store) -> None:
    await store.feed([b.a_consist()])
    first = await store.pool.fetchval("SELECT recorded_at FROM picture WHERE subject = $1", b.TRAIN)
    await store.feed([b.a_milestone("DEPA", at=2)])

    second = await store.pool.fetchval("SELECT recorded_at FROM picture WHERE subject = $1", b.TRAIN)

    assert second == first + timedelta(microseconds=1)


async def test_history_keeps_each_state_from_when_it_was_known(store: Store) -> None:
    await store.feed([b.a_consist()])
    await store.feed([b.a_milestone("DEPA", at=2)])

    rows = [r["status"] for r in await store.rows("history") if r["subject"] == b.TRAIN]

    assert rows == ["at_point", "in_transit"]


async def test_a_later_build_draws_older_pictures_again(store: Store) -> None:
    await store.feed([b.a_consist()])
    later = with_projection(store, Newer())

    await later.settler.start()
    await later.settle()

    numbers = {r["fold"] for r in await store.rows("picture")}
    assert numbers == {Newer.fold_number}


async def test_all_pictures_are_queued_once_whatever_their_number(store: Store) -> None:
    wagons = [b.wagon(n) for n in range(5)]
    await store.feed([b.a_consist({w: [] for w in wagons})])
    build = (store.blueprint.projection.fold_number, store.blueprint.projection.data_number)

    await fold_queue.queue_all(store.pool, "rebuild", build, page=2)
    none = await store.rows("fold_queue")
    await fold_queue.queue_all(store.pool, "rebuild", (build[0] + 1, build[1]), page=2)

    assert none == []
    assert sorted(r["subject"] for r in await store.rows("fold_queue")) == sorted([b.TRAIN, *wagons])


async def test_an_older_copy_leaves_the_pictures_of_a_later_build_alone(store: Store) -> None:
    later = with_projection(store, Newer())
    await later.feed([b.a_consist()])
    before = await store.rows("picture")
    await store.take([store.record(b.a_milestone("DEPA", at=2))])

    await store.settler.round()

    assert await store.rows("picture") == before
    assert b.TRAIN in {r["subject"] for r in await store.rows("fold_queue")}


async def test_republication_sends_each_entity_again_unchanged(store: Store) -> None:
    await store.feed([b.a_consist()])
    (first,) = await published(store, b.TRAIN)
    await fold_queue.queue_all(store.pool, "republish")

    await store.settle()

    again = (await published(store, b.TRAIN))[1]
    unchanged = json.loads(first["body"]) | {"redrawn": True}
    assert (again["ce_id"], json.loads(again["body"])) == (first["ce_id"], unchanged)


async def test_what_was_published_a_day_ago_is_published_again(store: Store) -> None:
    await store.feed([b.a_consist()])
    await store.pool.execute("UPDATE picture SET sent_at = sent_at - interval '1 day' WHERE subject = $1", b.TRAIN)

    queued = [await store.settler.republish_old(), await store.settler.republish_old()]
    await store.settle()

    assert queued == [1, 0]
    assert len(await published(store, b.TRAIN)) == 2


async def test_a_round_that_does_not_commit_leaves_its_rows_in_the_queue(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Crash(BaseException):
        pass

    async def dies(*_: Any) -> None:
        raise Crash

    await store.take([store.record(b.a_consist())])
    before = await store.rows("fold_queue")
    monkeypatch.setattr(store.settler.folding, "_write", dies)

    with pytest.raises(Crash):
        await store.settler.round()

    assert await store.rows("fold_queue") == before
    assert await store.pictures() == {}


async def test_a_report_folded_together_with_a_rebuild_is_news(store: Store) -> None:
    await store.feed([b.a_consist()])
    await store.pool.execute("INSERT INTO fold_queue (subject, cause, priority) VALUES ($1, 'rebuild', 10)", b.TRAIN)
    await store.take([store.record(b.a_milestone("DEPA", at=2))])

    await store.settle()

    assert "redrawn" not in json.loads((await published(store, b.TRAIN))[-1]["body"])


async def test_a_rebuild_that_meets_news_which_another_worker_has_taken_is_news(store: Store) -> None:
    await store.feed([b.a_consist()])
    await store.take([store.record(b.a_milestone("DEPA", at=2))])
    async with transaction(store.pool) as other:
        await other.execute("DELETE FROM fold_queue")
        await fold_queue.queue_all(store.pool, "rebuild")

        await store.settler.round()

    assert "redrawn" not in json.loads((await published(store, b.TRAIN))[-1]["body"])


async def test_what_a_later_build_draws_otherwise_is_marked_as_no_news(store: Store) -> None:
    class Other(Newer):
        def fold(self, inputs: Inputs, as_of: datetime) -> Folded:
            folded = super().fold(inputs, as_of)
            publications = [p._replace(data={**p.data, "route_variant": "other"}) for p in folded.publications]
            return dataclasses.replace(folded, publications=publications)

    await store.feed([b.a_consist()])
    later = with_projection(store, Other())

    await later.settler.start()
    await later.settle()

    assert json.loads((await published(store, b.TRAIN))[-1]["body"])["redrawn"] is True


async def test_a_parked_report_that_is_retracted_is_not_told_to_be_effective(store: Store) -> None:
    early = b.a_milestone("GTIN", b.CONTAINER, at=1, id="early", party="lahore-dry-port")
    gone = b.a_milestone(
        "GTIN", b.CONTAINER, at=1, id="early", party="lahore-dry-port", updated_at=b.hours(2), retracted=True
    )

    await store.feed([early])
    await store.feed([gone, b.a_booking()])

    outcomes = [r["outcome"] for r in await store.rows("receipt") if r["event_id"] == "early"]
    assert outcomes == ["accepted", "parked", "accepted"]


async def test_firing_what_is_due_twice_changes_nothing(store: Store) -> None:
    await store.feed([b.a_consist(), b.a_milestone("DEPA", at=24 * 365)])
    store.clock.step(b.START + timedelta(days=366))

    fired = [await store.settler.enqueue_due(), await store.settler.enqueue_due()]
    await store.settle()

    assert fired == [1, 0]
    assert await store.settler.enqueue_due() == 0
