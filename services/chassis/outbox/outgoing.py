"""The outbox: records to send, written in the transaction that decided them.

Invariant: a transaction that appends rows of a key holds the lock on the subject of that key, so that the ids of one
key rise in the order of its versions.
"""

import zlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Final, NamedTuple

import asyncpg
import orjson

from services.chassis.base.database import Connection

SHARDS = 8
CAUSED_BY: Final = "corridor-party"
"""The header of records of our internal topics that names the party whose report caused them."""

_APPEND = """
INSERT INTO outbox (shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, party, addresses, number)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::bytea[], $9::text[], $10::jsonb[], $11::bigint[])
"""


class Outgoing(NamedTuple):
    """One record to send in the binary mode of CloudEvents; `id` is unique for the sending service.

    `line` is the ordering key: records with the same one are sent in order; None means the record's own key. `party`
    is the sender of the report that caused the record, "" for none or where it must not be named.

    With `addresses` the record goes to several topics: each is a topic with the members that the body has there beside
    those that it has everywhere. `number` is the lowest number of a feed in it, until it has been sent.
    """

    topic: str
    key: str
    id: str
    type: str
    subject: str
    body: bytes
    traceparent: str | None = None
    line: str | None = None
    party: str = ""
    addresses: Sequence[tuple[str, Mapping[str, Any]]] = ()
    number: int | None = None


def shard_of(key: str) -> int:
    """Which relay shard sends the records of a key."""
    return zlib.crc32(key.encode()) % SHARDS


async def append(connection: Connection, records: Sequence[Outgoing]) -> None:
    """Adds records in the order given; one statement."""
    if not records:
        return
    await connection.execute(
        _APPEND,
        [shard_of(r.line or r.key) for r in records],
        [r.topic for r in records],
        [r.key for r in records],
        [r.id for r in records],
        [r.type for r in records],
        [r.subject for r in records],
        [r.traceparent for r in records],
        [r.body for r in records],
        [r.party for r in records],
        [orjson.dumps(r.addresses).decode() if r.addresses else None for r in records],
        [r.number for r in records],
    )


def copies_of(row: asyncpg.Record) -> Iterator[tuple[str, bytes]]:
    """The topic and body of each record that an outbox row stands for."""
    if row["addresses"] is None:
        yield row["topic"], row["body"]
        return
    for topic, members in orjson.loads(row["addresses"]):
        yield topic, joined(orjson.dumps(members), row["body"])


def joined(first: bytes, second: bytes) -> bytes:
    """Merges two non-empty JSON objects into one, without parsing them."""
    return first[:-1] + b"," + second[1:]
