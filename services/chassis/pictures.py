"""The statements of settle: the queue, the pictures and the facts that they are folded from.

Invariant: a round uses each statement at most once, whatever the number of its subjects. Pictures are locked
in sorted order before their facts are read, so the second of two folders sees what the first one saw.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any, Final, NamedTuple

import orjson

from services.chassis.clock import machinery_now
from services.chassis.database import Connection, OwnConnection, Pool
from services.chassis.fold import Inputs, Replica, StoredRevision
from services.chassis.mark import knows_itself

REPUBLISH: Final = "republish"
BEHIND: Final = 10
"""The priority of what is no news: rebuilds, republication, and all that follows from them."""

# A plan that was made while a table was empty has to do as well when it is full. So rows are chosen in an array, or
# they would be chosen once for each row; what is joined is looked up by `LATERAL ... OFFSET 0`, or it would be read
# whole; and what is updated from arrays is named by one of them as well.
_DUE = "(not_before IS NULL OR not_before <= $2)"
# A page is shared out among the parties whose reports wait, so that nobody waits for the end of another one's queue.
# Whatever else is queued of its subjects comes along, so that each is folded once for all of it.
_TAKE = f"""
WITH RECURSIVE turn (priority, party) AS (
    (SELECT priority, party FROM unsettled ORDER BY priority, party LIMIT 1)
    UNION ALL
    SELECT next.priority, next.party FROM turn AS t, LATERAL (
        SELECT priority, party FROM unsettled WHERE (priority, party) > (t.priority, t.party)
        ORDER BY priority, party LIMIT 1) AS next),
share AS (SELECT priority, party, greatest($1 / count(*) OVER (PARTITION BY priority), 1) AS most FROM turn)
DELETE FROM unsettled WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM unsettled WHERE {_DUE} AND subject = ANY(ARRAY(
        SELECT page.subject FROM share AS s, LATERAL (
            SELECT id, subject FROM unsettled
            WHERE priority = s.priority AND party = s.party AND {_DUE} AND {knows_itself("$3")}
            ORDER BY id LIMIT s.most FOR UPDATE SKIP LOCKED) AS page
        ORDER BY s.priority, page.id LIMIT $1))
    FOR UPDATE SKIP LOCKED))
RETURNING subject, expand, cause, traceparent, attempts, priority, party
"""
_LOCK = """
SELECT subject, version, recorded_at, content_hash, shared_hash, memory, published, parked, due, fold, data
FROM picture WHERE subject = ANY($1::text[]) ORDER BY subject FOR UPDATE
"""
_ADD = """
INSERT INTO picture (subject) SELECT * FROM unnest($1::text[]) AS u (subject) ORDER BY 1 ON CONFLICT DO NOTHING
"""
_REVISIONS = """
SELECT l.subject AS named, e.*
FROM (SELECT DISTINCT subject, source, event_id FROM link WHERE subject = ANY($1::text[])) AS l, LATERAL (
    SELECT source, event_id, content_hash, type, subject, party, standing, updated_at, retracted, body,
           received_at
    FROM event WHERE source = l.source AND event_id = l.event_id OFFSET 0) AS e
"""
_REPLICAS = """
SELECT l.subject AS named, r.*
FROM (SELECT DISTINCT subject, event_id FROM link WHERE subject = ANY($1::text[]) AND source = ANY($2::text[])) AS l,
    LATERAL (SELECT entity, type, version, body FROM replica WHERE entity = l.event_id OFFSET 0) AS r
"""
_SHARED = """
SELECT l.subject AS named, p.*
FROM (SELECT DISTINCT subject, reads FROM link WHERE subject = ANY($1::text[]) AND reads <> '') AS l, LATERAL (
    SELECT subject, CASE WHEN shared ? 'parts'
        THEN shared - 'parts' || jsonb_build_object('part', shared -> 'parts' -> l.subject) ELSE shared END AS shared
    FROM picture WHERE subject = l.reads AND shared IS NOT NULL OFFSET 0) AS p
"""
_SAVE = """
UPDATE picture AS p SET
    version = u.version, recorded_at = u.recorded_at,
    content = coalesce(u.content::jsonb, p.content), content_hash = u.content_hash,
    shared = CASE WHEN u.shared_changed THEN u.shared::jsonb ELSE p.shared END, shared_hash = u.shared_hash,
    memory = u.memory::jsonb, published = u.published::jsonb, parked = u.parked::jsonb, due = u.due,
    sent_at = CASE WHEN u.sent THEN $14 ELSE p.sent_at END, fold = $15, data = $16
FROM unnest($1::text[], $2::bigint[], $3::timestamptz[], $4::text[], $5::bytea[], $6::boolean[], $7::text[],
            $8::bytea[], $9::text[], $10::text[], $11::text[], $12::timestamptz[], $13::boolean[])
    AS u (subject, version, recorded_at, content, content_hash, shared_changed, shared, shared_hash, memory,
          published, parked, due, sent)
WHERE p.subject = ANY($1) AND p.subject = u.subject
"""
_QUEUE_AGAIN = """
INSERT INTO unsettled (subject, expand, cause, traceparent, priority, party, attempts, not_before)
SELECT * FROM unnest($1::text[], $2::boolean[], $3::text[], $4::text[], $5::smallint[], $6::text[], $7::int[],
                     $8::timestamptz[])
"""
_EXPAND = """
INSERT INTO unsettled (subject, cause, priority, party)
SELECT l.subject, 'expand', min(u.priority), min(u.party)
FROM unnest($1::text[], $2::smallint[], $3::text[]) AS u (reads, priority, party), LATERAL (
    SELECT subject FROM link WHERE reads = u.reads AND reads <> '' OFFSET 0) AS l
GROUP BY l.subject ORDER BY l.subject
"""
# Which subjects read, directly or by way of others, something that is in this round or has news waiting in the queue.
_BEHIND_NEWS = """
WITH RECURSIVE below (root, subject) AS (
    SELECT subject, reads FROM link WHERE subject = ANY($1::text[]) AND reads <> ''
    UNION
    SELECT b.root, l.reads FROM below b, LATERAL (
        SELECT reads FROM link WHERE subject = b.subject AND reads <> '' OFFSET 0) AS l)
SELECT DISTINCT root FROM below b WHERE subject <> root AND (subject = ANY($2::text[]) OR EXISTS (
    SELECT FROM unsettled u WHERE u.subject = b.subject AND u.attempts = 0
    AND (u.priority < $3 OR u.cause = 'expand') OFFSET 0))
"""
_WITH_NEWS = "SELECT DISTINCT subject FROM unsettled WHERE subject = ANY($1::text[]) AND priority < $2"
_FIRE = """
WITH due AS (
    UPDATE picture SET due = NULL WHERE subject = ANY(ARRAY(
        SELECT subject FROM picture WHERE due <= $1 ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING subject)
INSERT INTO unsettled (subject, cause) SELECT subject, 'due' FROM due
"""
# The age is noted anew as the row is queued, so that a slow queue does not get it twice.
_QUEUE_OLD = """
WITH old AS (
    UPDATE picture SET sent_at = $2 WHERE subject = ANY(ARRAY(
        SELECT subject FROM picture WHERE sent_at < $1 ORDER BY sent_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING subject)
INSERT INTO unsettled (subject, cause, priority) SELECT subject, 'republish', 10 FROM old
"""
_QUEUE_PAGE = """
WITH page AS (SELECT subject, version, fold, data FROM picture WHERE subject > $1 ORDER BY subject LIMIT $2),
queued AS (
    INSERT INTO unsettled (subject, cause, priority) SELECT subject, $3, 10 FROM page
    WHERE $4::int IS NULL OR version > 0 AND (fold < $4 OR data < $5))
SELECT max(subject) FROM page
"""
_PAGE = 10_000


class Taken(NamedTuple):
    """A row of the queue, taken; `republish` says that what has not changed is to be published as well.

    `party` is whose report has caused it, "" where none has.
    """

    subject: str
    expand: bool
    cause: str
    traceparent: str | None
    attempts: int
    priority: int
    party: str = ""
    republish: bool = False

    def as_it_was(self) -> "Taken":
        """A row for the queue that asks for all that the rows it stands for asked."""
        return self._replace(cause=REPUBLISH if self.republish else self.cause)


class Held(NamedTuple):
    """A picture's row, locked."""

    subject: str
    version: int = 0
    recorded_at: datetime | None = None
    content_hash: bytes | None = None
    shared_hash: bytes | None = None
    memory: str | None = None
    published: str = "{}"
    parked: str = "[]"
    due: datetime | None = None
    fold: int = 0
    data: int = 0


class Saved(NamedTuple):
    """A picture's row as it is to be written; `content` and `shared` are None where they have not changed."""

    subject: str
    version: int
    recorded_at: datetime
    content: bytes | None
    content_hash: bytes
    shared_changed: bool
    shared: bytes | None
    shared_hash: bytes | None
    memory: bytes | None
    published: bytes
    parked: bytes
    due: datetime | None
    sent: bool


async def take(connection: Connection, most: int, now: datetime, mark: int = 0) -> list[Taken]:
    """Takes a page of `most` rows that no other worker holds, and all others that are due of the same subjects.

    They are back when the transaction fails. `mark` is what this copy has left in the store: when that was put back,
    there is nothing to take.
    """
    return [Taken(*row) for row in await connection.fetch(_TAKE, most, now, mark)]


def merged(rows: Iterable[Taken]) -> dict[str, Taken]:
    """One row for each subject: the most urgent one, with whatever the others ask for."""
    found: dict[str, Taken] = {}
    for row in sorted(rows, key=lambda r: (r.priority, r.traceparent is None, r.cause != "expand")):
        held = found.setdefault(row.subject, row)
        found[row.subject] = held._replace(
            republish=held.republish or row.cause == REPUBLISH,
            attempts=max(held.attempts, row.attempts),
        )
    return found


async def lock(connection: Connection, subjects: Sequence[str]) -> list[Held]:
    """Locks the pictures of sorted subjects, making the rows that are missing."""
    rows = await connection.fetch(_LOCK, subjects)
    if len(rows) < len(subjects):
        known = {row["subject"] for row in rows}
        await connection.execute(_ADD, [s for s in subjects if s not in known])
        rows = await connection.fetch(_LOCK, subjects)
    return [Held._make(row) for row in rows]


async def behind_news(connection: Connection, subjects: Sequence[str], taken: Sequence[str]) -> set[str]:
    """Those of `subjects` below which there is news: what they read is `taken` in this round, or waits in the queue.

    Asked between their own facts and what they read of others, the answer no means that whatever was accepted
    before any of these facts has been folded. Rows of the subjects themselves do not count, or two workers could put
    each other off for ever; nor does what is to be drawn again and has not changed, nor a fold that failed.
    """
    if not subjects:
        return set()
    return {row["root"] for row in await connection.fetch(_BEHIND_NEWS, subjects, taken, BEHIND)}


async def with_news(connection: Connection, taken: Mapping[str, Taken]) -> Mapping[str, Taken]:
    """The same rows, as urgent as the news of their subjects that other workers have taken or are about to take.

    Asked when the facts have been read: news among them has its row in the queue still, or was folded before.
    """
    behind = [subject for subject, row in taken.items() if row.priority >= BEHIND]
    if not behind:
        return taken
    news = {row["subject"] for row in await connection.fetch(_WITH_NEWS, behind, BEHIND)}
    return {subject: row._replace(priority=0) if subject in news else row for subject, row in taken.items()}


async def facts_of(connection: Connection, held: Sequence[Held], own_topics: Sequence[str]) -> list[Inputs]:
    """What was said of each locked subject itself; `own_topics` are the topics of ours that the service reads."""
    subjects = [h.subject for h in held]
    revisions = _grouped(subjects, await connection.fetch(_REVISIONS, subjects))
    rows = await connection.fetch(_REPLICAS, subjects, own_topics) if own_topics else []
    replicas = _grouped(subjects, rows)
    return [
        Inputs(
            h.subject,
            [StoredRevision._make(row) for row in revisions[h.subject]],
            [Replica(*row) for row in replicas[h.subject]],
            memory=orjson.loads(h.memory) if h.memory else None,
        )
        for h in held
    ]


async def with_shared(connection: Connection, facts: Sequence[Inputs]) -> list[Inputs]:
    """The same, with what each subject reads of others, as it is committed now.

    Of what is shared in `parts`, by reader, a reader gets its own as `part`.
    """
    subjects = [f.subject for f in facts]
    shared = _grouped(subjects, await connection.fetch(_SHARED, subjects))
    return [replace(f, shared={s: orjson.loads(text) for s, text in shared[f.subject]}) for f in facts]


async def save(connection: Connection, saved: Sequence[Saved], fold: int, data: int) -> None:
    """Writes pictures; one statement."""
    if not saved:
        return
    await connection.execute(
        _SAVE,
        [s.subject for s in saved],
        [s.version for s in saved],
        [s.recorded_at for s in saved],
        [_text(s.content) for s in saved],
        [s.content_hash for s in saved],
        [s.shared_changed for s in saved],
        [_text(s.shared) for s in saved],
        [s.shared_hash for s in saved],
        [_text(s.memory) for s in saved],
        [s.published.decode() for s in saved],
        [s.parked.decode() for s in saved],
        [s.due for s in saved],
        [s.sent for s in saved],
        machinery_now(),
        fold,
        data,
    )


async def queue_again(connection: Connection, rows: Iterable[tuple[Taken, datetime | None]]) -> None:
    """Puts rows back, or new ones in, each not before an instant; one statement."""
    pairs = sorted(rows, key=lambda pair: (pair[0].subject, pair[0].expand))
    again = [row for row, _ in pairs]
    if not again:
        return
    await connection.execute(
        _QUEUE_AGAIN,
        [r.subject for r in again],
        [r.expand for r in again],
        [r.cause for r in again],
        [r.traceparent for r in again],
        [r.priority for r in again],
        [r.party for r in again],
        [r.attempts for r in again],
        [not_before for _, not_before in pairs],
    )


async def expand(connection: Connection, rows: Sequence[Taken]) -> None:
    """Queues the subjects that read these ones."""
    if rows:
        lowest: dict[str, tuple[int, str]] = {}
        for row in rows:
            ranked = (row.priority, row.party)
            lowest[row.subject] = min(ranked, lowest.get(row.subject, ranked))
        priorities, parties = zip(*lowest.values(), strict=True)
        await connection.execute(_EXPAND, list(lowest), list(priorities), list(parties))


async def fire(connection: Connection, now: datetime, most: int = 1000) -> int:
    """Queues the subjects whose picture changes by itself at or before `now`; returns how many."""
    return int((await connection.execute(_FIRE, now, most)).rpartition(" ")[2])


async def queue_old(connection: Connection, before: datetime, now: datetime, most: int = 500) -> int:
    """Queues pictures last published before an instant to be published again; returns how many."""
    return int((await connection.execute(_QUEUE_OLD, before, now, most)).rpartition(" ")[2])


async def queue_all(
    store: Pool | OwnConnection, cause: str, older_than: tuple[int, int] | None = None, page: int = _PAGE
) -> None:
    """Queues every picture, behind everything else; with `REPUBLISH` each is published again.

    `older_than`, a fold number and a data number, leaves out what has been drawn with these. Each page is committed
    by itself, so that no number of pictures is too large for one statement: who fails begins again.
    """
    after: str | None = ""
    while after is not None:
        after = await store.fetchval(_QUEUE_PAGE, after, page, cause, *(older_than or (None, None)))


def _grouped(subjects: Sequence[str], rows: Sequence[Any]) -> dict[str, list[tuple[Any, ...]]]:
    """The rows of each subject, which their first column names, without that column."""
    found: dict[str, list[tuple[Any, ...]]] = {s: [] for s in subjects}
    for row in rows:
        found[row[0]].append(row[1:])
    return found


def _text(body: bytes | None) -> str | None:
    return None if body is None else body.decode()
