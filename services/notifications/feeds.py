"""The feeds of parties: items, each stored once, and their numbered deliveries.

Invariant: an item and its deliveries are written with the picture that owes them, under the locks of the feeds that
they go to. So no number comes behind one that has been read, and each delivery names the number before it. Numbers rise
with the real clock, so also across a restored store. A feed shows what is on its topic.
"""

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, Final, NamedTuple

import asyncpg
import orjson

from contracts import catalogue, topics
from contracts.events.fields import utc_text
from services.chassis.base.clock import version_after
from services.chassis.base.database import Connection, Pool
from services.chassis.outbox import outgoing
from services.chassis.outbox.outgoing import Outgoing
from services.chassis.projection.changes import PictureChange
from services.chassis.queue.fold_queue import LOW_PRIORITY
from services.chassis.service.purge import Rule, by_id
from services.notifications.domain.items import Delivery, Item, order

_ADD_FEEDS = """
INSERT INTO feed (party, sequence) SELECT party, 0 FROM unnest($1::text[]) AS u (party) ORDER BY 1
ON CONFLICT DO NOTHING
"""
LOCK_FEEDS: Final = "SELECT party, sequence FROM feed WHERE party = ANY($1::text[]) ORDER BY party FOR UPDATE"
_ADVANCE = """
UPDATE feed AS f SET sequence = u.sequence FROM unnest($1::text[], $2::bigint[]) AS u (party, sequence)
WHERE f.party = ANY($1) AND f.party = u.party
"""
_INSERT_ITEMS = """
INSERT INTO item (item, entity, subject, fact, content, late, traceparent, recorded_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::text[], $4::text[], $5::jsonb[], $6::boolean[], $7::text[],
                     $8::timestamptz[])
ON CONFLICT (item) DO NOTHING
"""
_INSERT_DELIVERIES = """
INSERT INTO delivery (party, sequence, previous_sequence, item, action, supersedes, alert)
SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::uuid[], $5::text[], $6::uuid[], $7::boolean[])
ON CONFLICT DO NOTHING
"""
# Below the first number that is not on its topic yet: whatever is shown has to survive a restore of the store.
_SENT = "coalesce((SELECT min(number) FROM outbox WHERE number IS NOT NULL), 9223372036854775807)"
CURSOR: Final = f"""
SELECT coalesce((SELECT CASE WHEN sequence < {_SENT} THEN sequence ELSE (
    SELECT sequence FROM delivery WHERE party = $1 AND sequence < {_SENT} ORDER BY sequence DESC LIMIT 1) END
    FROM feed WHERE party = $1), 0)
"""
_COLUMNS = "d.item, d.party, d.sequence, d.previous_sequence, d.action, d.supersedes, d.alert, i.*"
_ITEM = """
LATERAL (SELECT fact, subject, content::text AS content, late, recorded_at FROM item WHERE item = d.item OFFSET 0) AS i
"""
_FEED = f"""
SELECT {_COLUMNS}
FROM (SELECT * FROM delivery WHERE party = $1 AND sequence > $2 AND sequence < {_SENT}
      ORDER BY sequence LIMIT $3) AS d, {_ITEM} ORDER BY d.sequence
"""
_FEED_END = f"""
SELECT {_COLUMNS}
FROM (SELECT * FROM delivery WHERE party = $1 AND sequence < $3 AND sequence < {_SENT}
      ORDER BY sequence DESC LIMIT $2) AS d, {_ITEM} ORDER BY d.sequence
"""
PURGE_ITEMS: Final = by_id("item", 30)
# The oldest deliveries of each feed, as far as their items are gone.
PURGE_DELIVERIES: Final = Rule(
    "delivery",
    30,
    """
    DELETE FROM delivery WHERE ctid = ANY(ARRAY(
        SELECT d.ctid FROM feed AS f, LATERAL (
            SELECT ctid, item FROM delivery WHERE party = f.party ORDER BY sequence LIMIT $2) AS d
        WHERE $1::timestamptz IS NOT NULL AND NOT EXISTS (SELECT FROM item AS i WHERE i.item = d.item OFFSET 0)))
    """,
)


class Owed(NamedTuple):
    """An item with what its row has beside it; `news` is false for what a rebuild has redrawn."""

    item: Item
    entity: str
    late: bool
    traceparent: str | None
    recorded_at: datetime
    news: bool = True


class Numbered(NamedTuple):
    """A delivery with its number and the one before it in its feed, None for the first."""

    item: str
    delivery: Delivery
    sequence: int
    previous: int | None
    alert: bool


async def deliver(connection: Connection, changes: Sequence[PictureChange], late_after: timedelta) -> None:
    """Writes the items that changed pictures owe, with their deliveries and records; five statements at most."""
    # Numbers are given in the order of writing, which is that of a feed.
    pairs = sorted(((e, i) for e in changes for i in e.folded.rows), key=lambda p: order(p[1].content, p[1].fact))
    owed = [_owed(change, item, late_after) for change, item in pairs]
    if owed:
        numbered = await _number(connection, owed)
        await insert_items(connection, owed)
        await insert_deliveries(connection, [n for found in numbered for n in found])
        await outgoing.append(connection, [_record(o, n) for o, n in zip(owed, numbered, strict=True)])


async def insert_items(connection: Connection, owed: Sequence[Owed]) -> None:
    """Stores items, each once."""
    await connection.execute(
        _INSERT_ITEMS,
        [o.item.item for o in owed],
        [o.entity for o in owed],
        [o.item.subject for o in owed],
        [o.item.fact for o in owed],
        [orjson.dumps(o.item.content).decode() for o in owed],
        [o.late for o in owed],
        [o.traceparent for o in owed],
        [o.recorded_at for o in owed],
    )


async def insert_deliveries(connection: Connection, numbered: Sequence[Numbered]) -> None:
    """Stores deliveries; one that is there already stays as it is."""
    await connection.execute(
        _INSERT_DELIVERIES,
        [n.delivery.party for n in numbered],
        [n.sequence for n in numbered],
        [n.previous for n in numbered],
        [n.item for n in numbered],
        [n.delivery.action for n in numbered],
        [n.delivery.supersedes for n in numbered],
        [n.alert for n in numbered],
    )


async def lock_feeds(connection: Connection, parties: Sequence[str]) -> dict[str, int]:
    """Locks the feeds of sorted parties; returns their last numbers, 0 for a feed without any."""
    rows = await connection.fetch(LOCK_FEEDS, parties)
    if len(rows) < len(parties):
        await connection.execute(_ADD_FEEDS, parties)
        rows = await connection.fetch(LOCK_FEEDS, parties)
    return {row["party"]: row["sequence"] for row in rows}


async def read_feed(pool: Pool, party: str, after: int, limit: int) -> list[dict[str, Any]]:
    """Numbered items of a party behind a cursor, in order of their numbers."""
    return [item_json(row) for row in await pool.fetch(_FEED, party, after, limit)]


async def read_feed_end(pool: Pool, party: str, count: int, before: int) -> list[dict[str, Any]]:
    """The newest items of a party with numbers below `before`, in order of their numbers."""
    return [item_json(row) for row in await pool.fetch(_FEED_END, party, count, before)]


async def read_cursor(pool: Pool, party: str) -> int:
    """The number of the newest item of a party that is shown."""
    found: int = await pool.fetchval(CURSOR, party)
    return found


def item_json(row: asyncpg.Record) -> dict[str, Any]:
    """An item as `contracts.events.notifications.NotificationPublished`."""
    shown: dict[str, Any] = {
        "item": str(row["item"]),
        "party": row["party"],
        "sequence": row["sequence"],
        "previous_sequence": row["previous_sequence"],
        "action": row["action"],
        "supersedes": str(row["supersedes"]) if row["supersedes"] else None,
        "fact": row["fact"],
        "recorded_at": utc_text(row["recorded_at"]),
        "alert": None if row["alert"] else False,
        "late": row["late"] or None,
        **orjson.loads(row["content"]),
    }
    return {name: value for name, value in shown.items() if value is not None}


async def _number(connection: Connection, owed: Sequence[Owed]) -> list[list[Numbered]]:
    """The deliveries of each item with the next numbers of their feeds."""
    parties = sorted({d.party for o in owed for d in o.item.deliveries})
    last = await lock_feeds(connection, parties)
    numbered = [[_next(last, o, d) for d in o.item.deliveries] for o in owed]
    await connection.execute(_ADVANCE, list(last), list(last.values()))
    return numbered


def _next(last: dict[str, int], owed: Owed, one: Delivery) -> Numbered:
    previous = last[one.party]
    last[one.party] = version_after(previous)
    alert = owed.item.alert and owed.news and one.action != "backfill"
    return Numbered(owed.item.item, one, last[one.party], previous or None, alert)


def _owed(change: PictureChange, item: Item, late_after: timedelta) -> Owed:
    # What is queued behind everything else, and all that follows from it, is no news: rebuilds, and changed parties.
    instant: str | None = item.content.get("instant")
    late = instant is not None and change.recorded_at - datetime.fromisoformat(instant) > late_after
    news = change.row.priority < LOW_PRIORITY
    return Owed(item, change.subject, late, change.row.traceparent, change.recorded_at, news)


def _record(owed: Owed, numbered: Sequence[Numbered]) -> Outgoing:
    item = owed.item
    shown = {"item": item.item, "fact": item.fact, "recorded_at": utc_text(owed.recorded_at), **item.content}
    body = {name: value for name, value in shown.items() if value is not None} | ({"late": True} if owed.late else {})
    return Outgoing(
        topics.NOTIFICATIONS.name,
        item.subject,
        item.item,
        catalogue.NOTIFICATION,
        item.subject,
        orjson.dumps(body),
        owed.traceparent,
        # Numbers leave in order, so all feeds are one line.
        line="feeds",
        addresses=[(topics.NOTIFICATIONS.of(n.delivery.party), dict(_members(n))) for n in numbered],
        number=min(n.sequence for n in numbered),
    )


def _members(one: Numbered) -> Iterator[tuple[str, Any]]:
    """What a record says to one party alone."""
    yield "party", one.delivery.party
    yield "sequence", one.sequence
    if one.previous is not None:
        yield "previous_sequence", one.previous
    yield "action", one.delivery.action
    if one.delivery.supersedes is not None:
        yield "supersedes", one.delivery.supersedes
    if not one.alert:
        yield "alert", False
