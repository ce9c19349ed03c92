"""Tracking's own rows: the history of pictures, and what the API reads.

Invariant: a history row is written in the transaction that saves the picture, and never changed.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import orjson

from contracts.subjects import kind_of
from services.chassis.database import Connection, Pool
from services.chassis.effects import Effect
from services.chassis.purge import Rule

_INSERT_HISTORY = """
INSERT INTO history (subject, recorded_from, kind, version, status, point, moving, observed_at, code, latest_at,
                     exceptions)
SELECT * FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::boolean[],
                     $8::timestamptz[], $9::text[], $10::timestamptz[], $11::int[])
ON CONFLICT DO NOTHING
"""
# What a subject was like at the cut-off stays, so that lists as known since then are whole.
PURGE_HISTORY: Final = Rule(
    "history",
    400,
    """
    DELETE FROM history WHERE ctid = ANY(ARRAY(
        SELECT ctid FROM history AS old
        WHERE recorded_from < $1 AND EXISTS (
            SELECT FROM history AS newer
            WHERE newer.subject = old.subject AND newer.recorded_from > old.recorded_from AND newer.recorded_from < $1)
        LIMIT $2))
    """,
)
_PICTURE = """
SELECT subject, version, recorded_at, content::text AS content FROM picture WHERE subject = $1 AND content IS NOT NULL
"""
_LIST = """
SELECT DISTINCT ON (subject) subject, kind, version, recorded_from AS recorded_at, status, point, moving, observed_at,
       code, latest_at, exceptions
FROM history
WHERE kind = $1 AND ($2::timestamptz IS NULL OR recorded_from <= $2) AND subject > $3
ORDER BY subject, recorded_from DESC LIMIT $4
"""
_REVISIONS = """
SELECT DISTINCT e.source, e.event_id, e.content_hash, e.type, e.subject, e.party, e.updated_at, e.retracted,
       e.body, e.recorded_at, e.topic, e.partition, e."offset"
FROM (SELECT source, event_id FROM link WHERE subject = $1 OFFSET 0) AS l, LATERAL (
    SELECT * FROM event WHERE source = l.source AND event_id = l.event_id OFFSET 0) AS e
WHERE $2::timestamptz IS NULL OR e.recorded_at <= $2
ORDER BY e.recorded_at, e.topic, e.partition, e."offset"
"""


async def insert_history(connection: Connection, effects: Sequence[Effect]) -> None:
    """Appends what lists show of changed pictures; one statement."""
    changed = [e for e in effects if e.content_changed and e.saved is not None]
    if not changed:
        return
    contents: list[dict[str, Any]] = [dict(e.folded.content) for e in changed]
    places: list[dict[str, Any]] = [c.get("place") or {} for c in contents]
    latest: list[dict[str, Any]] = [c.get("latest") or {} for c in contents]
    await connection.execute(
        _INSERT_HISTORY,
        [e.subject for e in changed],
        [e.recorded_at for e in changed],
        [kind_of(e.subject) for e in changed],
        [e.saved.version for e in changed if e.saved],
        [c["status"] for c in contents],
        [p.get("point") for p in places],
        [p.get("moving") for p in places],
        [_instant(p.get("observed_at")) for p in places],
        [f.get("code") for f in latest],
        [_instant(f.get("instant")) for f in latest],
        [len(c.get("exceptions", ())) for c in contents],
    )


async def load_picture(pool: Pool, subject: str) -> dict[str, Any] | None:
    """The picture of a subject with its version and recorded_at."""
    row = await pool.fetchrow(_PICTURE, subject)
    if row is None:
        return None
    content: dict[str, Any] = orjson.loads(row["content"])
    return content | {"version": row["version"], "recorded_at": row["recorded_at"]}


async def list_subjects(
    pool: Pool, kind: str, known_at: datetime | None, after: str, limit: int
) -> list[asyncpg.Record]:
    """What lists show of the subjects of a kind, as known at an instant, in order of their keys."""
    rows: list[asyncpg.Record] = await pool.fetch(_LIST, kind, known_at, after, limit)
    return rows


async def load_revisions(pool: Pool, subject: str, known_at: datetime | None) -> list[asyncpg.Record]:
    """Every revision that names a subject, as recorded by an instant."""
    rows: list[asyncpg.Record] = await pool.fetch(_REVISIONS, subject, known_at)
    return rows


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
