"""The SQL statements of settle on pictures, and on the facts from which they are folded.

Invariant: a round uses each statement at most once, however many subjects it has. Pictures are locked in sorted order
before their facts are read, so the second of two workers on a subject sees all facts that the first one saw.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, NamedTuple

import orjson

from services.chassis.base.clock import machinery_now
from services.chassis.base.database import Connection
from services.chassis.projection.book import open_in
from services.chassis.projection.fold import Inputs, Replica, Shared, StoredRevision

# A plan made while a table was empty must still serve when it is full. So joined rows are looked up by
# `LATERAL ... OFFSET 0`, or their table would be scanned, and updates from arrays name their rows by `= ANY` as well.
_LOCK = """
SELECT subject, version, recorded_at, content_hash, shared_hash, memory, published, parked, due, fold, data
FROM picture WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE
"""
_LOCK_FREE = f"{_LOCK.rstrip()} SKIP LOCKED"
_ADD = """
INSERT INTO picture (subject) SELECT * FROM unnest($1::text[]) AS u (subject) ORDER BY 1 ON CONFLICT DO NOTHING
"""
_REVISIONS = """
SELECT l.subject AS named, e.*
FROM (SELECT DISTINCT subject, source, event_id FROM link WHERE subject = ANY($1::text[])) AS l, LATERAL (
    SELECT source, event_id, content_hash, type, subject, party, standing, updated_at, retracted, body,
           received_at
    FROM event WHERE source = l.source AND event_id = l.event_id OFFSET 0) AS e
"""
_REPLICAS = "SELECT entity, type, version, body FROM replica WHERE entity = ANY($1::text[])"
_SHARED = """
SELECT l.subject AS named, p.*
FROM (SELECT DISTINCT subject, reads FROM link WHERE subject = ANY($1::text[]) AND reads <> '') AS l, LATERAL (
    SELECT subject, CASE WHEN shared ? 'parts' THEN shared - 'parts' ELSE shared END AS text,
        shared -> 'parts' -> l.subject AS own
    FROM picture WHERE subject = l.reads AND shared IS NOT NULL OFFSET 0) AS p
"""
_SAVE = """
UPDATE picture AS p SET
    version = u.version, recorded_at = u.recorded_at,
    content = coalesce(u.content::jsonb, p.content), content_hash = u.content_hash,
    shared = CASE WHEN u.shared_changed THEN u.shared::jsonb ELSE p.shared END, shared_hash = u.shared_hash,
    memory = u.memory::jsonb, published = u.published::jsonb, parked = u.parked::jsonb, due = u.due,
    sent_at = CASE WHEN u.sent THEN $14 ELSE p.sent_at END, fold = $15, data = $16
FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::bytea[], $6::boolean[], $7::text[],
            $8::bytea[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::boolean[])
    AS u (subject, version, recorded_at, content, content_hash, shared_changed, shared, shared_hash, memory,
          published, parked, due, sent)
WHERE p.subject = ANY($1) AND p.subject = u.subject
"""


class LockedPicture(NamedTuple):
    """A picture's row, locked."""

    subject: str
    version: int = 0
    recorded_at: datetime | None = None
    content_hash: bytes | None = None
    shared_hash: bytes | None = None
    memory: str | None = None
    published: str = "{}"
    parked: str = "[]"
    due: datetime | None = None
    fold: int = 0
    data: int = 0


class PictureUpdate(NamedTuple):
    """A picture's row to write; `content` and `shared` are None where they have not changed."""

    subject: str
    version: int
    recorded_at: datetime
    content: bytes | None
    content_hash: bytes
    shared_changed: bool
    shared: bytes | None
    shared_hash: bytes | None
    memory: bytes | None
    published: bytes
    parked: bytes
    due: datetime | None
    sent: bool


async def lock(connection: Connection, subjects: Sequence[str]) -> list[LockedPicture]:
    """Locks the pictures of sorted subjects, and creates missing rows."""
    rows = await connection.fetch(_LOCK, subjects)
    if len(rows) < len(subjects):
        known = {row["subject"] for row in rows}
        await connection.execute(_ADD, [s for s in subjects if s not in known])
        rows = await connection.fetch(_LOCK, subjects)
    return [LockedPicture._make(row) for row in rows]


async def lock_free(connection: Connection, subjects: Sequence[str]) -> list[LockedPicture]:
    """Locks those pictures of sorted subjects that are there and that nobody has locked."""
    rows = await connection.fetch(_LOCK_FREE, subjects) if subjects else []
    return [LockedPicture._make(row) for row in rows]


async def facts_of(connection: Connection, held: Sequence[LockedPicture], *, has_replicas: bool) -> list[Inputs]:
    """The revisions, replica, memory and open entities of each locked subject."""
    subjects = [h.subject for h in held]
    revisions = _grouped(subjects, await connection.fetch(_REVISIONS, subjects))
    rows = await connection.fetch(_REPLICAS, subjects) if has_replicas else []
    replicas = {row["entity"]: Replica(row["type"], row["version"], row["body"]) for row in rows}
    return [
        Inputs(
            h.subject,
            [StoredRevision._make(row) for row in revisions[h.subject]],
            replicas.get(h.subject),
            memory=orjson.loads(h.memory) if h.memory else None,
            open=open_in(h.published),
        )
        for h in held
    ]


async def with_shared(connection: Connection, facts: Sequence[Inputs]) -> list[Inputs]:
    """Adds the shared state of the subjects that each subject reads, as committed now; of `parts` each gets its own."""
    subjects = [f.subject for f in facts]
    shared = _grouped(subjects, await connection.fetch(_SHARED, subjects))
    return [replace(f, shared={s: Shared(text, own) for s, text, own in shared[f.subject]}) for f in facts]


async def save(connection: Connection, saved: Sequence[PictureUpdate], fold: int, data: int) -> None:
    """Writes pictures; one statement."""
    if not saved:
        return
    await connection.execute(
        _SAVE,
        [s.subject for s in saved],
        [s.version for s in saved],
        [s.recorded_at for s in saved],
        [_text(s.content) for s in saved],
        [s.content_hash for s in saved],
        [s.shared_changed for s in saved],
        [_text(s.shared) for s in saved],
        [s.shared_hash for s in saved],
        [_text(s.memory) for s in saved],
        [s.published.decode() for s in saved],
        [s.parked.decode() for s in saved],
        [s.due for s in saved],
        [s.sent for s in saved],
        machinery_now(),
        fold,
        data,
    )


def _grouped(subjects: Sequence[str], rows: Sequence[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows by subject, which is their first column, without that column."""
    found: dict[str, list[tuple[Any, ...]]] = {s: [] for s in subjects}
    for row in rows:
        found[row[0]].append(row[1:])
    return found


def _text(body: bytes | None) -> str | None:
    return None if body is None else body.decode()
