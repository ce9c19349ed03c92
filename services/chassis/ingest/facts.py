"""Stores accepted records: heads, events, replicas, links; says which subjects are to be folded because of them.

Invariant: a revision is stored once, whatever the order and repetition of deliveries. Heads are locked in sorted order,
and a fixed number of statements serves any batch.
"""

from collections import Counter
from collections.abc import Container, Mapping, Sequence
from datetime import datetime
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from contracts.refusal import Refused, refused
from services.chassis.base.database import Connection
from services.chassis.ingest.records import Accepted, Coordinates, Rejected, caused_by, coordinates, reject_event
from services.chassis.queue.fold_queue import LOW_PRIORITY, Cause

MOST_REVISIONS: Final = 200
"""Revisions that one identity may have."""

# Locks the identity, keeps its first type, and returns its newest revision before this batch (null: none).
_LOCK_HEADS = """
INSERT INTO head AS h (source, event_id, type, subject, updated_at, content_hash, revisions)
SELECT source, event_id, type, subject, updated_at, content_hash, records
FROM unnest($1::text[], $2::text[], $3::text[], $4::text[], $5::timestamptz[], $6::bytea[], $7::int[])
    AS u (source, event_id, type, subject, updated_at, content_hash, records) ORDER BY 1, 2
ON CONFLICT (source, event_id) DO UPDATE SET
    subject = CASE WHEN EXCLUDED.type = h.type AND EXCLUDED.updated_at > h.updated_at
        THEN EXCLUDED.subject ELSE h.subject END,
    content_hash = CASE WHEN EXCLUDED.type = h.type AND EXCLUDED.updated_at > h.updated_at
        THEN EXCLUDED.content_hash ELSE h.content_hash END,
    updated_at = CASE WHEN EXCLUDED.type = h.type
        THEN greatest(EXCLUDED.updated_at, h.updated_at) ELSE h.updated_at END,
    revisions = h.revisions + EXCLUDED.revisions
RETURNING new.source, new.event_id, new.type, old.updated_at AS known_at, old.content_hash AS known_hash, new.revisions
"""
_INSERT_EVENTS = """
INSERT INTO event (source, event_id, content_hash, type, subject, party, standing, updated_at, retracted, body,
                   topic, partition, "offset", received_at, recorded_at)
SELECT *, $15::timestamptz
FROM unnest($1::text[], $2::text[], $3::bytea[], $4::text[], $5::text[], $6::text[], $7::text[], $8::timestamptz[],
            $9::boolean[], $10::bytea[], $11::text[], $12::int[], $13::bigint[], $14::timestamptz[])
ON CONFLICT DO NOTHING
RETURNING source, event_id, content_hash
"""
_REPLACE_REPLICAS = """
INSERT INTO replica AS r (entity, type, version, body)
SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[], $4::bytea[]) AS u (entity, type, version, body) ORDER BY 1
ON CONFLICT (entity) DO UPDATE SET type = EXCLUDED.type, version = EXCLUDED.version, body = EXCLUDED.body
WHERE EXCLUDED.version > r.version
RETURNING entity
"""
_INSERT_LINKS = """
INSERT INTO link (subject, reads, source, event_id)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::text[]) ORDER BY 1, 3, 4, 2
ON CONFLICT DO NOTHING
RETURNING subject, reads, event_id
"""
_LINKED = """
SELECT DISTINCT u.subject FROM unnest($1::text[], $2::text[]) AS u (subject, reads)
WHERE u.reads <> '' AND NOT EXISTS (
    SELECT FROM link AS l WHERE l.reads = u.reads AND l.reads <> '' AND l.subject = u.subject OFFSET 0)
"""
# A revision is also news to the subjects that earlier revisions named.
_NAMED_BEFORE = """
SELECT DISTINCT l.subject
FROM unnest($1::text[], $2::text[]) AS u (source, event_id), LATERAL (
    SELECT subject FROM link WHERE source = u.source AND event_id = u.event_id OFFSET 0) AS l
"""
# A revision that was refused after all must not stay the head.
_PUT_HEADS_BACK = """
UPDATE head AS h SET updated_at = e.updated_at, content_hash = e.content_hash, subject = e.subject
FROM unnest($1::text[], $2::text[]) AS u (source, event_id), LATERAL (
    SELECT updated_at, content_hash, subject FROM event
    WHERE source = u.source AND event_id = u.event_id ORDER BY updated_at DESC LIMIT 1) AS e
WHERE h.source = ANY($1) AND h.source = u.source AND h.event_id = u.event_id
"""
_KNOWN_REVISIONS = """
SELECT e.* FROM unnest($1::text[], $2::text[]) AS u (source, event_id), LATERAL (
    SELECT source, event_id, content_hash FROM event
    WHERE source = u.source AND event_id = u.event_id OFFSET 0) AS e
"""


class Head(NamedTuple):
    """The type of an identity, and its newest revision before this batch, if any.

    `records` is how many records of it have arrived, including repeats and this batch.
    """

    type: str
    known_at: datetime | None
    known_hash: bytes | None
    records: int


class Kept(NamedTuple):
    """The result of storing accepted records: the fresh ones, those refused after all, and the subjects to be folded.

    `superseded` has the places of fresh ones that are older than an earlier read revision, with its `updated_at`.
    """

    fresh: Sequence[Accepted] = ()
    refused: Sequence[Rejected] = ()
    named: Mapping[str, Cause] = MappingProxyType({})
    superseded: Mapping[Coordinates, datetime] = MappingProxyType({})


async def insert_events(connection: Connection, accepted: Sequence[Accepted], recorded_at: datetime) -> Kept:
    """Stores the fresh revisions; refuses those that change the type of their identity or exceed its revisions."""
    heads = await _lock_heads(connection, accepted)
    same_type = [a for a in accepted if heads[a.identity].type == a.event.type]
    over = await _over_budget(connection, same_type, heads)
    same_type = [a for a in same_type if a not in over]
    unknown = {(a.identity, a.event.content_hash): a for a in reversed(same_type) if not _is_known(a, heads)}
    fresh = await _insert_events(connection, list(reversed(unknown.values())), recorded_at)
    if over:
        identities = sorted({a.identity for a in over})
        await connection.execute(_PUT_HEADS_BACK, [s for s, _ in identities], [e for _, e in identities])
    changed = [a for a in accepted if heads[a.identity].type != a.event.type]
    named = await _link_reports(connection, fresh, [a for a in fresh if heads[a.identity].known_hash is not None])
    refused_later = [*(_type_changed(a, heads[a.identity].type) for a in changed), *map(_too_many, over)]
    return Kept(fresh, refused_later, named, _superseded(same_type, heads))


async def replace_replicas(connection: Connection, accepted: Sequence[Accepted]) -> Kept:
    """Replaces the rows of entities by higher versions; the records that replaced one are the fresh ones."""
    newest: dict[str, Accepted] = {}
    for one in accepted:
        held = newest.get(one.event.subject)
        if held is None or one.version > held.version:
            newest[one.event.subject] = one
    records = list(newest.values())
    rows = await connection.fetch(
        _REPLACE_REPLICAS,
        [a.event.subject for a in records],
        [a.event.type for a in records],
        [a.version for a in records],
        [a.event.body for a in records],
    )
    entities = {row["entity"] for row in rows}
    fresh = [a for a in records if a.event.subject in entities]
    news = {a.event.subject for a in accepted if not getattr(a.event.data, "redrawn", False)}
    return Kept(fresh, named=await _link_entities(connection, fresh, entities - news))


def _newest(accepted: Sequence[Accepted]) -> list[Accepted]:
    """The newest revision of each identity, among those of its first type in the batch."""
    newest: dict[tuple[str, str], Accepted] = {}
    for one in accepted:
        held = newest.setdefault(one.identity, one)
        if held.event.type == one.event.type and held.updated_at < one.updated_at:
            newest[one.identity] = one
    return list(newest.values())


def _is_known(one: Accepted, heads: Mapping[tuple[str, str], Head]) -> bool:
    return heads[one.identity].known_hash == one.event.content_hash


async def _over_budget(
    connection: Connection, accepted: Sequence[Accepted], heads: Mapping[tuple[str, str], Head]
) -> list[Accepted]:
    """The new revisions beyond `MOST_REVISIONS` of their identity: every fold reads all revisions."""
    suspects = sorted({a.identity for a in accepted if heads[a.identity].records > MOST_REVISIONS})
    if not suspects:
        return []
    rows = await connection.fetch(_KNOWN_REVISIONS, [s for s, _ in suspects], [e for _, e in suspects])
    known: dict[tuple[str, str], set[bytes]] = {identity: set() for identity in suspects}
    for row in rows:
        known[row["source"], row["event_id"]].add(row["content_hash"])
    over = []
    for one in accepted:
        has = known.get(one.identity)
        if has is None or one.event.content_hash in has:
            continue
        if len(has) >= MOST_REVISIONS:
            over.append(one)
        else:
            has.add(one.event.content_hash)
    return over


def _superseded(accepted: Sequence[Accepted], heads: Mapping[tuple[str, str], Head]) -> dict[Coordinates, datetime]:
    """The places of records older than an earlier read revision of their identity, with its `updated_at`."""
    newest = {identity: head.known_at for identity, head in heads.items()}
    found: dict[Coordinates, datetime] = {}
    for one in accepted:
        stands = newest[one.identity]
        if stands is not None and one.updated_at < stands:
            found[coordinates(one.record)] = stands
        else:
            newest[one.identity] = one.updated_at
    return found


async def _lock_heads(connection: Connection, accepted: Sequence[Accepted]) -> dict[tuple[str, str], Head]:
    records, numbers = _newest(accepted), Counter(a.identity for a in accepted)
    rows = await connection.fetch(
        _LOCK_HEADS,
        [a.event.source for a in records],
        [a.event.id for a in records],
        [a.event.type for a in records],
        [a.event.subject for a in records],
        [a.updated_at for a in records],
        [a.event.content_hash for a in records],
        [numbers[a.identity] for a in records],
    )
    return {(r["source"], r["event_id"]): Head(r["type"], r["known_at"], r["known_hash"], r["revisions"]) for r in rows}


async def _insert_events(connection: Connection, records: Sequence[Accepted], recorded_at: datetime) -> list[Accepted]:
    if not records:
        return []
    columns = zip(*(_columns(a) for a in records), strict=True)
    rows = await connection.fetch(_INSERT_EVENTS, *map(list, columns), recorded_at)
    stored = {((r["source"], r["event_id"]), r["content_hash"]) for r in rows}
    return [a for a in records if (a.identity, a.event.content_hash) in stored]


def _columns(one: Accepted) -> tuple[Any, ...]:
    event, record = one.event, one.record
    return (
        event.source,
        event.id,
        event.content_hash,
        event.type,
        event.subject,
        one.party,
        one.standing,
        one.updated_at,
        one.revision.retracted,
        event.body,
        record.topic,
        record.partition,
        record.offset,
        one.received_at,
    )


async def _link_reports(
    connection: Connection, fresh: Sequence[Accepted], known: Sequence[Accepted]
) -> Mapping[str, Cause]:
    """Writes the links of fresh revisions; returns the subjects that these and earlier revisions of them name."""
    causes = {subject: Cause(a.event.traceparent, 0, a.party) for a in reversed(fresh) for subject, _ in a.links}
    if known:
        before = sorted({a.identity for a in known})
        rows = await connection.fetch(_NAMED_BEFORE, [s for s, _ in before], [e for _, e in before])
        # A subject that is folded because of a party's correction counts as that party's.
        causes = dict.fromkeys((row["subject"] for row in rows), Cause(party=known[0].party)) | causes
    links = sorted({(subject, reads, *a.identity) for a in fresh for subject, reads in a.links})
    if not links:
        return causes
    columns = [list(column) for column in zip(*links, strict=True)]
    linked = {row["subject"] for row in await connection.fetch(_LINKED, *columns[:2])} if any(columns[1]) else set()
    await connection.execute(_INSERT_LINKS, *columns)
    return {subject: cause._replace(linked=subject in linked) for subject, cause in causes.items()}


async def _link_entities(
    connection: Connection, fresh: Sequence[Accepted], redrawn: Container[str]
) -> Mapping[str, Cause]:
    """Writes the new links of fresh entities; returns these, and the subjects that they name for the first time.

    Whoever was named before reads the entity by its shared state, and is folded when that changes.
    """
    links = sorted({(s, reads, a.record.topic, a.event.subject) for a in fresh for s, reads in a.links})
    if not links:
        return {}
    columns = [list(column) for column in zip(*links, strict=True)]
    new: dict[str, dict[str, bool]] = {}
    for row in await connection.fetch(_INSERT_LINKS, *columns):
        named = new.setdefault(row["event_id"], {})
        named[row["subject"]] = named.get(row["subject"], False) or bool(row["reads"])
    causes: dict[str, Cause] = {}
    for one in sorted(fresh, key=lambda a: a.event.subject in redrawn, reverse=True):
        entity = one.event.subject
        cause = Cause(one.event.traceparent, LOW_PRIORITY if entity in redrawn else 0, caused_by(one.record))
        own = {entity: False} if any(subject == entity for subject, _ in one.links) else {}
        for subject, linked in (own | new.get(entity, {})).items():
            before = causes.get(subject)
            causes[subject] = cause._replace(linked=linked or (before is not None and before.linked))
    return causes


def _type_changed(one: Accepted, known: str) -> Rejected:
    return _refused(one, refused("type_changed", "$.type", f"this id was first sent as {known}; use a new id"))


def _too_many(one: Accepted) -> Rejected:
    return _refused(one, refused("over_budget", "$.id", f"an id has at most {MOST_REVISIONS} revisions; use a new id"))


def _refused(one: Accepted, refusal: Refused) -> Rejected:
    return reject_event(one.record, one.party, one.event, refusal)
