"""What a subject has published: of each entity the last version, and its data while it is open.

Invariant: what has not changed is not published again. An entity that is open and that a fold no longer yields is
closed, once, by its last data: no fold has to remember what it told.
"""

import hashlib
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple

import orjson

from services.chassis.projection.fold import Publication


class Open(NamedTuple):
    """An entity that is closed when it is no longer yielded: where it was told, its data, and what closes it."""

    type: str
    topics: Sequence[str]
    data: Mapping[str, Any]
    closing: Mapping[str, Any]


class Stamps(NamedTuple):
    """The version of an entity, the version before it, and the instants at which it was recorded and looked at."""

    version: int
    previous: int | None
    recorded_at: str
    as_of: str


class Entry(NamedTuple):
    """One entity as it was last published; `digest` is of its data, "" where these are not known."""

    stamps: Stamps
    digest: str
    open: Open | None = None


class Published(NamedTuple):
    """A publication that goes out, with its data as JSON."""

    publication: Publication
    data: bytes
    stamps: Stamps


Book = Mapping[str, Entry]


def read_book(text: str) -> dict[str, Entry]:
    """The book of a subject, from its JSON."""
    return {name: _entry(*row) for name, row in orjson.loads(text).items()}


def write_book(book: Book) -> bytes:
    """The book as JSON: for each entity version, hash, version before, recorded_at, as_of, and what is open of it."""
    return json_of({name: _row(entry) for name, entry in book.items()})


def open_in(text: str) -> Mapping[str, Mapping[str, Any]]:
    """The data of the open entities of a book; most books have none, and are not parsed."""
    if '"closing"' not in text:
        return {}
    return {name: entry.open.data for name, entry in read_book(text).items() if entry.open is not None}


def publish(
    publications: Sequence[Publication], content: bytes, known: Book, stamps: Stamps, *, again: bool
) -> tuple[list[Published], dict[str, Entry]]:
    """What goes out, and the book afterwards.

    With `again` what has not changed goes out as well, as it was; `stamps` are those of what has.
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


def joined(first: bytes, second: bytes) -> bytes:
    """One JSON object out of two that are not empty; nothing is written a second time."""
    return first[:-1] + b"," + second[1:]


def _closed(yielded: set[str], known: Book) -> Iterator[Publication]:
    """The last word on each entity that was open and is no more."""
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
