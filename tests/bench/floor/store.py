"""A service's store: what was read, how far, and what has still to be sent.

Invariant: what a batch of records leaves is one transaction, with the position behind it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import asyncpg

SCHEMA = """
CREATE TABLE IF NOT EXISTS position (
    topic text, partition integer, next_offset bigint NOT NULL, PRIMARY KEY (topic, partition));
CREATE TABLE IF NOT EXISTS report (
    topic text, id text, subject text NOT NULL, body bytea NOT NULL, PRIMARY KEY (topic, id));
CREATE TABLE IF NOT EXISTS entity (key text PRIMARY KEY, body bytea NOT NULL);
CREATE TABLE IF NOT EXISTS item (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, parties text[] NOT NULL, subject text NOT NULL,
    body bytea NOT NULL);
CREATE TABLE IF NOT EXISTS outbox (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, topics text[] NOT NULL, key text NOT NULL, body bytea NOT NULL);
"""
_POSITIONS = "SELECT topic, partition, next_offset FROM position"
_MOVE = """
INSERT INTO position SELECT * FROM unnest($1::text[], $2::int[], $3::bigint[])
ON CONFLICT (topic, partition) DO UPDATE SET next_offset = excluded.next_offset
"""
_REPORTS = """
INSERT INTO report SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::bytea[]) ON CONFLICT DO NOTHING
"""
_ENTITIES = """
INSERT INTO entity SELECT * FROM unnest($1::text[], $2::bytea[])
ON CONFLICT (key) DO UPDATE SET body = excluded.body
"""
_ITEMS = "INSERT INTO item (parties, subject, body) SELECT $1::text[], * FROM unnest($2::text[], $3::bytea[])"
_PUBLISH = """
INSERT INTO outbox (topics, key, body)
SELECT string_to_array(t, ','), k, b FROM unnest($1::text[], $2::text[], $3::bytea[]) AS u (t, k, b)
"""
_PAGE = "SELECT id, topics, key, body FROM outbox ORDER BY id LIMIT 500"
_SENT = "DELETE FROM outbox WHERE id = ANY($1::bigint[])"
_FEED = "SELECT id, body FROM item WHERE id > $1 AND $2 = ANY(parties) ORDER BY id LIMIT 500"
_LAST = "SELECT coalesce(max(id), 0) FROM item"


@dataclass
class Batch:
    """What one batch of records leaves in the store."""

    positions: Mapping[tuple[str, int], int]
    reports: list[tuple[str, str, str, bytes]] = field(default_factory=list)
    entities: dict[str, bytes] = field(default_factory=dict)
    items: list[tuple[str, bytes]] = field(default_factory=list)
    outgoing: list[tuple[str, str, bytes]] = field(default_factory=list)
    """Topics, joined by commas; key; body."""


async def open_store(url: str) -> asyncpg.Pool[asyncpg.Record]:
    """A pool on a database that has the tables."""
    pool: asyncpg.Pool[asyncpg.Record] = await asyncpg.create_pool(url, min_size=1, max_size=8)
    await pool.execute(SCHEMA)
    return pool


async def positions(pool: asyncpg.Pool[asyncpg.Record]) -> dict[tuple[str, int], int]:
    """The next offset of each partition that was read."""
    return {(row["topic"], row["partition"]): row["next_offset"] for row in await pool.fetch(_POSITIONS)}


async def save(pool: asyncpg.Pool[asyncpg.Record], batch: Batch, audience: Sequence[str]) -> None:
    """Stores a batch and its position together."""
    async with pool.acquire() as connection, connection.transaction():
        places = [(topic, partition, offset) for (topic, partition), offset in batch.positions.items()]
        await connection.execute(_MOVE, *zip(*places, strict=True))
        if batch.reports:
            await connection.execute(_REPORTS, *zip(*batch.reports, strict=True))
        if batch.entities:
            await connection.execute(_ENTITIES, list(batch.entities), list(batch.entities.values()))
        if batch.items:
            await connection.execute(_ITEMS, list(audience), *zip(*batch.items, strict=True))
        if batch.outgoing:
            await connection.execute(_PUBLISH, *zip(*batch.outgoing, strict=True))


async def page(pool: asyncpg.Pool[asyncpg.Record]) -> list[Any]:
    """What is to be sent next, in order."""
    return list(await pool.fetch(_PAGE))


async def sent(pool: asyncpg.Pool[asyncpg.Record], rows: Sequence[Any]) -> None:
    """Forgets what was sent."""
    await pool.execute(_SENT, [row["id"] for row in rows])


async def feed(pool: asyncpg.Pool[asyncpg.Record], party: str, behind: int) -> list[Any]:
    """A party's items behind a number, in order."""
    return list(await pool.fetch(_FEED, behind, party))


async def last_item(pool: asyncpg.Pool[asyncpg.Record]) -> int:
    """The number of the newest item."""
    return int(await pool.fetchval(_LAST))
