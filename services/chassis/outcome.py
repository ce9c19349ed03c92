"""What becomes of judged records: facts, dead letters, receipts, announcements.

Invariant: all of it is written in the caller's transaction, so an answer exists exactly when what it says is so.
"""

from collections.abc import Callable, Sequence
from datetime import datetime

from services.chassis import answers, facts, outbox
from services.chassis.answers import Receipt
from services.chassis.database import Connection
from services.chassis.records import Accepted, Record, Rejected, Verdict
from services.chassis.stream import Stream
from services.chassis.telemetry import Outcomes


async def keep(
    connection: Connection,
    service: str,
    stream: Stream,
    verdicts: Sequence[Verdict],
    batch: str,
    now: datetime,
    topic_id: Callable[[str], str],
) -> Outcomes:
    """Stores what was judged and answers its senders; `batch` names what is answered together."""
    accepted = [v for v in verdicts if isinstance(v, Accepted)]
    rejected = [v for v in verdicts if isinstance(v, Rejected)]
    fresh, refused_later = await keep_accepted(connection, stream, accepted, now)
    rejected += refused_later
    await answers.keep_dead_letters(connection, rejected, topic_id, now)
    receipts = [] if stream.own else _receipts(accepted, fresh, rejected)
    await answers.keep_receipts(connection, receipts, now)
    await outbox.append(
        connection,
        [
            *answers.receipt_records(service, batch, receipts, now),
            *answers.dead_letter_records(service, rejected, now),
        ],
    )
    return Outcomes(len(fresh), len(accepted) - len(fresh), rejected)


async def keep_accepted(
    connection: Connection, stream: Stream, accepted: Sequence[Accepted], now: datetime
) -> tuple[list[Accepted], list[Rejected]]:
    """Stores events, or replicas of our own entities; returns those that were new, and those refused after all."""
    if not accepted:
        return [], []
    if stream.own:
        return await facts.keep_replicas(connection, accepted), []
    return await facts.keep_events(connection, accepted, now)


def _receipts(accepted: Sequence[Accepted], fresh: Sequence[Accepted], rejected: Sequence[Rejected]) -> list[Receipt]:
    refused_places = {place(r.record) for r in rejected}
    fresh_places = {place(a.record) for a in fresh}
    told = [
        answers.receipt_of_event(a, "accepted" if place(a.record) in fresh_places else "repeat")
        for a in accepted
        if place(a.record) not in refused_places
    ]
    return told + [answers.receipt_of_rejection(r, r.party) for r in rejected if r.party]


def place(record: Record) -> tuple[str, int, int]:
    """Where a record stands: topic, partition, offset."""
    return record.topic, record.partition, record.offset
