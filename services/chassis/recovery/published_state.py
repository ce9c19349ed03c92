"""Restores the published state of a service, read from its own topics, in a store that lacks it.

Invariant: afterwards each book has the highest version that was read of each entity, and no version goes backwards.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Any, Final, NamedTuple, Protocol, cast

import orjson

from contracts.envelope.codec import Event, decode_record
from contracts.refusal import Refused
from contracts.topics import MAX_PUBLISHED, Topic
from services.chassis.base.clock import is_ahead
from services.chassis.base.database import Connection
from services.chassis.ingest.records import Record
from services.chassis.projection import pictures
from services.chassis.projection.book import Book, Entry, Open, Stamps, json_of, read_book, write_book
from services.chassis.projection.fold import Closing
from services.chassis.projection.pictures import LockedPicture
from services.chassis.queue import fold_queue
from services.chassis.queue.fold_queue import QueueRow

_TAKE_UP = """
UPDATE picture AS p SET version = greatest(p.version, u.version), memory = u.memory::jsonb, published = u.book::jsonb
FROM unnest($1::text[], $2::bigint[], $3::text[], $4::text[]) AS u (subject, version, memory, book)
WHERE p.subject = ANY($1) AND p.subject = u.subject
"""
_STAMPS: Final = frozenset({"version", "previous_version", "recorded_at", "as_of", "redrawn"})
_BOOKS = "SELECT published FROM picture WHERE subject = ANY($1::text[])"


class PublishedState(Protocol):
    """The published state of a service: the topics that hold it, and how a restored store takes it over again."""

    @property
    def topics(self) -> Sequence[Topic]:
        """The topics that the service publishes to."""
        ...

    async def is_current(self, connection: Connection, events: Sequence[Event]) -> bool:
        """Whether the store has all of these events."""
        ...

    async def restore(self, connection: Connection, events: Sequence[Event]) -> int:
        """Stores the events that the store lacks, and queues their subjects; returns how many changes that made."""
        ...


def events_of(records: Iterable[Record], service: str, published: PublishedState) -> list[Event]:
    """The events that the service has published; foreign records and versions from the future are left out."""
    types = {name: kind for topic in published.topics for name, kind in topic.events.items()}
    found = []
    for record in records:
        try:
            event = decode_record(record.headers, record.value, types, MAX_PUBLISHED)
        except Refused:
            continue
        if event.source == f"urn:corridor:{service}" and not is_ahead(_stamp(event)):
            found.append(event)
    return found


def _stamp(event: Event) -> int:
    """The version of an entity, or the sequence number of a feed's item, which rises in the same way."""
    data: Any = event.data
    return int(getattr(data, "version", getattr(data, "sequence", 0)))


class Entities:
    """The published entities of a service's pictures, on compacted topics.

    `owner` gives the subject whose fold publishes an entity, `closing` how to close an open entity (None if it is not
    open), `remember` the memory of the subject after it has published an entity.
    """

    def __init__(
        self,
        topics: Sequence[Topic],
        owner: Callable[[Event], str],
        closing: Callable[[Event], Closing | None],
        remember: Callable[[Any, Event], Any] = lambda memory, _: memory,
    ) -> None:
        self.topics = topics
        self._owner = owner
        self._closing = closing
        self._remember = remember

    async def is_current(self, connection: Connection, events: Sequence[Event]) -> bool:
        """Whether the books have the versions of these events or higher ones."""
        rows = await connection.fetch(_BOOKS, sorted({self._owner(e) for e in events}))
        known = {name: entry.stamps.version for row in rows for name, entry in read_book(row["published"]).items()}
        return all(_version(e) <= known.get(e.subject, 0) for e in events)

    async def restore(self, connection: Connection, events: Sequence[Event]) -> int:
        """Adds missing versions to books and memories, and queues their subjects; returns how many those are.

        The next fold publishes each entity anew, or closes it. If the newest record of an entity is not its highest
        version, which compaction would then drop, its subject is republished.
        """
        by_owner: dict[str, list[Event]] = {}
        for event in events:
            by_owner.setdefault(self._owner(event), []).append(event)
        held = await pictures.lock(connection, sorted(by_owner))
        rows = [row for one in held if (row := self._restored(one, by_owner[one.subject])) is not None]
        if rows:
            await connection.execute(_TAKE_UP, *map(list, zip(*rows, strict=True)))
            await queue_recovered(connection, [row.subject for row in rows])
        late = [one.subject for one in held if _ends_below(one, by_owner[one.subject])]
        await queue_recovered(connection, late, fold_queue.REPUBLISH)
        return len(rows)

    def _restored(self, held: LockedPicture, told: Sequence[Event]) -> "_Row | None":
        book, memory = read_book(held.published), orjson.loads(held.memory) if held.memory else None
        unknown = [e for e in sorted(told, key=_version) if _version(e) > _known(book, e.subject)]
        for event in unknown:
            memory = self._remember(memory, event)
            book[event.subject] = self._entry(event, book.get(event.subject))
        if not unknown:
            return None
        remembered = None if memory is None else json_of(memory).decode()
        return _Row(held.subject, _version(unknown[-1]), remembered, write_book(book).decode())

    def _entry(self, event: Event, before: Entry | None) -> Entry:
        """The book entry of a published event, without a hash, so that the next fold publishes the entity anew."""
        data = orjson.loads(event.body)
        recorded_at = data["recorded_at"]
        previous = before.stamps.version if before else None
        stamps = Stamps(_version(event), previous, recorded_at, data.get("as_of", recorded_at))
        closing = self._closing(event)
        if closing is None:
            return Entry(stamps, "")
        own = {name: value for name, value in data.items() if name not in _STAMPS}
        return Entry(stamps, "", Open(event.type, closing.topics, own, closing.fields))


def _ends_below(held: LockedPicture, told: Sequence[Event]) -> bool:
    """Whether the last of these records of some entity has a lower version than another record or the book."""
    book, last = read_book(held.published), {e.subject: _version(e) for e in told}
    highest = {e.subject: _version(e) for e in sorted(told, key=_version)}
    return any(version < max(highest[entity], _known(book, entity)) for entity, version in last.items())


class _Row(NamedTuple):
    subject: str
    version: int
    memory: str | None
    book: str


async def queue_recovered(connection: Connection, subjects: Iterable[str], cause: str = "recovery") -> None:
    """Queues subjects whose published state was restored, behind all news."""
    rows = [QueueRow(subject, cause, priority=fold_queue.LOW_PRIORITY) for subject in subjects]
    await fold_queue.queue_again(connection, ((row, None) for row in rows))


def _known(book: Book, entity: str) -> int:
    """The version of an entity in a book; 0 for an unknown one."""
    return book[entity].stamps.version if entity in book else 0


def _version(event: Event) -> int:
    return cast(int, cast(Any, event.data).version)
