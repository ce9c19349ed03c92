"""The queue of subjects to be folded: every SQL statement on it, and on the timers that fill it.

Invariant: a transaction that takes rows owns them until it ends, and they are back when it fails. A page is divided
among the parties whose reports wait.
"""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Final, NamedTuple

from services.chassis.base.database import Connection, OwnConnection, Pool
from services.chassis.base.restore_detection import not_restored

REPUBLISH: Final = "republish"
LOW_PRIORITY: Final = 10
"""The priority of work that is no news: rebuilds, republication, and all that follows from them."""

# A plan made while a table was empty must still serve when it is full. So rows are chosen in an array, or the choice
# would run once for each row; joined rows are looked up by `LATERAL ... OFFSET 0`, or their table would be scanned.
# A second look is due when the transactions that were under way at the first one have ended.
_DUE = "(not_before IS NULL OR not_before <= $2 OR after_xid <= pg_snapshot_xmin(pg_current_snapshot()))"
# A page is divided among the parties whose reports wait, so that nobody waits for another one's queue to end.
# All other due rows of its subjects come along, so that each subject is folded once for all of them.
_TAKE = f"""
WITH RECURSIVE turn (priority, party) AS (
    (SELECT priority, party FROM fold_queue ORDER BY priority, party LIMIT 1)
    UNION ALL
    SELECT next.priority, next.party FROM turn AS t, LATERAL (
        SELECT priority, party FROM fold_queue WHERE (priority, party) > (t.priority, t.party)
        ORDER BY priority, party LIMIT 1) AS next),
share AS (SELECT priority, party, greatest($1 / count(*) OVER (PARTITION BY priority), 1) AS most FROM turn)
DELETE FROM fold_queue WHERE ctid = ANY(ARRAY(
    SELECT ctid FROM fold_queue WHERE {_DUE} AND subject = ANY(ARRAY(
        SELECT page.subject FROM share AS s, LATERAL (
            SELECT id, subject FROM fold_queue
            WHERE priority = s.priority AND party = s.party AND {_DUE} AND {not_restored("$3")}
            ORDER BY id LIMIT s.most FOR UPDATE SKIP LOCKED) AS page
        ORDER BY s.priority, page.id LIMIT $1))
    FOR UPDATE SKIP LOCKED))
RETURNING subject, cause, traceparent, attempts, priority, party, linked
"""
_INSERT = """
INSERT INTO fold_queue (subject, cause, traceparent, attempts, priority, party, linked, not_before)
SELECT * FROM unnest($1::text[], $2::text[], $3::text[], $4::int[], $5::smallint[], $6::text[], $7::boolean[],
                     $8::timestamptz[])
"""
_LOOK_AGAIN = """
INSERT INTO fold_queue (subject, cause, priority, party, not_before, after_xid)
SELECT *, $5::timestamptz, pg_snapshot_xmax(pg_current_snapshot())
FROM unnest($1::text[], $2::text[], $3::smallint[], $4::text[])
"""
_OTHERS_WRITE = """
SELECT EXISTS (SELECT FROM pg_snapshot_xip(pg_current_snapshot()) AS x WHERE x <> pg_current_xact_id())
"""
# What waits in the queue is left to whoever takes its row, with the attempts that it has had.
_FREE = f"""
SELECT u.subject FROM unnest($1::text[]) AS u (subject)
WHERE {not_restored("$2")} AND NOT EXISTS (SELECT FROM fold_queue AS q WHERE q.subject = u.subject OFFSET 0)
"""
_DEPENDENTS = """
SELECT l.subject, min(u.priority) AS priority, min(u.party) AS party
FROM unnest($1::text[], $2::smallint[], $3::text[]) AS u (reads, priority, party), LATERAL (
    SELECT subject FROM link WHERE reads = u.reads AND reads <> '' OFFSET 0) AS l
GROUP BY l.subject
"""
# The subjects that read, directly or through others, a subject of this round or one with news in the queue.
_BEHIND_NEWS = """
WITH RECURSIVE below (root, subject) AS (
    SELECT subject, reads FROM link WHERE subject = ANY($1::text[]) AND reads <> ''
    UNION
    SELECT b.root, l.reads FROM below b, LATERAL (
        SELECT reads FROM link WHERE subject = b.subject AND reads <> '' OFFSET 0) AS l)
SELECT DISTINCT root FROM below b WHERE subject <> root AND (subject = ANY($2::text[]) OR EXISTS (
    SELECT FROM fold_queue u WHERE u.subject = b.subject AND u.attempts = 0
    AND (u.priority < $3 OR u.cause = 'dependent') OFFSET 0))
"""
_WITH_NEWS = "SELECT DISTINCT subject FROM fold_queue WHERE subject = ANY($1::text[]) AND priority < $2"
_FIRE = """
WITH due AS (
    UPDATE picture SET due = NULL WHERE subject = ANY(ARRAY(
        SELECT subject FROM picture WHERE due <= $1 ORDER BY due LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING subject)
INSERT INTO fold_queue (subject, cause) SELECT subject, 'due' FROM due
"""
# Queueing also renews `sent_at`, so that a slow queue does not get the subject twice.
_QUEUE_OLD = """
WITH old AS (
    UPDATE picture SET sent_at = $2 WHERE subject = ANY(ARRAY(
        SELECT subject FROM picture WHERE sent_at < $1 ORDER BY sent_at LIMIT $3 FOR UPDATE SKIP LOCKED))
    RETURNING subject)
INSERT INTO fold_queue (subject, cause, priority) SELECT subject, 'republish', 10 FROM old
"""
_QUEUE_PAGE = """
WITH page AS (SELECT subject, version, fold, data FROM picture WHERE subject > $1 ORDER BY subject LIMIT $2),
queued AS (
    INSERT INTO fold_queue (subject, cause, priority) SELECT subject, $3, 10 FROM page
    WHERE $4::int IS NULL OR version > 0 AND (fold < $4 OR data < $5))
SELECT max(subject) FROM page
"""
_PAGE = 10_000
_COLUMNS = 7


class Cause(NamedTuple):
    """Why a subject is queued: the report's trace, the priority, and the report's party ("" for our own work).

    `linked` says that the subject reads another one from now on.
    """

    traceparent: str | None = None
    priority: int = 0
    party: str = ""
    linked: bool = False


class QueueRow(NamedTuple):
    """A queue row that this transaction has taken, or a subject that is folded without one.

    `cause` is why the row was queued, `party` the sender of the report that caused it, "" for none. `linked` says that
    the subject reads another one since a moment ago, `republish` that unchanged entities are published as well.
    """

    subject: str
    cause: str
    traceparent: str | None = None
    attempts: int = 0
    priority: int = 0
    party: str = ""
    linked: bool = False
    republish: bool = False

    def as_it_was(self) -> "QueueRow":
        """This row for the queue, with the republication that a merged row may have asked for."""
        return self._replace(cause=REPUBLISH if self.republish else self.cause)


async def add(connection: Connection, subjects: Mapping[str, Cause]) -> bool:
    """Queues subjects because of reports or entities that name them; returns whether there are any."""
    await queue_again(connection, ((row_of(subject, cause), None) for subject, cause in subjects.items()))
    return bool(subjects)


def row_of(subject: str, cause: Cause) -> QueueRow:
    """The queue row of a subject that a report or entity names."""
    return QueueRow(subject, "report", cause.traceparent, 0, cause.priority, cause.party, cause.linked)


async def take(connection: Connection, most: int, now: datetime, mark: int = 0) -> list[QueueRow]:
    """Takes a page of `most` free due rows, and all other free due rows of the same subjects.

    `mark` is the mark that this copy has left in the store; nothing is taken from a restored or recovering store.
    """
    return [QueueRow(*row) for row in await connection.fetch(_TAKE, most, now, mark)]


def coalesced(rows: Iterable[QueueRow]) -> dict[str, QueueRow]:
    """One row for each subject: the most urgent one, with the republication and attempts of the others."""
    found: dict[str, QueueRow] = {}
    for row in sorted(rows, key=lambda r: (r.priority, r.traceparent is None, r.cause != "dependent")):
        held = found.setdefault(row.subject, row)
        found[row.subject] = held._replace(
            linked=held.linked or row.linked,
            republish=held.republish or row.cause == REPUBLISH,
            attempts=max(held.attempts, row.attempts),
        )
    return found


async def behind_news(connection: Connection, subjects: Sequence[str], taken: Sequence[str]) -> set[str]:
    """The `subjects` that read, directly or through others, something `taken` in this round or with news in the queue.

    Call this after loading a subject's facts and before loading shared state: a subject that is not returned has
    nothing older still queued. Rows of the subjects themselves do not count, or two workers could put each other off
    for ever; nor do rows without news, nor folds that failed.
    """
    if not subjects:
        return set()
    return {row["root"] for row in await connection.fetch(_BEHIND_NEWS, subjects, taken, LOW_PRIORITY)}


async def with_news(connection: Connection, taken: Mapping[str, QueueRow]) -> Mapping[str, QueueRow]:
    """The same rows, raised to priority 0 where the queue still has news of their subjects.

    Call this after loading the facts: news among them still has its row in the queue, or has been folded.
    """
    behind = [subject for subject, row in taken.items() if row.priority >= LOW_PRIORITY]
    if not behind:
        return taken
    news = {row["subject"] for row in await connection.fetch(_WITH_NEWS, behind, LOW_PRIORITY)}
    return {subject: row._replace(priority=0) if subject in news else row for subject, row in taken.items()}


async def queue_again(connection: Connection, rows: Iterable[tuple[QueueRow, datetime | None]]) -> None:
    """Queues rows, each not before an instant (None: at once); one statement."""
    pairs = sorted(rows, key=lambda pair: pair[0].subject)
    if pairs:
        columns = zip(*(row[:_COLUMNS] for row, _ in pairs), strict=True)
        await connection.execute(_INSERT, *map(list, columns), [not_before for _, not_before in pairs])


async def others_write(connection: Connection) -> bool:
    """Whether other transactions that write are under way."""
    found: bool = await connection.fetchval(_OTHERS_WRITE)
    return found


async def look_again(connection: Connection, rows: Iterable[QueueRow], not_before: datetime) -> int:
    """Queues subjects for when all transactions that are now under way have ended, or for an instant if that is sooner.

    A subject that begins to read another one calls for this. A transaction that changes the other one meanwhile may
    have looked for its dependents before the link was committed. Call this after loading shared state.
    """
    again = sorted((row.subject, row.cause, row.priority, row.party) for row in rows)
    if again:
        await connection.execute(_LOOK_AGAIN, *map(list, zip(*again, strict=True)), not_before)
    return len(again)


async def free(connection: Connection, subjects: Sequence[str], mark: int = 0) -> set[str]:
    """Those of the subjects that have no row in the queue; none in a restored or recovering store."""
    return {row["subject"] for row in await connection.fetch(_FREE, subjects, mark)} if subjects else set()


async def dependents(connection: Connection, changed: Iterable[QueueRow]) -> dict[str, QueueRow]:
    """A row for each subject that reads one of these, whose shared state has changed."""
    rows = [(row.subject, row.priority, row.party) for row in changed]
    if not rows:
        return {}
    found = await connection.fetch(_DEPENDENTS, *map(list, zip(*rows, strict=True)))
    return {s: QueueRow(s, "dependent", None, 0, priority, party) for s, priority, party in found}


async def enqueue_due(connection: Connection, now: datetime, most: int = 1000) -> int:
    """Queues the subjects whose picture is due, changing by itself at or before `now`; returns how many."""
    return int((await connection.execute(_FIRE, now, most)).rpartition(" ")[2])


async def queue_old(connection: Connection, before: datetime, now: datetime, most: int = 500) -> int:
    """Queues pictures last published before an instant for republication; returns how many."""
    return int((await connection.execute(_QUEUE_OLD, before, now, most)).rpartition(" ")[2])


async def queue_all(
    store: Pool | OwnConnection, cause: str, older_than: tuple[int, int] | None = None, page: int = _PAGE
) -> None:
    """Queues every picture behind all news; the cause `REPUBLISH` publishes each again.

    `older_than`, a pair of fold number and data number, leaves out pictures folded with these. Each page commits by
    itself, so that no statement grows with the store; after a failure the caller begins again.
    """
    after: str | None = ""
    while after is not None:
        after = await store.fetchval(_QUEUE_PAGE, after, page, cause, *(older_than or (None, None)))
