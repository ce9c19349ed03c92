"""The outbox: what is to be sent, written in the transaction that decided it.

Invariant: whoever appends rows of a key holds the lock on what the key stands for, so that ids of one key rise
in the order of its versions.
"""

import zlib
from collections.abc import Sequence
from typing import Final, NamedTuple

from services.chassis.base.database import Connection

SHARDS = 8
CAUSED_BY: Final = "corridor-party"
"""The header of a record of our internal topics that says whose report has caused it."""

_APPEND = """
INSERT INTO outbox (shard, topic, key, ce_id, ce_type, ce_subject, traceparent, body, party)
SELECT * FROM unnest($1::smallint[], $2::text[], $3::text[], $4::text[], $5::text[], $6::text[], $7::text[],
                     $8::bytea[], $9::text[])
"""


class Outgoing(NamedTuple):
    """One record to send in binary mode; `id` is unique for the sending service.

    Records are sent in order within their `line`, which is the key unless something else has to stay in order. `party`
    is whose report has caused it, "" where none has or nobody is to know.
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
    )
