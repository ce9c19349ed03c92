"""Notifications' list of subjects with who may see them, and what its API reads of pictures.

Invariant: a row is written with its picture; a snapshot and its cursor are read together.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import asyncpg
import orjson

from contracts.events.fields import as_shown, utc_text
from services.chassis.base.database import ACQUIRE_SECONDS, Connection, Pool
from services.chassis.projection.changes import PictureChange
from services.notifications.domain.fold import for_party
from services.notifications.feeds import CURSOR

_SAVE_ROWS = """
INSERT INTO subject_row (subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions,
                         parties, header, recorded_at)
SELECT subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions,
       ARRAY(SELECT jsonb_array_elements_text(parties)), header, recorded_at
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::timestamptz[], $7::text[], $8::text[],
            $9::int[], $10::jsonb[], $11::jsonb[], $12::timestamptz[])
    AS u (subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions, parties, header,
          recorded_at)
ON CONFLICT (subject) DO UPDATE SET status = EXCLUDED.status, point = EXCLUDED.point, moving = EXCLUDED.moving,
    observed_at = EXCLUDED.observed_at, reported_by = EXCLUDED.reported_by, confidence = EXCLUDED.confidence,
    exceptions = EXCLUDED.exceptions, parties = EXCLUDED.parties, header = EXCLUDED.header,
    recorded_at = EXCLUDED.recorded_at
"""
_ROWS = """
SELECT subject, kind, status, point, moving, observed_at, reported_by, confidence, exceptions, header::text AS header,
       recorded_at
FROM (SELECT * FROM subject_row
      WHERE parties @> ARRAY[$1::text] AND ($2::text IS NULL OR kind = $2)
        AND ($5::timestamptz IS NULL OR recorded_at >= $5) OFFSET 0) AS seen
WHERE $3::text = '' OR subject ILIKE $3 OR status ILIKE $3 OR point ILIKE $3 OR reported_by ILIKE $3
    OR EXISTS (SELECT FROM jsonb_path_query(header - ARRAY['associations', 'parts', 'last_seen', 'whole', 'exceptions'],
                                            '$.**') AS v
               WHERE header -> 'whole' ? $1 AND jsonb_typeof(v) = 'string' AND v #>> '{}' ILIKE $3)
    OR EXISTS (SELECT FROM jsonb_array_elements(header -> 'associations') AS a
               WHERE a -> 'parties' ? $1 AND a ->> 'subject' ILIKE $3)
ORDER BY kind, subject LIMIT $4
"""
# What is open for a party: each fact of these kinds says in its own state whether it still is. The index of pictures
# that have such a fact is by this very condition.
_OPEN = """
'$.facts[*] ? (@.state == "open" || @.state == "raised"
    || @.state == "hold_placed" || @.topic == "arrival" && @.state == "expected" && @.detail == "not declared")'
"""
_ATTENTION = f"""
SELECT fact::text AS fact
FROM picture, jsonb_path_query(content, {_OPEN}) AS fact
WHERE content @? {_OPEN} AND split_part(subject, ':', 1) = ANY ($2)
  AND fact -> 'parties' ? $1
ORDER BY fact ->> 'instant' DESC NULLS LAST LIMIT $3
"""
# The cases, exceptions, violations and announcements about some subjects ($1), and the papers of some consignments
# ($4): a hold on one box of a consignment is nothing that another box is under.
_RELATED = """
SELECT fact::text AS fact
FROM (SELECT DISTINCT subject FROM link WHERE reads = ANY ($1::text[] || $4::text[]) AND reads <> '') AS l,
     LATERAL (SELECT content FROM picture WHERE subject = l.subject OFFSET 0) AS p,
     jsonb_array_elements(content -> 'facts') AS fact
WHERE split_part(l.subject, ':', 1) = ANY ($3)
  AND fact -> 'parties' ? $2
  AND (fact ->> 'subject' = ANY ($1)
       OR fact ->> 'consignment' = ANY ($4) AND split_part(fact ->> 'subject', ':', 1) NOT IN ('container', 'wagon'))
ORDER BY fact ->> 'instant'
"""
# What the parts of a consignment ($3) went through with its goods, each step once, however many parts took it.
_OF_PARTS = """
SELECT jsonb_build_object(
    'fact', concat_ws('|', fact ->> 'code', fact ->> 'point', split_part(fact ->> 'fact', '|', 4),
                      fact ->> 'reported_by', fact ->> 'confidence', fact ->> 'sighting', fact ->> 'out_of_order'),
    'topic', 'milestone', 'code', fact ->> 'code', 'point', fact ->> 'point', 'country', fact ->> 'country',
    'reported_by', fact ->> 'reported_by', 'confidence', fact ->> 'confidence',
    'sighting', (fact ->> 'sighting')::boolean, 'out_of_order', (fact ->> 'out_of_order')::boolean,
    'from', min(fact ->> 'instant'), 'instant', max(fact ->> 'instant'),
    'subjects', jsonb_agg(DISTINCT fact ->> 'subject'))::text AS fact
FROM picture, jsonb_array_elements(content -> 'facts') AS fact
WHERE subject = ANY ($1) AND fact -> 'parties' ? $2 AND fact ->> 'topic' = 'milestone' AND fact ->> 'point' IS NOT NULL
    AND coalesce(fact ->> 'consignment', $3) = $3
GROUP BY fact ->> 'code', fact ->> 'point', fact ->> 'country', split_part(fact ->> 'fact', '|', 4),
         fact ->> 'reported_by', fact ->> 'confidence', fact ->> 'sighting', fact ->> 'out_of_order'
"""
_BESIDE: Final = ("case", "exception", "violation", "arrival")
_PICTURE = "SELECT content::text AS content, recorded_at FROM picture WHERE subject = $1 AND content IS NOT NULL"
_AUDIENCE = "SELECT digest FROM audience"
_SAVE_AUDIENCE = """
INSERT INTO audience (digest) VALUES ($1) ON CONFLICT (single) DO UPDATE SET digest = EXCLUDED.digest
"""


async def save_rows(connection: Connection, changes: Sequence[PictureChange]) -> None:
    """Writes what lists show of changed subjects; one statement."""
    listed = (e for e in changes if e.content_changed and "kind" in e.folded.content)
    changed = list({e.subject: e for e in listed}.values())
    if not changed:
        return
    contents: list[dict[str, Any]] = [dict(e.folded.content) for e in changed]
    places: list[dict[str, Any]] = [c.get("place") or {} for c in contents]
    await connection.execute(
        _SAVE_ROWS,
        [e.subject for e in changed],
        [c["kind"] for c in contents],
        [c["status"] for c in contents],
        [p.get("point") for p in places],
        [p.get("moving") for p in places],
        [_instant(p.get("observed_at")) for p in places],
        [p.get("party") for p in places],
        [p.get("confidence") for p in places],
        [len(c.get("exceptions", ())) for c in contents],
        [orjson.dumps(c["current"]).decode() for c in contents],
        [orjson.dumps(_header(c)).decode() for c in contents],
        [e.recorded_at for e in changed],
    )


_HEADER: Final = (
    "origin",
    "destination",
    "run",
    "members",
    "parts",
    "units",
    "last_seen",
    "associations",
    "references",
    "ended",
    "exceptions",
    "whole",
)


def _header(content: Mapping[str, Any]) -> dict[str, Any]:
    """What a list shows of a subject besides its columns; of what is expected, the end of the way."""
    end = content.get("expected", ())[-1:]
    return {n: v for n, v in content.items() if n in _HEADER} | ({"expected": end} if end else {})


async def read_attention(pool: Pool, party: str, limit: int) -> list[dict[str, Any]]:
    """What is open and may be seen by a party: exceptions, violations, holds, and arrivals not declared."""
    return [_fact(row) for row in await pool.fetch(_ATTENTION, party, list(_BESIDE), limit)]


async def read_related(
    pool: Pool, subjects: Sequence[str], consignments: Sequence[str], party: str
) -> list[dict[str, Any]]:
    """What a party may see of exceptions, violations and holds on subjects, and of the papers of consignments."""
    rows = await pool.fetch(_RELATED, list(subjects), party, list(_BESIDE), list(consignments))
    return [_fact(row) for row in rows]


async def read_of_parts(pool: Pool, consignment: str, parts: Sequence[str], party: str) -> list[dict[str, Any]]:
    """The milestones of a consignment's units with its goods, as far as a party may see them: who took each step."""
    return [_fact(row) for row in await pool.fetch(_OF_PARTS, list(parts), party, consignment)]


async def read_overview(
    pool: Pool, party: str, kind: str | None, query: str, limit: int, since: datetime | None = None
) -> tuple[list[dict[str, Any]], int]:
    """The subjects that a party may see and the cursor that they belong to, at one instant of the store.

    `since` leaves out what was not recorded from then on.
    """
    async with (
        pool.acquire(timeout=ACQUIRE_SECONDS) as connection,
        connection.transaction(isolation="repeatable_read", readonly=True),
    ):
        cursor = await connection.fetchval(CURSOR, party)
        rows = await connection.fetch(_ROWS, party, kind, _pattern(query), limit, since)
    return [_row(row, party) for row in rows], cursor


async def read_picture(pool: Pool, subject: str) -> dict[str, Any] | None:
    """The facts of a subject with their audiences."""
    row = await pool.fetchrow(_PICTURE, subject)
    if row is None:
        return None
    content: dict[str, Any] = orjson.loads(row["content"])
    return content | {"recorded_at": utc_text(row["recorded_at"])}


async def audience(pool: Pool) -> str | None:
    """The parties for which every picture was last queued, by their digest."""
    found: str | None = await pool.fetchval(_AUDIENCE)
    return found


async def save_audience(pool: Pool, digest: str) -> None:
    """Notes that every picture has been queued for these parties."""
    await pool.execute(_SAVE_AUDIENCE, digest)


def _fact(row: asyncpg.Record) -> dict[str, Any]:
    fact: dict[str, Any] = orjson.loads(row["fact"])
    return {name: value for name, value in fact.items() if name != "parties" and value is not None}


def _pattern(query: str) -> str:
    """A pattern for texts that have a query in them, as it is written."""
    if not query:
        return ""
    escaped = query.replace("\\", "\\\\").replace("%", "\\%").replace("_", "\\_")
    return f"%{escaped}%"


def _row(row: asyncpg.Record, party: str) -> dict[str, Any]:
    shown: dict[str, Any] = dict(row.items()) | for_party(orjson.loads(row["header"]), party)
    del shown["header"]
    return as_shown(shown)


def _instant(text: str | None) -> datetime | None:
    return datetime.fromisoformat(text) if text else None
