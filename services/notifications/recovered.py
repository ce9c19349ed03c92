"""What a store that was put back has sent to parties, taken from their topics again.

Invariant: afterwards each feed has all its items under the numbers that they were sent under, and each entity knows
which item every party has last of each of its facts.
"""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import orjson

from contracts import topics
from contracts.envelope.codec import Event
from services.chassis.base.database import Connection
from services.chassis.projection import pictures
from services.chassis.projection.book import json_of
from services.chassis.recovery.published_state import queue_recovered
from services.notifications import feeds
from services.notifications.domain import items, stored
from services.notifications.domain.items import Delivery, recovered
from services.notifications.feeds import Numbered, Owed

_NUMBERED = """
SELECT d.party, d.sequence FROM unnest($1::text[], $2::bigint[]) AS u (party, sequence), LATERAL (
    SELECT party, sequence FROM delivery WHERE party = u.party AND sequence = u.sequence OFFSET 0) AS d
"""
_ADVANCE = """
UPDATE feed AS f SET sequence = greatest(f.sequence, u.sequence)
FROM (SELECT party, max(sequence) AS sequence FROM unnest($1::text[], $2::bigint[]) AS u (party, sequence)
      GROUP BY party) AS u
WHERE f.party = ANY($1) AND f.party = u.party
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
    """The items that their party's feed does not have, each once, in order of their numbers."""
    found = {(item["party"], int(item["sequence"])): (item, e) for e in events for item in [orjson.loads(e.body)]}
    # Nobody gives numbers while these feeds are locked.
    await feeds.lock_feeds(connection, sorted({party for party, _ in found}))
    rows = await connection.fetch(_NUMBERED, [party for party, _ in found], [sequence for _, sequence in found])
    known = {(row["party"], row["sequence"]) for row in rows}
    return [found[key] for key in sorted(found, key=lambda key: key[1]) if key not in known]


async def _insert(connection: Connection, found: Sequence[tuple[Item, Event]]) -> None:
    await feeds.insert_items(connection, [_owed(item, event) for item, event in found])
    await feeds.insert_deliveries(connection, [_numbered(item) for item, _ in found])
    await connection.execute(_ADVANCE, [i["party"] for i, _ in found], [i["sequence"] for i, _ in found])


def _owed(item: Item, event: Event) -> Owed:
    one = items.Item(item["item"], item["subject"], item["fact"], _content(item), ())
    recorded_at = datetime.fromisoformat(item["recorded_at"])
    return Owed(one, _entity(item), item.get("late", False), event.traceparent, recorded_at)


def _numbered(item: Item) -> Numbered:
    delivery = Delivery(item["party"], item["action"], item.get("supersedes"))
    return Numbered(item["item"], delivery, item["sequence"], item.get("previous_sequence"), item.get("alert", True))


async def _remember(connection: Connection, found: Sequence[Item]) -> None:
    by_entity: dict[str, list[Item]] = {}
    for item in found:
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
