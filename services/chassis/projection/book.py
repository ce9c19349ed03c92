"""The book of a subject: the last published version of each entity, and the data of the open ones.

Invariant: an unchanged entity is not published again. An open entity that a fold no longer yields is closed once, with
its last data, so no fold has to remember what it published.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from services.chassis.outbox.outgoing import joined
from services.chassis.projection.fold import Publication


class Open(NamedTuple):
    """An entity to be closed when it is no longer yielded: its event type, topics and data, and the closing fields."""

    type: str
    topics: Sequence[str]
    data: Mapping[str, Any]
    closing: Mapping[str, Any]


class Stamps(NamedTuple):
    """The version of an entity, the version before it, and the instants recorded_at and as_of as UTC texts."""

    version: int
    previous: int | None
    recorded_at: str
    as_of: str


class Entry(NamedTuple):
    """One entity as last published; `digest` is the hash of its data, "" if the data are unknown after a recovery."""

    stamps: Stamps
    digest: str
    open: Open | None = None


class Published(NamedTuple):
    """A publication to send, with its data as JSON."""

    publication: Publication
    data: bytes
    stamps: Stamps


Book = Mapping[str, Entry]


def read_book(text: str) -> dict[str, Entry]:
    """Reads the book of a subject from its JSON."""
    return {name: _entry(*row) for name, row in orjson.loads(text).items()}


def write_book(book: Book) -> bytes:
    """The book as JSON, by entity: [version, hash, previous version, recorded_at, as_of, open part if any]."""
    return json_of({name: _row(entry) for name, entry in book.items()})


def open_in(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The data of a book's open entities, by entity; the many books without any are not parsed."""
    if '"closing"' not in text:
        return {}
    return {name: entry.open.data for name, entry in read_book(text).items() if entry.open is not None}


def publish(
    publications: Sequence[Publication], content: bytes, known: Book, stamps: Stamps, *, again: bool
) -> tuple[list[Published], dict[str, Entry]]:
    """The publications to send, and the new book.

    Changed entities get `stamps`. With `again`, unchanged ones are sent too, with the stamps that they had.
    """
    published: list[Published] = []
    book = dict(known)
    for one in (*publications, *_closed({p.entity for p in publications}, known)):
        before = known.get(one.entity)
        if before is None and one.empty:
            continue
        data = joined(content, json_of(one.data)) if one.whole else json_of(one.data)
        digest = hashlib.sha256(data).hexdigest()[:32]
        is_same = before is not None and before.digest == digest
        stamped = before.stamps if before and is_same else stamps._replace(previous=before and before.stamps.version)
        if again or not is_same:
            published.append(Published(one, data, stamped))
        book[one.entity] = Entry(stamped, digest, _open(one))
    return published, book


def json_of(value: Any) -> bytes:
    """Canonical JSON."""
    return orjson.dumps(value, option=orjson.OPT_SORT_KEYS)


def _closed(yielded: set[str], known: Book) -> Iterator[Publication]:
    """The closing publication of each open entity that is no longer yielded."""
    for name, entry in known.items():
        if entry.open is not None and name not in yielded:
            last = entry.open
            yield Publication(name, last.type, tuple(last.topics), {**last.data, **last.closing})


def _open(one: Publication) -> Open | None:
    return Open(one.type, one.topics, one.data, one.closing) if one.closing else None


def _entry(
    version: int,
    digest: str,
    previous: int | None,
    recorded_at: str,
    as_of: str,
    open: Mapping[str, Any] | None = None,
) -> Entry:
    return Entry(Stamps(version, previous, recorded_at, as_of), digest, Open(**open) if open else None)


def _row(entry: Entry) -> list[Any]:
    version, previous, recorded_at, as_of = entry.stamps
    row = [version, entry.digest, previous, recorded_at, as_of]
    return row if entry.open is None else [*row, {**entry.open._asdict(), "closing": dict(entry.open.closing)}]
