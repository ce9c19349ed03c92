"""Dead letters as work: list, show, count, replay and discard.

Invariant: a dead letter keeps the exact bytes of its record. Every replay and discard is stored with its author. A
dead letter that has failed several replays is only replayed on explicit request.
"""

import base64
import hashlib
import json
import urllib.parse
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any, Final

import asyncpg
from aiokafka.structs import ConsumerRecord
from pydantic import BaseModel, ConfigDict, Field

from contracts import topics
from contracts.events.fields import Instant, Text
from services.chassis.base.clock import machinery_now
from services.chassis.base.database import Pool
from services.chassis.ingest.records import Record

_OF_AUTHORITY: Final = frozenset({"key", "headers", "body"})
TRIES: Final = 3
"""After so many failed replays a dead letter is only replayed on explicit request (`again`)."""

_WHERE = """
($1::bigint[] IS NULL OR id = ANY($1)) AND ($2::text IS NULL OR reason = $2) AND ($3::text IS NULL OR party = $3)
AND ($4::text IS NULL OR topic = $4) AND ($5::timestamptz IS NULL OR recorded_at >= $5)
AND ($6::timestamptz IS NULL OR recorded_at < $6) AND ($7 OR resolution IS NULL)
"""
_LIST = f"""
SELECT id, topic, partition, "offset", party, source, event_id, reason, path, detail, recorded_at, attempts, resolution,
       resolved_at, octet_length(body) AS size
FROM dead_letter WHERE {_WHERE} AND id > $8 ORDER BY id LIMIT $9
"""
_COUNT = f"""
SELECT reason, party, count(*) AS number, min(recorded_at) AS oldest, max(recorded_at) AS newest
FROM dead_letter WHERE {_WHERE} GROUP BY reason, party ORDER BY number DESC, reason, party
"""
_SHOW = "SELECT * FROM dead_letter WHERE id = $1"
_HISTORY = """
SELECT a.at, a.by, a.action, a.reason FROM dead_letter_action a JOIN dead_letter d ON d.last_action = a.id
WHERE d.id = $1
"""
_IDS = f"SELECT id FROM dead_letter WHERE {_WHERE} AND attempts < $8 ORDER BY id"
_BEGIN = """
INSERT INTO dead_letter_action (at, by, action, filter, reason) VALUES ($1, $2, $3, $4::jsonb, $5) RETURNING id
"""
_END = "UPDATE dead_letter_action SET found = $2, resolved = $3 WHERE id = $1"
_ACTIONS = "SELECT * FROM dead_letter_action ORDER BY id DESC LIMIT $1"


RowId = Annotated[int, Field(ge=0, le=2**63 - 1)]


class Filter(BaseModel):
    """Selects dead letters by all given conditions; resolved ones only with `resolved`."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    ids: Annotated[list[RowId] | None, Field(max_length=1000)] = None
    reason: Text | None = None
    party: Text | None = None
    topic: Text | None = None
    since: Instant | None = None
    until: Instant | None = None
    resolved: bool = False

    @property
    def values(self) -> tuple[Any, ...]:
        return self.ids, self.reason, self.party, self.topic, self.since, self.until, self.resolved


@dataclass(frozen=True, slots=True)
class Dead:
    """A dead letter with its record as it was read."""

    id: int
    record: Record
    party: str | None
    reason: str
    attempts: int


def dead_of(row: Any) -> Dead:
    """Rebuilds the record from a row, byte for byte."""
    headers = [(n, None if v is None else urllib.parse.unquote_to_bytes(v)) for n, v in json.loads(row["headers"])]
    record: Record = ConsumerRecord(
        topic=row["topic"],
        partition=row["partition"],
        offset=row["offset"],
        timestamp=row["appended_ms"],
        timestamp_type=1,
        key=row["key"],
        value=row["body"],
        checksum=None,
        serialized_key_size=len(row["key"] or b""),
        serialized_value_size=len(row["body"] or b""),
        headers=headers,  # type: ignore[arg-type]
    )
    return Dead(row["id"], record, row["party"], row["reason"], row["attempts"])


async def listed(pool: Pool, wanted: Filter, after: int = 0, limit: int = 100) -> list[dict[str, Any]]:
    """A page of dead letters without their content, oldest first."""
    return [dict(row) for row in await pool.fetch(_LIST, *wanted.values, after, limit)]


async def counted(pool: Pool, wanted: Filter) -> list[dict[str, Any]]:
    """The counts of dead letters by reason and party, highest first."""
    return [dict(row) for row in await pool.fetch(_COUNT, *wanted.values)]


async def shown(pool: Pool, id: int) -> dict[str, Any] | None:
    """One dead letter with its last action; key and body are text, or base64 if they are not UTF-8.

    A customs decision is shown without key, headers and body, since only its authority may read it.
    """
    row = await pool.fetchrow(_SHOW, id)
    if row is None:
        return None
    actions = await pool.fetch(_HISTORY, id)
    found = dict(row) | {
        "sha256": hashlib.sha256(row["body"] or b"").hexdigest(),
        "last_action": dict(actions[0]) if actions else None,
    }
    if topics.DECISIONS.holds(row["topic"]):
        return {name: value for name, value in found.items() if name not in _OF_AUTHORITY}
    return found | {
        "key": _readable(row["key"]),
        "body": _readable(row["body"]),
        "headers": json.loads(row["headers"]),
    }


async def ids_of(pool: Pool, wanted: Filter, *, again: bool) -> list[int]:
    """The ids of a filter's dead letters, oldest first; those that have failed too often only with `again`."""
    rows = await pool.fetch(_IDS, *wanted.values, 2**31 - 1 if again else TRIES)
    return [row["id"] for row in rows]


async def begin(pool: Pool, by: str, action: str, wanted: Filter, reason: str | None) -> int:
    """Stores an action before it begins; returns its id."""
    filter_text = wanted.model_dump_json(exclude_defaults=True)
    action_id: int = await pool.fetchval(_BEGIN, machinery_now(), by, action, filter_text, reason)
    return action_id


async def end(pool: Pool, action: int, found: int, resolved: int) -> None:
    """Stores the result of an action."""
    await pool.execute(_END, action, found, resolved)


async def actions(pool: Pool, limit: int = 50) -> Sequence[asyncpg.Record]:
    """The latest actions, newest first."""
    rows: Sequence[asyncpg.Record] = await pool.fetch(_ACTIONS, limit)
    return rows


def _readable(raw: bytes | None) -> str | None:
    if raw is None:
        return None
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return "base64:" + base64.b64encode(raw).decode()
