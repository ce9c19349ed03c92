"""Ingest: what becomes of records, good and bad, in one transaction with the position."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from aiokafka import TopicPartition
from faststream.message import StreamMessage

from contracts.envelope import codec
from contracts.envelope.codec import Event
from contracts.events.receipts import ReceiptIssued
from contracts.refusal import REASONS
from services.chassis.base.clock import CorridorClock
from services.chassis.base.clock_steps import save_step
from services.chassis.base.errors import Fenced
from services.chassis.base.parties import Party, save_party
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.subscriber import BatchMiddleware
from services.chassis.outbox import receipts
from tests.support import builders as b
from tests.support.broken import breaking
from tests.support.stores import AS_OF, Store, reopened

pytestmark = pytest.mark.servers
TOPIC = "milestones-pr"


def headers_of(event: Event, **changed: bytes | None) -> list[tuple[str, bytes | None]]:
    """The headers of an event, some of them with other bytes."""
    headers: list[tuple[str, bytes | None]] = list(
        codec.encode(id=event.id, source=event.source, type=event.type, subject=event.subject)
    )
    return [(name, changed.get(name, value)) for name, value in headers]


GOOD = b.a_milestone("DEPA", id="good")
BAD: dict[str, tuple[list[tuple[str, bytes | None]], bytes | None]] = {
    "not_json": (headers_of(GOOD), b"{not json"),
    "bad_header": (headers_of(GOOD, ce_subject=b"\xff\xfe"), GOOD.body),
    "bad_envelope": (headers_of(GOOD, ce_id=b""), GOOD.body),
    "unknown_type": (headers_of(GOOD, ce_type=b"corridor.weather.reported.v1"), GOOD.body),
    "bad_field": (headers_of(GOOD), GOOD.body.replace(b'"DEPA"', b'"FLEW"')),
    "check_digit": (headers_of(GOOD, ce_subject=b"container:CSQU3054384"), GOOD.body),
    "time_without_offset": (headers_of(GOOD), GOOD.body.replace(b":00Z", b":00")),
    "from_the_future": (headers_of(GOOD), GOOD.body.replace(b'"updated_at":"2026-', b'"updated_at":"2027-')),
    "too_large": (headers_of(GOOD), b" " * (256 * 1024 + 1)),
    "not_entitled": (headers_of(GOOD, ce_source=b"urn:corridor:ktz:ops"), GOOD.body),
}


def test_every_reason_of_the_closed_list_is_provoked_in_this_file() -> None:
    assert set(BAD) | {"type_changed", "over_budget", "quarantined"} == set(REASONS)


@pytest.mark.parametrize("reason", sorted(BAD))
async def test_a_bad_record_is_put_aside_with_its_reason_and_the_rest_goes_on(store: Store, reason: str) -> None:
    headers, value = BAD[reason]
    good = b.a_consist()
    records = [store.record(good), b.a_record(TOPIC, 1, headers, value), b.record_of(b.a_plan(id="p"), TOPIC, 2)]

    await store.take(records)

    (dead,) = await store.rows("dead_letter")
    assert dead["reason"] == reason
    assert (dead["topic"], dead["partition"], dead["offset"], dead["party"]) == (TOPIC, 0, 1, "pr")
    assert dead["body"] == value
    assert {r["event_id"] for r in await store.rows("event")} == {good.id, "p"}


@pytest.mark.parametrize("reason", sorted(BAD))
async def test_a_bad_record_is_answered_to_its_sender_with_path_and_detail(store: Store, reason: str) -> None:
    headers, value = BAD[reason]

    await store.take([b.a_record(TOPIC, 0, headers, value)])

    (receipt,) = await store.rows("receipt")
    assert (receipt["party"], receipt["outcome"], receipt["reason"]) == ("pr", "refused", reason)
    assert receipt["path"].startswith("$")
    assert receipt["detail"]


async def test_a_dead_letter_keeps_every_byte_of_the_headers(store: Store) -> None:
    headers = [*headers_of(GOOD), ("x-odd", b"\xff%\x00"), ("x-null", None)]

    await store.take([b.a_record(TOPIC, 0, headers, b"{")])

    (dead,) = await store.rows("dead_letter")
    assert '["x-odd", "%FF%25%00"], ["x-null", null]' in dead["headers"]


async def test_a_dead_letter_is_announced_on_the_services_own_topic(store: Store) -> None:
    await store.take([b.a_record(TOPIC, 0, headers_of(GOOD), b"{")])

    sent = {o["topic"]: o["ce_type"] for o in await store.rows("outbox")}

    assert sent == {"tracking-dlq": "corridor.deadletter.recorded.v1", "receipts-pr": "corridor.receipt.issued.v1"}


async def test_a_header_that_is_none_of_ours_may_hold_any_bytes(store: Store) -> None:
    await store.take([b.a_record(TOPIC, 0, [*headers_of(GOOD), ("trace", b"\xff"), ("n", None)], GOOD.body)])

    assert await store.rows("dead_letter") == []


async def test_a_repeat_is_answered_as_a_repeat_and_stored_once(store: Store) -> None:
    await store.take([store.record(GOOD), store.record(GOOD)])
    await store.take([store.record(GOOD)])

    assert [r["outcome"] for r in await store.rows("receipt")] == ["accepted", "repeat", "repeat"]
    assert len(await store.rows("event")) == 1


async def test_an_old_revision_that_comes_again_is_a_repeat(store: Store) -> None:
    newer = b.a_milestone("DEPA", at=1, id="good", updated_at=b.hours(9))

    await store.take([store.record(GOOD), store.record(newer)])
    await store.take([store.record(GOOD)])

    assert [r["outcome"] for r in await store.rows("receipt")] == ["accepted", "accepted", "repeat"]


async def test_a_revision_that_is_older_than_what_was_read_before_is_told_which_one_stands(store: Store) -> None:
    newer = b.a_milestone("DEPA", at=1, id="good", updated_at=b.hours(9))

    await store.take([store.record(newer), store.record(GOOD)])

    first, second = await store.rows("receipt")
    assert (first["outcome"], second["outcome"]) == ("accepted", "superseded")
    assert second["detail"] == f"the revision of {b.hours(9)} stands: send a later updated_at"


async def test_a_revision_is_received_when_the_broker_first_took_it(store: Store) -> None:
    store.clock = CorridorClock()
    store.ingests["milestones"].clock = store.clock
    first = replace(store.record(GOOD), timestamp=1_790_000_000_000)
    again = replace(store.record(GOOD), timestamp=1_790_000_999_000)

    await store.take([first])
    await store.take([again])

    (event,) = await store.rows("event")
    assert event["received_at"] == datetime.fromtimestamp(1_790_000_000, UTC)


async def test_a_clock_that_is_a_little_ahead_is_no_fault(store: Store) -> None:
    ahead = (AS_OF + timedelta(minutes=10)).isoformat()

    await store.take([store.record(b.a_milestone("DEPA", updated_at=ahead))])

    assert [r["outcome"] for r in await store.rows("receipt")] == ["accepted"]


async def test_an_id_keeps_the_type_that_it_was_first_sent_with(store: Store) -> None:
    await store.take([store.record(GOOD)])
    await store.take([store.record(b.a_plan(id="good"))])

    (dead,) = await store.rows("dead_letter")
    assert (dead["reason"], dead["path"]) == ("type_changed", "$.type")
    assert len(await store.rows("event")) == 1


async def test_a_head_holds_the_newest_revision_of_its_identity(store: Store) -> None:
    newer = b.a_milestone("DEPA", at=1, id="good", updated_at=b.hours(9))

    await store.take([store.record(newer), store.record(GOOD)])

    (head,) = await store.rows("head")
    assert head["content_hash"] == newer.content_hash


async def test_a_party_that_nobody_knows_is_refused(store: Store) -> None:
    await store.take([b.record_of(GOOD, "milestones-nobody", 0)])

    (dead,) = await store.rows("dead_letter")
    assert dead["reason"] == "not_entitled"


async def test_a_party_is_known_from_the_moment_when_it_is_provisioned(store: Store) -> None:
    event = GOOD._replace(source="urn:corridor:azd:ops")
    await store.take([b.record_of(event, "milestones-azd", 0)])
    async with store.pool.acquire() as connection:
        party = Party(party="azd", name="ADY", role="railway", sources=(event.source,), types=(event.type,))
        await save_party(connection, party)

    await store.take([b.record_of(event, "milestones-azd", 1)])

    await store.pool.execute("DELETE FROM party WHERE party = 'azd'")
    assert [r["outcome"] for r in await store.rows("receipt")] == ["refused", "accepted"]


async def test_the_position_moves_with_what_was_stored(store: Store) -> None:
    await store.take([store.record(GOOD), b.a_record(TOPIC, 1, (), b"{")])

    assert await store.rows("position") == [
        {"topic": TOPIC, "partition": 0, "topic_id": "t1", "next_offset": 2},
    ]


async def test_a_copy_that_has_lost_its_partition_is_fenced_and_stores_nothing(store: Store) -> None:
    other = Store(store.blueprint, store.pool)
    await store.assign(store.ingests["milestones"], {TopicPartition(TOPIC, 0)})
    await other.take([b.record_of(GOOD, TOPIC, 0)])

    with pytest.raises(Fenced):
        await store.ingests["milestones"].take([b.record_of(b.a_plan(id="p"), TOPIC, 0)])

    assert [r["event_id"] for r in await store.rows("event")] == ["good"]


async def test_a_fenced_copy_goes_on_from_the_stored_position(store: Store) -> None:
    other = Store(store.blueprint, store.pool)
    ingest = store.ingests["milestones"]
    await store.assign(ingest, {TopicPartition(TOPIC, 0)})
    await other.take([b.record_of(GOOD, TOPIC, 0)])

    await ingest.after_fence([b.record_of(GOOD, TOPIC, 0)])

    assert ingest.positions is not None
    consumer = ingest.positions._subscriber.consumer
    assert consumer.position[TopicPartition(TOPIC, 0)] == 1


async def test_a_fenced_subscriber_goes_on_from_the_stored_position_and_not_from_its_message(store: Store) -> None:
    """FastStream goes back to the message, behind which the store may lie: nothing in between is left out."""
    await store.take([store.record(GOOD), store.record(b.a_consist())])
    await store.pool.execute("UPDATE position SET next_offset = 0")
    ingest, place = store.ingests["milestones"], TopicPartition(TOPIC, 0)
    assert ingest.positions is not None
    consumer = ingest.positions._subscriber.consumer
    message: StreamMessage[Any] = StreamMessage(raw_message=(b.record_of(b.a_plan(), TOPIC, 2),), body=b"")
    message.set_decoder(ingest.decode)

    async def nack() -> None:
        consumer.seek(place, 2)

    message.nack = nack  # type: ignore[method-assign]
    context: Any = SimpleNamespace(get_local=lambda _: SimpleNamespace(group_id=ingest.group))
    await BatchMiddleware({ingest.group: ingest}, message, context=context).consume_scope(handled, message)

    assert consumer.position[place] == 0


async def handled(message: StreamMessage[Any]) -> Kept:
    """The function of a subscriber."""
    batch: Any = await message.decode()
    kept: Kept = await batch.store()
    return kept


async def test_a_subscriber_hands_its_function_what_is_unread(store: Store) -> None:
    await store.take([store.record(GOOD)])
    ingest = store.ingests["milestones"]
    records = (b.record_of(GOOD, TOPIC, 0), b.record_of(b.a_plan(id="new"), TOPIC, 1))
    message: StreamMessage[Any] = StreamMessage(raw_message=records, body=b"")
    message.set_decoder(ingest.decode)
    context: Any = SimpleNamespace(get_local=lambda _: SimpleNamespace(group_id=ingest.group))

    await BatchMiddleware({ingest.group: ingest}, message, context=context).consume_scope(handled, message)

    assert {r["event_id"] for r in await store.rows("event")} == {"good", "new"}
    assert [r["outcome"] for r in await store.rows("receipt")] == ["accepted", "accepted"]


async def test_a_store_put_back_is_read_on_from_where_it_was(store: Store) -> None:
    await store.take([store.record(b.a_consist())])
    backup = await store.rows("position")
    await store.take([store.record(GOOD)])
    await store.pool.execute("UPDATE position SET next_offset = $1", backup[0]["next_offset"])

    with pytest.raises(Fenced):
        await store.take([store.record(b.a_plan())])


async def test_a_store_put_back_is_noticed_though_no_record_comes(store: Store) -> None:
    await store.take([store.record(b.a_consist()), store.record(GOOD)])
    await store.pool.execute("UPDATE position SET next_offset = 1")
    positions = store.ingests["milestones"].positions
    assert positions is not None

    behind = await positions.recheck()

    place = TopicPartition(TOPIC, 0)
    assert (behind, positions._subscriber.consumer.position[place]) == ([place], 1)
    # A batch that was on its way has not seen the change: it must not hide what lies between.
    with pytest.raises(Fenced):
        await store.take([store.record(b.a_plan())])
    await positions.seek([place])
    assert await positions.recheck() == []


async def test_a_topic_made_anew_is_read_from_its_beginning(store: Store) -> None:
    await store.take([store.record(GOOD), store.record(b.a_consist())])

    anew = Store(store.blueprint, store.pool, topic_id="t2")
    await anew.take([b.record_of(b.a_plan(id="first"), TOPIC, 0)])

    assert await store.rows("position") == [
        {"topic": TOPIC, "partition": 0, "topic_id": "t2", "next_offset": 1},
    ]
    assert "first" in {r["event_id"] for r in await store.rows("event")}


async def test_the_record_that_breaks_us_is_quarantined_and_the_others_are_stored(store: Store) -> None:
    broken = breaking(store, lambda event: event.id == "boom")
    batch = [b.record_of(b.a_plan(id=name), TOPIC, n) for n, name in enumerate(["a", "boom", "c"])]
    await store.assign(broken.ingests["milestones"], {TopicPartition(TOPIC, 0)})

    await broken.ingests["milestones"].consume(batch)

    (dead,) = await store.rows("dead_letter")
    assert (dead["reason"], dead["offset"]) == ("quarantined", 1)
    assert {r["event_id"] for r in await store.rows("event")} == {"a", "c"}


async def test_a_batch_that_failed_half_way_is_not_stored_twice(store: Store) -> None:
    batch = [b.record_of(b.a_plan(id=name), TOPIC, n) for n, name in enumerate(["a", "b"])]
    ingest = store.ingests["milestones"]
    await store.assign(ingest, {TopicPartition(TOPIC, 0)})
    await ingest.take(batch[:1])

    assert [r.offset for r in ingest._unread(batch)] == [1]


def test_receipts_of_one_batch_are_cut_into_records_that_fit() -> None:
    worst = receipts.Receipt("pr", "refused", "s" * 400, "i" * 400, path="p" * 500, detail="d" * 1000)
    records: list[Any] = list(receipts.receipt_records("tracking", "batch", [worst] * 500, b.START))

    assert len({r.id for r in records}) == len(records) == 3
    assert max(len(r.body) for r in records) < 512 * 1024


def test_a_receipt_is_what_the_contract_says() -> None:
    accepted = receipts.Receipt("pr", "accepted", "s", "i", "t", "u", b.START, topic="x", partition=0, offset=1)

    (record,) = receipts.receipt_records("tracking", "batch", [accepted], b.START)
    data = ReceiptIssued.model_validate_json(record.body)

    assert data.items[0].model_dump() == {"reason": None, "path": None, "detail": None} | {
        "outcome": "accepted",
        "source": "s",
        "id": "i",
        "type": "t",
        "subject": "u",
        "updated_at": b.START,
        "topic": "x",
        "partition": 0,
        "offset": 1,
    }


async def test_a_copy_whose_clock_stands_behind_takes_a_record_as_received_where_the_others_have_moved(
    store: Store,
) -> None:
    """Who came first is asked across records that different copies have read."""
    event = b.a_milestone("DEPA")
    moved_to = store.clock.now() + timedelta(days=3)
    await save_step(store.pool, moved_to)

    await reopened(store).take([store.record(event)])

    (kept,) = await store.rows("event")
    assert kept["received_at"] == moved_to
