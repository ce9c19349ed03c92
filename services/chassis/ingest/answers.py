"""Writes the answers to a batch: receipts, dead letters and their announcements.

Invariant: all of them are written in the transaction of the batch, so an answer exists exactly when it is true.
"""

import hashlib
import json
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from contracts import catalogue
from contracts.envelope.codec import body_of
from contracts.events.fields import utc_text
from contracts.events.receipts import DeadLetterRecorded
from contracts.refusal import Outcome, Reason
from contracts.topics import DLQ
from services.chassis.base.database import Connection
from services.chassis.base.telemetry import CONSUMED, REJECTED
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.records import Accepted, Record, Rejected, coordinates, joined, raw_headers
from services.chassis.ingest.stream import Batch
from services.chassis.outbox import outgoing, receipts
from services.chassis.outbox.outgoing import Outgoing
from services.chassis.outbox.receipts import Receipt

_INSERT_DEAD = """
INSERT INTO dead_letter (topic, topic_id, partition, "offset", appended_ms, party, source, event_id, key, headers,
                         body, reason, path, detail, count, recorded_at)
SELECT *, $16::timestamptz FROM unnest($1::text[], $2::text[], $3::int[], $4::bigint[], $5::bigint[], $6::text[],
    $7::text[], $8::text[], $9::bytea[], $10::jsonb[], $11::bytea[], $12::text[], $13::text[], $14::text[],
    $15::int[])
ON CONFLICT DO NOTHING
"""


@dataclass(frozen=True, slots=True)
class Outcomes:
    """The outcome of a batch: the counts of fresh and repeated records, and the rejected ones."""

    fresh: int = 0
    repeated: int = 0
    rejected: Sequence[Rejected] = field(default=())


async def answer(
    connection: Connection,
    service: str,
    batch: Batch,
    kept: Kept,
    topic_id: Callable[[str], str],
) -> Outcomes:
    """Stores the dead letters and receipts of a batch, and queues their announcements; `kept` is its result."""
    rejected, now = joined([*batch.rejected, *kept.refused]), batch.now
    await _keep_dead_letters(connection, rejected, topic_id, now)
    told = _receipts(batch.accepted, kept, rejected) if batch.stream.is_answered else []
    await receipts.keep_receipts(connection, told, now)
    await outgoing.append(
        connection,
        [
            *receipts.receipt_records(service, batch.name, told, now),
            *_dead_letter_records(service, rejected, now),
        ],
    )
    return Outcomes(len(kept.fresh), len(batch.accepted) - len(kept.fresh), rejected)


def receipt_of(one: Accepted, kept: Kept, *, fresh: bool) -> Receipt:
    """The receipt of an accepted record: "accepted", "repeat", or "superseded" if a later revision stands."""
    if not fresh:
        return _receipt_of_event(one, "repeat")
    stands = kept.superseded.get(coordinates(one.record))
    if stands is None:
        return _receipt_of_event(one, "accepted")
    detail = f"the revision of {utc_text(stands)} stands: send a later updated_at"
    return _receipt_of_event(one, "superseded", detail)


def _receipts(accepted: Sequence[Accepted], kept: Kept, rejected: Sequence[Rejected]) -> list[Receipt]:
    refused_places = {coordinates(r.record) for r in kept.refused}
    fresh_places = {coordinates(a.record) for a in kept.fresh}
    told = [
        receipt_of(a, kept, fresh=coordinates(a.record) in fresh_places)
        for a in accepted
        if coordinates(a.record) not in refused_places
    ]
    return told + [receipt_of_rejection(r, r.party) for r in rejected if r.party]


def count_batch(service: str, stream: str, outcome: Outcomes) -> None:
    """Counts a committed batch."""
    CONSUMED.labels(service, stream, "fresh").inc(outcome.fresh)
    CONSUMED.labels(service, stream, "repeat").inc(outcome.repeated)
    CONSUMED.labels(service, stream, "rejected").inc(sum(one.count for one in outcome.rejected))
    for one in outcome.rejected:
        REJECTED.labels(service, one.first.reason, one.party or "").inc(one.count)


def _receipt_of_event(one: Accepted, outcome: Outcome, detail: str | None = None) -> Receipt:
    """The receipt of a decoded record; `outcome` is accepted, repeat or superseded."""
    event, record = one.event, one.record
    return Receipt(
        one.party,
        outcome,
        event.source,
        event.id,
        event.type,
        event.subject,
        one.updated_at,
        detail=detail,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
    )


def receipt_of_rejection(one: Rejected, party: str) -> Receipt:
    """The receipt of a refused record: its first problem, and the number of further ones."""
    more = f" (and {len(one.problems) - 1} more problems)" if len(one.problems) > 1 else ""
    more += f" (and so were the records up to offset {one.last_offset}: {one.count} in all)" if one.count > 1 else ""
    return Receipt(
        party,
        "refused",
        one.quoted.get("source"),
        one.quoted.get("id"),
        one.quoted.get("type"),
        one.quoted.get("subject"),
        reason=one.first.reason,
        path=one.first.path[:500],
        detail=one.first.detail[: 1000 - len(more)] + more,
        topic=one.record.topic,
        partition=one.record.partition,
        offset=one.record.offset,
    )


async def _keep_dead_letters(
    connection: Connection, rejected: Sequence[Rejected], topic_id: Callable[[str], str], recorded_at: datetime
) -> None:
    """Stores rejected records with their bytes; one statement."""
    if not rejected:
        return
    records = [r.record for r in rejected]
    await connection.execute(
        _INSERT_DEAD,
        [r.topic for r in records],
        [topic_id(r.topic) for r in records],
        [r.partition for r in records],
        [r.offset for r in records],
        [r.timestamp for r in records],
        [r.party for r in rejected],
        [r.quoted.get("source") for r in rejected],
        [r.quoted.get("id") for r in rejected],
        [r.key for r in records],
        [json.dumps(raw_headers(r)) for r in records],
        [r.value for r in records],
        [r.first.reason for r in rejected],
        [r.first.path[:500] for r in rejected],
        [r.first.detail[:1000] for r in rejected],
        [r.count for r in rejected],
        recorded_at,
    )


def _dead_letter_records(service: str, rejected: Sequence[Rejected], recorded_at: datetime) -> Iterator[Outgoing]:
    """The announcements of dead letters for the service's topic: coordinates, reason and hash, no content."""
    for one in rejected:
        data = _announcement(service, one.record, one.party, one.first.reason, recorded_at).model_copy(
            update={"path": one.first.path[:500], "detail": one.first.detail[:1000], "count": one.count}
        )
        record = one.record
        place = f"{record.topic}/{record.partition}/{record.offset}"
        key = (record.key or b"").decode("utf-8", "replace").replace("\x00", "?")[:200]
        yield Outgoing(DLQ.of(service), key, place, catalogue.DEAD_LETTER, place, body_of(data))


def _announcement(
    service: str, record: Record, party: str | None, reason: Reason, recorded_at: datetime
) -> DeadLetterRecorded:
    body = record.value or b""
    return DeadLetterRecorded(
        service=service,
        party=party,
        topic=record.topic,
        partition=record.partition,
        offset=record.offset,
        reason=reason,
        sha256=hashlib.sha256(body).hexdigest(),
        size=len(body),
        recorded_at=recorded_at,
    )
