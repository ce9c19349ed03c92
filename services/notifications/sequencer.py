"""Numbers committed items, one party shard at a time, and publishes them.

Invariant: one sequencer works on a shard at a time; numbers rise with the real clock, so also across a store put
back, and each item names the number before it. What is numbered is published in the same transaction.
"""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import asyncpg
import orjson
import structlog

from contracts import catalogue, topics
from services.chassis.base import telemetry
from services.chassis.base.clock import version_after
from services.chassis.base.database import Connection, transaction
from services.chassis.base.errors import is_transient
from services.chassis.base.pace import Pace, until
from services.chassis.base.restore_detection import not_restored
from services.chassis.outbox import outgoing
from services.chassis.outbox.outgoing import Outgoing
from services.chassis.service.runtime import Runtime
from services.notifications.store import SHARDS, item_json

log = structlog.get_logger(__name__)

PAGE = 500
_LOCK_SPACE = 0x0C03
_POLL_SECONDS = 0.5
_PACE_SECONDS = 0.015

_TRY_LOCK = "SELECT shard FROM unnest($2::int[]) AS shard WHERE pg_try_advisory_xact_lock($1, shard)"
_UNNUMBERED = f"""
SELECT id, item, party, NULL::bigint AS sequence, NULL::bigint AS previous_sequence, action, supersedes, fact, subject,
       content::text AS content, alert, late, recorded_at, traceparent
FROM item WHERE shard = ANY($1::smallint[]) AND sequence IS NULL AND {not_restored("$3")} ORDER BY id LIMIT $2
"""
_LAST = "SELECT party, sequence FROM feed WHERE party = ANY($1::text[]) FOR UPDATE"
_NUMBER = """
UPDATE item i SET sequence = u.sequence, previous_sequence = u.previous
FROM unnest($1::bigint[], $2::bigint[], $3::bigint[]) AS u (id, sequence, previous)
WHERE i.id = ANY($1) AND i.id = u.id
"""
_KEEP_LAST = """
INSERT INTO feed (party, sequence) SELECT * FROM unnest($1::text[], $2::bigint[])
ON CONFLICT (party) DO UPDATE SET sequence = EXCLUDED.sequence
"""
_WAITING = "SELECT EXISTS (SELECT FROM item WHERE sequence IS NULL)"


async def run(runtime: Runtime) -> None:
    """Numbers what is committed until cancelled; waits while the database is away."""
    pace = Pace(_PACE_SECONDS)
    while True:
        await pace.keep()
        commit = runtime.next_commit
        try:
            if await number_all(runtime):
                continue
        except Exception as failure:
            if not is_transient(failure):
                log.exception("the sequencer failed")
            await asyncio.sleep(_POLL_SECONDS)
            continue
        await until(commit, _POLL_SECONDS)


async def number_all(runtime: Runtime) -> int:
    """One page of every shard that no other sequencer is at; returns how many items were numbered."""
    if not await runtime.store.fetchval(_WAITING):
        return 0
    async with transaction(runtime.store) as connection:
        count = await number_shards(connection, range(SHARDS), runtime.mark.left)
    if count:
        runtime.committed()
    return count


async def number_shards(connection: Connection, shards: Iterable[int], mark: int = 0) -> int:
    """Numbers a page of these shards in the caller's transaction, leaving out those that another sequencer is at.

    `mark` is what this copy has left in the store: one that was put back first reads its feeds back.
    """
    with telemetry.ROUND.labels("notifications", "sequencer").time():
        held = [row["shard"] for row in await connection.fetch(_TRY_LOCK, _LOCK_SPACE, list(shards))]
        rows = await connection.fetch(_UNNUMBERED, held, PAGE, mark)
        if not rows:
            return 0
        parties = sorted({row["party"] for row in rows})
        last = {r["party"]: r["sequence"] for r in await connection.fetch(_LAST, parties)}
        numbered = _number(rows, last)
        ids, sequences = [r["id"] for r, _, _ in numbered], [s for _, s, _ in numbered]
        await connection.execute(_NUMBER, ids, sequences, [p for _, _, p in numbered])
        await connection.execute(_KEEP_LAST, list(last), list(last.values()))
        await outgoing.append(connection, [_outgoing(row, s, p) for row, s, p in numbered])
    return len(rows)


def _number(rows: Sequence[asyncpg.Record], last: dict[str, int]) -> list[tuple[asyncpg.Record, int, int | None]]:
    """Gives each row the next number of its party; `last` is moved on."""
    numbered = []
    for row in rows:
        previous = last.get(row["party"])
        last[row["party"]] = version_after(previous or 0)
        numbered.append((row, last[row["party"]], previous))
    return numbered


def _outgoing(row: asyncpg.Record, sequence: int, previous: int | None) -> Outgoing:
    shown: dict[str, Any] = item_json(row) | {"sequence": sequence}
    if previous is not None:
        shown["previous_sequence"] = previous
    return Outgoing(
        topics.NOTIFICATIONS.of(row["party"]),
        row["subject"],
        str(row["item"]),
        catalogue.NOTIFICATION,
        row["subject"],
        orjson.dumps(shown),
        row["traceparent"],
        # Numbers leave in order, whichever copy numbered them.
        line=row["party"],
    )
