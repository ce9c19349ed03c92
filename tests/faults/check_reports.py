"""Every record that was sent is stored once or put aside once, answered once, and no queue holds anything.

Invariant: the checks are functions of what was sent and of what was found.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any, Final

from contracts import topics
from contracts.events.receipts import ReceiptIssued
from tests.faults.evidence import Violation
from tests.faults.ledger import Entry, Ledger, Place
from tests.faults.looked import Found, Row

SERVICES: Final = ("tracking", "customs")
_TAKEN: Final = ("accepted", "superseded")
_AT_INGEST: Final = (*_TAKEN, "repeat", "refused")


def reports(book: Ledger, found: Found) -> Iterator[Violation]:
    """All of it."""
    for service in SERVICES:
        yield from _stored(service, book, found)
        yield from _put_aside(service, book, found)
        yield from _receipts(service, book, found)
    yield from _answered(book, found)
    yield from _queues(found)


def _stored(service: str, book: Ledger, found: Found) -> Iterator[Violation]:
    """Each revision is an event, as it was first sent, and no event is anything else."""
    rows = {(r["source"], r["event_id"], r["content_hash"]): r for r in found.rows(service, "event")}
    revisions = book.revisions(service)
    for content, entries in revisions.items():
        row = rows.get(content)
        what = f"{entries[0].place} ({content[0]}, {content[1]})"
        if row is None:
            yield Violation("lost", f"{what}: no event in {service}")
        elif (wrong := _differing(row, entries)) is not None:
            yield Violation("lost", f"{what}: {wrong} in {service}")
    for content, row in rows.items():
        if content not in revisions:
            yield Violation("lost", f"{service} holds an event that nobody sent: {_place(row)} {content[:2]}")


def _differing(row: Row, entries: Sequence[Entry]) -> str | None:
    first = entries[0]
    assert first.event is not None
    expected: dict[str, Any] = {
        "type": first.event.type,
        "subject": first.event.subject,
        "party": first.party,
        "updated_at": first.updated_at,
        "body": first.event.body,
        "retracted": getattr(first.event.data, "retracted", False),
    }
    for name, value in expected.items():
        if row[name] != value:
            return f"{name} is {row[name]!r:.120}, was sent as {value!r:.120}"
    if _place(row) != first.place:
        return f"it was taken from {_place(row)}, and sent first at {first.place}"
    return None


def _put_aside(service: str, book: Ledger, found: Found) -> Iterator[Violation]:
    """Each bad record is one dead letter with its reason, and nothing else is."""
    rows: dict[Place, list[str]] = defaultdict(list)
    for row in found.rows(service, "dead_letter"):
        rows[_place(row)].append(row["reason"])
    bad = {entry.place: entry.reason for entry in book.bad(service)}
    for place, reason in bad.items():
        reasons = rows.get(place, [])
        if len(reasons) > 1:
            yield Violation("doubled", f"{place}: {len(reasons)} dead letters in {service}")
        elif reasons != [reason]:
            yield Violation("lost", f"{place}: expected a dead letter for {reason} in {service}, found {reasons}")
    for place in rows.keys() - bad.keys():
        yield Violation("lost", f"{place}: {service} has put aside ({rows[place][0]}) what is good or was not sent")


def _receipts(service: str, book: Ledger, found: Found) -> Iterator[Violation]:
    """The store has one receipt for each record: taken for the first of a revision, repeat for the others."""
    given: dict[Place, list[str]] = defaultdict(list)
    for row in found.rows(service, "receipt"):
        if row["outcome"] in _AT_INGEST:
            given[_place(row)].append(row["outcome"])
    for entries in book.revisions(service).values():
        taken = sum(outcome in _TAKEN for e in entries for outcome in given[e.place])
        if taken > 1:
            what = f"{entries[0].place} {entries[0].content[:2]}"
            yield Violation("doubled", f"{what}: taken {taken} times in {service}")
    for place, expected in outcomes(book, service).items():
        outcome = expected[0]
        if len(given[place]) > 1:
            yield Violation("doubled", f"{place}: receipts {given[place]} in {service}, expected one: {outcome}")
        elif given[place] != [outcome]:
            yield Violation("answered", f"{place}: receipts {given[place]} in {service}, expected {outcome}")


def outcomes(book: Ledger, service: str) -> dict[Place, tuple[str, str | None]]:
    """The outcome, and the reason of a refusal, that each record has to be answered with when it is read."""
    found: dict[Place, tuple[str, str | None]] = {e.place: ("refused", e.reason) for e in book.bad(service)}
    newest: dict[tuple[str, str], datetime] = {}
    firsts = {entries[0].place for entries in book.revisions(service).values()}
    # All records of an identity are in one partition, so the ledger has them in the order in which they are read.
    for entry in book.good(service):
        stands = newest.setdefault(entry.content[:2], entry.updated_at)
        outcome = "superseded" if entry.updated_at < stands else "accepted"
        newest[entry.content[:2]] = max(stands, entry.updated_at)
        found[entry.place] = (outcome if entry.place in firsts else "repeat", None)
    return found


def _answered(book: Ledger, found: Found) -> Iterator[Violation]:
    """Each record has its answer on its sender's own topic."""
    told: dict[Place, Counter[tuple[str, str | None]]] = defaultdict(Counter)
    for party, records in found.of(topics.RECEIPTS).items():
        for record in records:
            for item in ReceiptIssued.model_validate_json(record.value or b"").items:
                if item.topic is not None and item.topic.endswith(f"-{party}"):
                    place = (item.topic, item.partition or 0, item.offset or 0)
                    told[place][item.outcome, item.reason] += 1
    for service in SERVICES:
        for place, expected in outcomes(book, service).items():
            if set(told[place]) != {expected}:
                answers = sorted(told[place]) or "nothing"
                yield Violation("answered", f"{place}: {answers} on its receipts topic, expected {expected}")


def _queues(found: Found) -> Iterator[Violation]:
    for service in found.stores:
        for table in ("fold_queue", "outbox", "outbox_failed"):
            if rows := found.rows(service, table):
                yield Violation("queues", f"{table} of {service} holds {len(rows)} rows, such as {dict(rows[0])}")


def _place(row: Row) -> Place:
    return row["topic"], row["partition"], row["offset"]
