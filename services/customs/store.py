"""Customs' own rows: the list of cases, and what the API reads.

Invariant: a case's row is written in the transaction that saves its picture, with who may see it.
"""

from collections.abc import Collection, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from services.chassis.base import visibility
from services.chassis.base.database import Connection, Pool
from services.chassis.projection.changes import PictureChange

_SAVE = """
INSERT INTO case_row ("case", jurisdiction, procedure, state, held, consignment, version, recorded_at, locks, units)
SELECT "case", jurisdiction, procedure, state, held, consignment, version, recorded_at,
       ARRAY(SELECT jsonb_array_elements_text(locks)), ARRAY(SELECT jsonb_array_elements_text(units))
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::boolean[], $6::text[], $7::bigint[], $8::timestamptz[],
            $9::jsonb[], $10::jsonb[])
    AS u ("case", jurisdiction, procedure, state, held, consignment, version, recorded_at, locks, units)
ON CONFLICT ("case") DO UPDATE SET state = EXCLUDED.state, held = EXCLUDED.held, consignment = EXCLUDED.consignment,
    version = EXCLUDED.version, recorded_at = EXCLUDED.recorded_at, locks = EXCLUDED.locks, units = EXCLUDED.units
"""
# What cannot be seen takes no place on a page: its number would tell of it.
_LIST = """
SELECT p.content::text AS content, p.version, p.recorded_at
FROM case_row r JOIN picture p ON p.subject = r."case"
WHERE r."case" > $1 AND ($2::text IS NULL OR r.jurisdiction = $2) AND ($3::text IS NULL OR r.state = $3)
  AND ($4::text IS NULL OR r.consignment = $4) AND ($5::text IS NULL OR r."case" = $5) AND r.locks && $7::text[]
  AND ($8::text IS NULL OR r.procedure = $8) AND ($9::boolean IS NULL OR r.held = $9)
ORDER BY r."case" LIMIT $6
"""
# A unit has few cases, which are found by it.
_LIST_OF_UNIT = """
SELECT p.content::text AS content, p.version, p.recorded_at
FROM (SELECT * FROM case_row WHERE units @> ARRAY[$10::text] OFFSET 0) AS r JOIN picture p ON p.subject = r."case"
WHERE r."case" > $1 AND ($2::text IS NULL OR r.jurisdiction = $2) AND ($3::text IS NULL OR r.state = $3)
  AND ($4::text IS NULL OR r.consignment = $4) AND ($5::text IS NULL OR r."case" = $5) AND r.locks && $7::text[]
  AND ($8::text IS NULL OR r.procedure = $8) AND ($9::boolean IS NULL OR r.held = $9)
ORDER BY r."case" LIMIT $6
"""
_VERDICT = "SELECT content::text AS content FROM picture WHERE subject = $1"


class Asked(NamedTuple):
    """What the cases of a list are to have, as far as it is asked."""

    jurisdiction: str | None = None
    procedure: str | None = None
    state: str | None = None
    held: bool | None = None
    consignment: str | None = None
    case: str | None = None
    unit: str | None = None


async def save_cases(connection: Connection, changes: Sequence[PictureChange]) -> None:
    """Writes the rows of opened cases whose picture has changed; one statement."""
    told = (e for e in changes if e.subject.startswith("case:") and _is_told(e))
    changed = list({e.subject: e for e in told}.values())
    if not changed:
        return
    contents: list[dict[str, Any]] = [dict(e.folded.content) for e in changed]
    await connection.execute(
        _SAVE,
        [e.subject for e in changed],
        [c["jurisdiction"] for c in contents],
        [c["procedure"] for c in contents],
        [c["state"] for c in contents],
        [bool(c.get("held")) for c in contents],
        [c.get("consignment") for c in contents],
        [e.saved.version for e in changed if e.saved],
        [e.recorded_at for e in changed],
        [orjson.dumps(sorted(_locks(c))).decode() for c in contents],
        [orjson.dumps([*c.get("containers", ()), *c.get("wagons", ())]).decode() for c in contents],
    )


async def list_cases(
    pool: Pool, keys: Collection[str], asked: Asked, *, after: str = "", limit: int = 200
) -> list[tuple[dict[str, Any], frozenset[str]]]:
    """The cases that some keys open, in order of their keys, each with its locks."""
    named = (after, asked.jurisdiction, asked.state, asked.consignment, asked.case, limit, list(keys))
    more = (asked.procedure, asked.held)
    if asked.unit is None:
        rows = await pool.fetch(_LIST, *named, *more)
    else:
        rows = await pool.fetch(_LIST_OF_UNIT, *named, *more, asked.unit)
    return [(content, _locks(content)) for content in map(_case, rows)]


async def find_verdict(pool: Pool, case: str, source: str, event_id: str) -> dict[str, Any] | None:
    """The verdict on a decision, when there is one."""
    text = await pool.fetchval(_VERDICT, case)
    verdicts = orjson.loads(text).get("verdicts", ()) if text else ()
    return next((v for v in verdicts if (v["source"], v["event_id"]) == (source, event_id)), None)


def _is_told(one: PictureChange) -> bool:
    """Whether anybody is told of a case: of one about which nothing was said nobody is, until something was."""
    return bool(one.published) or any(not publication.empty for publication in one.folded.publications)


def _case(row: Any) -> dict[str, Any]:
    content: dict[str, Any] = orjson.loads(row["content"])
    return content | {"version": row["version"], "recorded_at": row["recorded_at"]}


def _locks(content: Mapping[str, Any]) -> frozenset[str]:
    return visibility.case_locks(content["jurisdiction"], content.get("parties", ()), content.get("route", ()))
