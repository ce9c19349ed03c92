"""The SQL work of one batch, as the bare and the plain contender do it: the same statements, in the same order.

They are handed rows by hand, without contracts, identities or pictures of any care: what is left is the database.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import orjson

from services.chassis.ingest import facts
from services.chassis.outbox import outgoing, receipts
from services.chassis.outbox.outgoing import Outgoing
from services.chassis.projection import pictures
from services.chassis.projection.pictures import PictureUpdate
from services.chassis.queue import fold_queue
from services.chassis.queue.fold_queue import Cause
from services.tracking import store as tracking_store
from tests.support.stores import AS_OF

INGEST = (
    "position: UPDATE ... FROM unnest (the fence)",
    "head: INSERT ... ON CONFLICT DO UPDATE RETURNING old",
    "event: INSERT ... ON CONFLICT DO NOTHING RETURNING",
    "link: INSERT ... ON CONFLICT DO NOTHING",
    "fold_queue: INSERT",
    "receipt: INSERT",
    "outbox: INSERT (receipts)",
)
SETTLE = (
    "fold_queue: DELETE ... FOR UPDATE SKIP LOCKED RETURNING",
    "picture: SELECT ... FOR UPDATE (INSERT and again where new)",
    "link, event: SELECT the revisions",
    "link, picture: SELECT what is read of others",
    "picture: UPDATE ... FROM unnest",
    "history: INSERT",
    "outbox: INSERT (pictures)",
    "link: SELECT the dependents",
    "fold_queue: INSERT (dependents)",
)
_ADVANCE = "UPDATE position SET next_offset = $3 WHERE topic = $1 AND partition = $2"
_HISTORY = tracking_store._INSERT_HISTORY


@dataclass(frozen=True, slots=True)
class Row:
    """What a record is taken for: its headers and its body, unchecked."""

    source: str
    id: str
    type: str
    subject: str
    body: bytes
    topic: str
    partition: int
    offset: int

    @property
    def hash(self) -> bytes:
        return hashlib.sha256(self.body).digest()


def row_of(headers: Sequence[tuple[str, bytes]], body: bytes, topic: str, partition: int, offset: int) -> Row:
    """A record's row."""
    found = dict(headers)
    return Row(
        found["ce_source"].decode(),
        found["ce_id"].decode(),
        found["ce_type"].decode(),
        found["ce_subject"].decode(),
        body,
        topic,
        partition,
        offset,
    )


async def ingest(connection: Any, rows: Sequence[Row]) -> None:
    """The statements of ingest for one batch."""
    now, last = AS_OF, rows[-1]
    sources, ids = [r.source for r in rows], [r.id for r in rows]
    types, subjects, hashes = [r.type for r in rows], [r.subject for r in rows], [r.hash for r in rows]
    await connection.execute(_ADVANCE, last.topic, last.partition, last.offset + 1)
    ones = [1] * len(rows)
    await connection.fetch(facts._LOCK_HEADS, sources, ids, types, subjects, [now] * len(rows), hashes, ones)
    await connection.fetch(
        facts._INSERT_EVENTS,
        sources,
        ids,
        hashes,
        types,
        subjects,
        ["pr"] * len(rows),
        ["railway"] * len(rows),
        [now] * len(rows),
        [False] * len(rows),
        [r.body for r in rows],
        [r.topic for r in rows],
        [r.partition for r in rows],
        [r.offset for r in rows],
        [now] * len(rows),
        now,
    )
    await connection.execute(facts._INSERT_LINKS, subjects, [""] * len(rows), sources, ids)
    await fold_queue.add(connection, dict.fromkeys(subjects, Cause(party="pr")))
    await _answer(connection, rows, now)


async def _answer(connection: Any, rows: Sequence[Row], now: datetime) -> None:
    nothing: list[None] = [None] * len(rows)
    await connection.execute(
        receipts._INSERT_RECEIPTS,
        ["pr"] * len(rows),
        ["accepted"] * len(rows),
        [r.source for r in rows],
        [r.id for r in rows],
        [r.type for r in rows],
        [r.subject for r in rows],
        [now] * len(rows),
        nothing,
        nothing,
        nothing,
        [r.topic for r in rows],
        [r.partition for r in rows],
        [r.offset for r in rows],
        now,
    )
    items = [{"outcome": "accepted", "source": r.source, "id": r.id, "offset": r.offset} for r in rows]
    body = orjson.dumps({"party": "pr", "service": "tracking", "items": items})
    await outgoing.append(connection, [Outgoing("receipts-pr", "pr", rows[-1].id, "receipt", "pr", body)])


async def settle(connection: Any, most: int) -> int:
    """The statements of settle for one round; returns how many rows it took."""
    taken = await fold_queue.take(connection, most, datetime.now(UTC))
    if not taken:
        return 0
    held = await pictures.lock(connection, sorted({t.subject for t in taken}))
    given = await pictures.with_shared(connection, await pictures.facts_of(connection, held, has_replicas=False))
    saved = [_saved(h.version, i.subject, [r.body for r in i.revisions]) for h, i in zip(held, given, strict=True)]
    await pictures.save(connection, saved, 1, 1)
    await _history(connection, saved)
    await outgoing.append(connection, [_outgoing(s) for s in saved])
    below = await fold_queue.dependents(connection, taken)
    await fold_queue.queue_again(connection, ((row, None) for row in below.values()))
    return len(taken)


def _saved(version: int, subject: str, bodies: Sequence[bytes]) -> PictureUpdate:
    """The simplest picture: what was said of the subject, in order."""
    timeline = sorted((orjson.loads(body) for body in bodies), key=lambda d: d["occurred_at"])
    content = orjson.dumps({"subject": subject, "status": "at_point", "timeline": timeline})
    digest = hashlib.sha256(content).digest()
    summary = orjson.dumps({"summary": {"status": "at_point"}})
    return PictureUpdate(
        subject, version + 1, AS_OF, content, digest, True, summary, digest, None, b"{}", b"[]", None, True
    )


async def _history(connection: Any, saved: Sequence[PictureUpdate]) -> None:
    many = len(saved)
    await connection.execute(
        _HISTORY,
        [s.subject for s in saved],
        [datetime.now(UTC)] * many,
        ["container"] * many,
        [s.version for s in saved],
        ["at_point"] * many,
        ["pk-lahore"] * many,
        [False] * many,
        [AS_OF] * many,
        ["DEPA"] * many,
        [AS_OF] * many,
        [0] * many,
        ["all route:PK"] * many,
        [""] * many,
    )


def _outgoing(saved: PictureUpdate) -> Outgoing:
    name = f"{saved.subject}@{saved.version}"
    return Outgoing("tracking-events", saved.subject, name, "subject", saved.subject, saved.content or b"")
