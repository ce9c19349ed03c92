"""What the customs of each country were told, as a feed of changes with numbers: for an office that reads no Kafka.

Invariant: an entity is in the feed once, at the place of its last change, with the bytes that the country's topic has.
A number is given only to what is committed, by one at a time, and rises with the clock, also across a store put back:
so who goes on from the last number that it has read misses nothing.
"""

from collections.abc import Sequence
from typing import Any, Final

import orjson

from contracts.topics import CUSTOMS_CASES, party_of
from services.chassis.base.clock import machinery_now
from services.chassis.base.database import Connection, Pool, transaction
from services.chassis.projection.changes import PictureChange, records

# The advisory locks of this table: one for each country.
_SPACE: Final = 2_026_113
_AT_ONCE: Final = 5_000

_TELL = """
INSERT INTO told (country, entity, type, version, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bigint[], $5::bytea[])
ON CONFLICT (country, entity) DO UPDATE
SET type = EXCLUDED.type, version = EXCLUDED.version, body = EXCLUDED.body, number = NULL
"""
_ALONE = "SELECT pg_advisory_xact_lock($1, hashtext($2))"
# What a fold is changing at this moment is passed over: it gets its place when that is committed.
_NUMBER = """
UPDATE told SET number = placed.number
FROM (SELECT fresh.entity, GREATEST(coalesce(last.number, 0), $2) + row_number() OVER () AS number
      FROM (SELECT entity FROM told WHERE country = $1 AND number IS NULL
            ORDER BY version, entity LIMIT $3 FOR UPDATE SKIP LOCKED) AS fresh
      LEFT JOIN (SELECT number FROM told WHERE country = $1 AND number IS NOT NULL ORDER BY number DESC LIMIT 1) AS last
      ON true) AS placed
WHERE told.country = $1 AND told.entity = placed.entity
"""
_READ = """
SELECT number, type, body FROM told
WHERE country = $1 AND number IS NOT NULL AND number > $2 ORDER BY number LIMIT $3
"""


async def tell(connection: Connection, changes: Sequence[PictureChange]) -> None:
    """Writes down what was published for the customs of each country; one statement, or none."""
    rows: dict[tuple[str, str], tuple[Any, ...]] = {}
    for change in changes:
        for one in records("customs", change, change.recorded_at) if change.published else ():
            if (country := party_of(one.topic, CUSTOMS_CASES)) is not None:
                rows[country.upper(), one.key] = (one.type, int(one.id.rpartition("@")[2]), one.body)
    if rows:
        await connection.execute(
            _TELL,
            [country for country, _ in rows],
            [entity for _, entity in rows],
            *([row[place] for row in rows.values()] for place in range(3)),
        )


async def read_changes(pool: Pool, country: str, since: int, limit: int) -> list[dict[str, Any]]:
    """What has changed for the customs of a country behind a number, in the order of numbers."""
    async with transaction(pool) as connection:
        await connection.execute(_ALONE, _SPACE, country)
        now = machinery_now()
        await connection.execute(_NUMBER, country, int(now.timestamp() * 1_000_000), _AT_ONCE)
        rows = await connection.fetch(_READ, country, since, limit)
    return [{"number": row["number"], "type": row["type"], "data": orjson.loads(row["body"])} for row in rows]
