"""What a store that was put back has sent to parties, taken from their topics again.

Invariant: afterwards each feed has all its items under the numbers that they were sent under, and each entity knows
which item every party has last of each of its facts.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final

import orjson

from contracts import topics
from contracts.envelope.codec import Event
from services.chassis.base.database import Connection
from services.chassis.projection import pictures
from services.chassis.projection.book import json_of
from services.chassis.recovery.published_state import queue_recovered
from services.notifications.domain import stored
from services.notifications.domain.items import recovered
from services.notifications.store import shard_of

_LAST = "SELECT FROM feed WHERE party = ANY($1::text[]) ORDER BY party FOR UPDATE"
_NUMBERED = "SELECT item FROM item WHERE item = ANY($1::uuid[]) AND sequence IS NOT NULL"
# An item that was there without a number gets the one that it was sent under.
_INSERT = """
INSERT INTO item AS i (item, party, shard, sequence, previous_sequence, entity, subject, fact, action, supersedes,
                       content, alert, late, traceparent, recorded_at)
SELECT * FROM unnest($1::uuid[], $2::text[], $3::smallint[], $4::bigint[], $5::bigint[], $6::text[], $7::text[],
    $8::text[], $9::text[], $10::uuid[], $11::jsonb[], $12::boolean[], $13::boolean[], $14::text[],
    $15::text[]::timestamptz[])
ON CONFLICT (item) DO UPDATE SET sequence = EXCLUDED.sequence, previous_sequence = EXCLUDED.previous_sequence
WHERE i.sequence IS NULL
"""
_KEEP_LAST = """
INSERT INTO feed AS f (party, sequence) SELECT party, max(sequence) FROM unnest($1::text[], $2::bigint[])
    AS u (party, sequence) GROUP BY party
ON CONFLICT (party) DO UPDATE SET sequence = greatest(f.sequence, EXCLUDED.sequence)
"""
_REMEMBER = """
UPDATE picture AS p SET memory = u.memory::jsonb
FROM unnest($1::text[], $2::text[]) AS u (subject, memory)
WHERE p.subject = ANY($1) AND p.subject = u.subject
"""
# What an item has beside its content.
_OWN: Final = frozenset(
    {"item", "party", "sequence", "previous_sequence", "action", "supersedes", "fact", "recorded_at", "alert", "late"}
)

Item = Mapping[str, Any]


class Feeds:
    """The feeds of all parties, on their topics."""

    topics = (topics.NOTIFICATIONS,)

    async def is_current(self, connection: Connection, events: Sequence[Event]) -> bool:
        """Whether the feeds have these items."""
        return not await _unknown(connection, events)

    async def restore(self, connection: Connection, events: Sequence[Event]) -> int:
        """Puts items into feeds that do not have them, and into the memory of their entities."""
        found = await _unknown(connection, events)
        if found:
            await _insert(connection, found)
            await _remember(connection, [item for item, _ in found])
        return len(found)


async def _unknown(connection: Connection, events: Sequence[Event]) -> list[tuple[Item, Event]]:
    """The items that have no number in the store, each once, in order of their numbers."""
    found = {item["item"]: (item, event) for event in events for item in [orjson.loads(event.body)]}
    parties = sorted({item["party"] for item, _ in found.values()})
    # Nobody numbers or purges while these rows are held.
    await connection.fetch(_LAST, parties)
    known = {str(row["item"]) for row in await connection.fetch(_NUMBERED, list(found))}
    return sorted(
        (pair for name, pair in found.items() if name not in known), key=lambda pair: int(pair[0]["sequence"])
    )


async def _insert(connection: Connection, found: Sequence[tuple[Item, Event]]) -> None:
    items = [item for item, _ in found]
    await connection.execute(
        _INSERT,
        [i["item"] for i in items],
        [i["party"] for i in items],
        [shard_of(i["party"]) for i in items],
        [i["sequence"] for i in items],
        [i.get("previous_sequence") for i in items],
        [_entity(i) for i in items],
        [i["subject"] for i in items],
        [i["fact"] for i in items],
        [i["action"] for i in items],
        [i.get("supersedes") for i in items],
        [orjson.dumps(_content(i)).decode() for i in items],
        [i.get("alert", True) for i in items],
        [i.get("late", False) for i in items],
        [event.traceparent for _, event in found],
        [i["recorded_at"] for i in items],
    )
    await connection.execute(_KEEP_LAST, [i["party"] for i in items], [i["sequence"] for i in items])


async def _remember(connection: Connection, items: Sequence[Item]) -> None:
    by_entity: dict[str, list[Item]] = {}
    for item in items:
        by_entity.setdefault(_entity(item), []).append(item)
    held = await pictures.lock(connection, sorted(by_entity))
    memories = []
    for one in held:
        given = stored.read_memory(orjson.loads(one.memory) if one.memory else None)
        for item in by_entity[one.subject]:
            given[item["fact"]] = recovered(given.get(item["fact"]), item, _content(item))
        memories.append(json_of(stored.write_memory(given)).decode())
    subjects = [one.subject for one in held]
    await connection.execute(_REMEMBER, subjects, memories)
    await queue_recovered(connection, subjects)


def _entity(item: Item) -> str:
    """The entity that a fact is of, by the way in which facts are named."""
    fact = str(item["fact"])
    if item["topic"] == "milestone":
        return fact.partition("|")[0]
    if item["topic"] == "customs" and "|" in fact:
        return f"{fact.partition('|')[0]}#involved"
    return fact


def _content(item: Item) -> dict[str, Any]:
    return {name: value for name, value in item.items() if name not in _OWN}
