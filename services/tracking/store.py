"""Tracking's own rows: the history of pictures, and what the API reads.

Invariant: a history row is written in the transaction that saves the picture, and never changed.
"""

from collections.abc import AsyncIterator, Collection, Iterable, Sequence
from datetime import UTC, datetime
from typing import Any, Final

import asyncpg
import orjson

from contracts.corridor.corridor import Corridor
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import kind_of
from services.chassis.base.database import ACQUIRE_SECONDS, Connection, Pool
from services.chassis.projection import pictures
from services.chassis.projection.changes import PictureChange
from services.chassis.projection.fold import Inputs
from services.chassis.projection.pictures import LockedPicture
from services.chassis.service.purge import Rule
from services.tracking.domain.seen import row_locks

_FIRST: Final = datetime(1970, 1, 1, tzinfo=UTC)

_INSERT_HISTORY = """
INSERT INTO history (subject, recorded_from, kind, version, status, point, moving, observed_at, code, latest_at,
                     exceptions, locks, within)
SELECT subject, recorded_from, kind, version, status, point, moving, observed_at, code, latest_at, exceptions,
       string_to_array(locks, ' '), string_to_array(within, ' ')
FROM unnest($1::text[], $2::timestamptz[], $3::text[], $4::bigint[], $5::text[], $6::text[], $7::boolean[],
            $8::timestamptz[], $9::text[], $10::timestamptz[], $11::int[], $12::text[], $13::text[])
    AS u (subject, recorded_from, kind, version, status, point, moving, observed_at, code, latest_at, exceptions,
          locks, within)
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
_PICTURES = """
SELECT subject, version, recorded_at, content::text AS content FROM picture
WHERE subject = ANY($1::text[]) AND content IS NOT NULL
"""
# What cannot be seen takes no place on a page: its number would tell of it.
_LIST = """
SELECT subject, kind, version, recorded_at, status, point, moving, observed_at, code, latest_at, exceptions
FROM (SELECT DISTINCT ON (subject) subject, kind, version, recorded_from AS recorded_at, status, point, moving,
             observed_at, code, latest_at, exceptions, locks, within
      FROM history
      WHERE kind = $1 AND ($2::timestamptz IS NULL OR recorded_from <= $2) AND subject > $3
      ORDER BY subject, recorded_from DESC) AS h
WHERE locks && $5::text[] OR EXISTS (
    SELECT FROM unnest(within) AS w (subject), LATERAL (
        SELECT locks FROM history WHERE subject = w.subject ORDER BY recorded_from DESC LIMIT 1) AS above
    WHERE above.locks && $5)
ORDER BY subject LIMIT $4
"""
# From a place in the order of recording on, which no reader is told: it names the topic of a sender.
_REVISIONS = """
SELECT e.source, e.event_id, e.content_hash, e.type, e.subject, e.party, e.updated_at, e.retracted, e.body,
       e.recorded_at, e.topic, e.partition, e."offset"
FROM (SELECT DISTINCT source, event_id FROM (SELECT * FROM link WHERE subject = $1 OFFSET 0) AS named) AS l, LATERAL (
    SELECT * FROM event WHERE source = l.source AND event_id = l.event_id OFFSET 0) AS e
WHERE ($2::timestamptz IS NULL OR e.recorded_at <= $2)
  AND (e.recorded_at, e.topic, e.partition, e."offset") > ($3::timestamptz, $4::text, $5::int, $6::bigint)
ORDER BY e.recorded_at, e.topic, e.partition, e."offset" LIMIT $7
"""
# Where units were and what they carried meanwhile, without all else that their pictures tell.
_UNITS = """
SELECT subject, (content -> 'associations')::text AS associations,
       (SELECT jsonb_agg(jsonb_build_object('point', f -> 'point', 'via', f -> 'via', 'instant', f -> 'instant'))
        FROM jsonb_array_elements(content -> 'timeline') AS f)::text AS timeline
FROM picture WHERE subject = ANY($1::text[]) AND content IS NOT NULL
"""
# The consignments that are on some wagons ($1) now, themselves or in containers.
_ABOARD = """
SELECT DISTINCT coalesce(held ->> 'subject', p.subject) AS consignment
FROM (SELECT DISTINCT subject, reads FROM link WHERE reads = ANY($1::text[]) AND reads <> '') AS l, LATERAL (
    SELECT subject, content FROM picture WHERE subject = l.subject OFFSET 0) AS p
    LEFT JOIN LATERAL jsonb_array_elements(p.content -> 'associations') AS held
    ON held ->> 'relation' = 'in_consignment' AND held -> 'end' IS NULL
WHERE split_part(p.subject, ':', 1) IN ('container', 'consignment') AND EXISTS (
    SELECT FROM jsonb_array_elements(p.content -> 'associations') AS a
    WHERE a ->> 'relation' = 'on_wagon' AND a ->> 'subject' = l.reads AND a -> 'end' IS NULL)
"""
_PAGE: Final = 200


async def insert_history(connection: Connection, changes: Sequence[PictureChange], corridor: Corridor) -> None:
    """Appends what lists show of changed pictures, and to whom; one statement."""
    changed = [e for e in changes if e.content_changed and e.saved is not None]
    if not changed:
        return
    contents: list[dict[str, Any]] = [dict(e.folded.content) for e in changed]
    places: list[dict[str, Any]] = [c.get("place") or {} for c in contents]
    latest: list[dict[str, Any]] = [c.get("latest") or {} for c in contents]
    seen = [row_locks(c, corridor) for c in contents]
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
        [" ".join(locks) for locks, _ in seen],
        [" ".join(within) for _, within in seen],
    )


async def load_pictures(pool: Pool, subjects: Iterable[str]) -> dict[str, dict[str, Any]]:
    """The pictures of subjects, as far as there are any, each with its version and recorded_at."""
    return {row["subject"]: _picture(row) for row in await pool.fetch(_PICTURES, sorted(set(subjects)))}


async def list_subjects(
    pool: Pool, keys: Collection[str], kind: str, known_at: datetime | None, after: str, limit: int
) -> list[asyncpg.Record]:
    """What lists show of the subjects of a kind that some keys open, as known at an instant, in order of their keys."""
    rows: list[asyncpg.Record] = await pool.fetch(_LIST, kind, known_at, after, limit, list(keys))
    return rows


async def each_revision(
    pool: Pool, subject: str, known_at: datetime | None, since: datetime | None
) -> AsyncIterator[asyncpg.Record]:
    """Every revision that names a subject, recorded from one instant to another, oldest first, read page by page."""
    place: tuple[Any, ...] = (since or _FIRST, "", -1, -1)
    while rows := await pool.fetch(_REVISIONS, subject, known_at, *place, _PAGE):
        for row in rows:
            yield row
        place = tuple(rows[-1][name] for name in ("recorded_at", "topic", "partition", "offset"))


async def load_units(pool: Pool, subjects: Iterable[str]) -> dict[str, dict[str, Any]]:
    """Where units were, and what they carried."""
    rows = await pool.fetch(_UNITS, sorted(set(subjects)))
    return {row["subject"]: {n: orjson.loads(row[n] or "[]") for n in ("associations", "timeline")} for row in rows}


async def find_aboard(pool: Pool, wagons: Iterable[str]) -> list[str]:
    """The consignments that are on some wagons now."""
    return [row["consignment"] for row in await pool.fetch(_ABOARD, sorted(set(wagons)))]


async def load_inputs(pool: Pool, subject: str) -> Inputs:
    """All that was ever reported of a subject, and what it reads of others, as a fold is given it."""
    async with pool.acquire(timeout=ACQUIRE_SECONDS) as connection:
        facts = await pictures.facts_of(connection, [LockedPicture(subject)], has_replicas=False)
        (inputs,) = await pictures.with_shared(connection, facts)
    return inputs


def _picture(row: asyncpg.Record) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(row["content"])
    return content | {"version": row["version"], "recorded_at": utc_text(row["recorded_at"])}


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
