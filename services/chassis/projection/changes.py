"""The effect of a fold: the row to save, the records to publish, the receipts to give.

Invariant: nothing unchanged is saved, published or answered again. The versions of a subject rise, and each published
entity names the version before it.
"""

import hashlib
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple

import orjson

from contracts.events.fields import utc_text
from contracts.refusal import Outcome
from contracts.topics import INTERNAL
from services.chassis.base.clock import version_after
from services.chassis.outbox.outgoing import Outgoing, joined
from services.chassis.outbox.receipts import Receipt, receipt_records
from services.chassis.projection.book import Published, Stamps, json_of, publish, read_book, write_book
from services.chassis.projection.fold import Folded, Inputs, StoredRevision, by_identity, effective
from services.chassis.projection.pictures import LockedPicture, PictureUpdate
from services.chassis.queue.fold_queue import LOW_PRIORITY, QueueRow


class PictureChange(NamedTuple):
    """The result of one fold compared with the stored picture; `saved` is None if nothing has changed."""

    subject: str
    folded: Folded
    saved: PictureUpdate | None
    content_changed: bool
    shared_changed: bool
    published: Sequence[Published]
    receipts: Sequence[Receipt]
    row: QueueRow
    recorded_at: datetime


def change_of(
    before: LockedPicture, inputs: Inputs, folded: Folded, row: QueueRow, now: datetime, build: tuple[int, int]
) -> PictureChange:
    """Compares a fold with the stored picture; `build` is (fold number, data number)."""
    content, shared = json_of(folded.content), _json_of(folded.shared)
    content_hash, shared_hash = _digest(content), shared and _digest(shared)
    content_changed, shared_changed = content_hash != before.content_hash, shared_hash != before.shared_hash
    version, recorded_at = version_after(before.version), _recorded_at(before, now)
    known = read_book(before.published)
    stamps = Stamps(version, None, utc_text(recorded_at), utc_text(now))
    published, book = publish(folded.publications, content, known, stamps, again=row.republish)
    moves = content_changed or book != known
    saved = PictureUpdate(
        before.subject,
        version if moves else before.version,
        recorded_at if moves or before.recorded_at is None else before.recorded_at,
        content if content_changed else None,
        content_hash,
        shared_changed,
        shared if shared_changed else None,
        shared_hash,
        _json_of(folded.memory),
        write_book(book),
        json_of(sorted([p.source, p.event_id, p.waits_for] for p in folded.parked)),
        folded.due,
        bool(published),
    )
    return PictureChange(
        before.subject,
        folded,
        saved if moves or shared_changed or _differs(before, saved, build) else None,
        content_changed,
        shared_changed,
        published,
        _receipts(orjson.loads(before.parked), folded, inputs.revisions),
        row,
        recorded_at,
    )


def _recorded_at(before: LockedPicture, now: datetime) -> datetime:
    """The corridor's present, or a microsecond after the last recording if that is later, so that it rises."""
    return now if before.recorded_at is None else max(now, before.recorded_at + timedelta(microseconds=1))


def records(service: str, done: PictureChange, now: datetime) -> Iterator[Outgoing]:
    """The outbox records of a change: its publications, one for each topic, and its receipts."""
    for one in done.published:
        body = joined(one.data, json_of(_stamps(one, done)))
        for topic in one.publication.topics:
            entity = one.publication.entity
            yield Outgoing(
                topic,
                entity,
                f"{entity}@{one.stamps.version}",
                one.publication.type,
                entity,
                body,
                done.row.traceparent,
                party=done.row.party if topic in INTERNAL else "",
            )
    if done.receipts:
        yield from receipt_records(service, f"{done.subject}@{utc_text(done.recorded_at)}", done.receipts, now)


def _stamps(one: Published, done: PictureChange) -> dict[str, Any]:
    version, previous, recorded_at, as_of = one.stamps
    stamps: dict[str, Any] = {"version": version, "recorded_at": recorded_at, "as_of": as_of}
    if previous is not None:
        stamps["previous_version"] = previous
    if done.row.priority >= LOW_PRIORITY:
        stamps["redrawn"] = True
    return stamps


def _receipts(before: Sequence[Sequence[str]], folded: Folded, revisions: Sequence[StoredRevision]) -> list[Receipt]:
    """Receipts "parked" for newly parked reports, and "effective" for those that now count."""
    if not before and not folded.parked:
        return []
    was = {(source, event_id) for source, event_id, _ in before}
    now = {(p.source, p.event_id): p.waits_for for p in folded.parked}
    newest = {r.identity: r for r in sorted(revisions, key=lambda r: r.updated_at)}
    told: list[tuple[tuple[str, str], Outcome, str | None]] = [
        (i, "parked", f"waits for {now[i]}") for i in now if i not in was
    ]
    told += [(i, "effective", None) for i in sorted(was - set(now) - folded.void - _retracted(revisions))]
    return [_receipt(newest[i], outcome, detail) for i, outcome, detail in told if i in newest]


def _retracted(revisions: Sequence[StoredRevision]) -> set[tuple[str, str]]:
    return {i for i, same in by_identity(revisions).items() if effective(same)[0] is None}


def _receipt(revision: StoredRevision, outcome: Outcome, detail: str | None) -> Receipt:
    return Receipt(
        revision.party,
        outcome,
        revision.source,
        revision.event_id,
        revision.type,
        revision.subject,
        revision.updated_at,
        detail=detail,
    )


def _differs(before: LockedPicture, after: PictureUpdate, build: tuple[int, int]) -> bool:
    """Whether anything but content, shared state and publications has changed."""
    return (
        before.recorded_at is None
        or (before.fold, before.data) != build
        or before.due != after.due
        or _is_other(before.parked, after.parked)
        or _is_other(before.memory, after.memory)
    )


def _is_other(before: str | None, after: bytes | None) -> bool:
    """Whether two JSON texts differ in value."""
    if before is None or after is None:
        return (before is None) != (after is None)
    return before.encode() != after and orjson.loads(before) != orjson.loads(after)


def _json_of(value: Any) -> bytes | None:
    return None if value is None else json_of(value)


def _digest(body: bytes) -> bytes:
    return hashlib.sha256(body).digest()
