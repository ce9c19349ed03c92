"""Writes the answers to a batch: dead letters, receipts, announcements.

Invariant: all of them are written in the caller's transaction, so an answer exists exactly when it is true.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from contracts.events.fields import utc_text
from services.chassis.base.database import Connection
from services.chassis.base.telemetry import CONSUMED, REJECTED
from services.chassis.ingest import answers
from services.chassis.ingest.batch import Batch
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.records import Accepted, Rejected, coordinates, joined
from services.chassis.outbox import outgoing, receipts
from services.chassis.outbox.receipts import Receipt


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
    await answers.keep_dead_letters(connection, rejected, topic_id, now)
    told = _receipts(batch.accepted, kept, rejected) if batch.stream.is_answered else []
    await receipts.keep_receipts(connection, told, now)
    await outgoing.append(
        connection,
        [
            *receipts.receipt_records(service, batch.name, told, now),
            *answers.dead_letter_records(service, rejected, now),
        ],
    )
    return Outcomes(len(kept.fresh), len(batch.accepted) - len(kept.fresh), rejected)


def receipt_of(one: Accepted, kept: Kept, *, fresh: bool) -> Receipt:
    """The receipt of an accepted record: "accepted", "repeat", or "superseded" if a later revision stands."""
    if not fresh:
        return answers.receipt_of_event(one, "repeat")
    stands = kept.superseded.get(coordinates(one.record))
    if stands is None:
        return answers.receipt_of_event(one, "accepted")
    detail = f"the revision of {utc_text(stands)} stands: send a later updated_at"
    return answers.receipt_of_event(one, "superseded", detail)


def _receipts(accepted: Sequence[Accepted], kept: Kept, rejected: Sequence[Rejected]) -> list[Receipt]:
    refused_places = {coordinates(r.record) for r in kept.refused}
    fresh_places = {coordinates(a.record) for a in kept.fresh}
    told = [
        receipt_of(a, kept, fresh=coordinates(a.record) in fresh_places)
        for a in accepted
        if coordinates(a.record) not in refused_places
    ]
    return told + [answers.receipt_of_rejection(r, r.party) for r in rejected if r.party]


def count_batch(service: str, stream: str, outcome: Outcomes) -> None:
    """Counts a committed batch."""
    CONSUMED.labels(service, stream, "fresh").inc(outcome.fresh)
    CONSUMED.labels(service, stream, "repeat").inc(outcome.repeated)
    CONSUMED.labels(service, stream, "rejected").inc(sum(one.count for one in outcome.rejected))
    for one in outcome.rejected:
        REJECTED.labels(service, one.first.reason, one.party or "").inc(one.count)
