"""Every party's feed has each item once, in one unbroken chain, and readers of topic and stream see just that.

Invariant: what was sent and shown is what is in the feed, also across a store put back.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from itertools import pairwise
from typing import Any

from contracts import topics
from tests.faults.evidence import Evidence, Violation
from tests.faults.looked import Found, Row

Seen = Sequence[Mapping[str, Any]]


def feeds(evidence: Evidence, found: Found) -> Iterator[Violation]:
    """All of it."""
    stored = _stored(found)
    told = {
        party: [json.loads(record.value or b"{}") for record in records]
        for party, records in found.of(topics.NOTIFICATIONS).items()
    }
    for party in sorted(stored.keys() | told.keys()):
        rows = stored.get(party, [])
        yield from _chain(party, rows)
        yield from _all_sent(party, rows, told.get(party, []))
        yield from _rising("out_of_order", f"notifications-{party}", told.get(party, []))
        yield from _all_kept("lost", f"notifications-{party}", rows, told.get(party, []))
    for party, items in evidence.streamed.items():
        yield from _rising("stream", f"the stream of {party}", items)
        yield from _all_streamed(party, stored.get(party, []), items)
        yield from _all_kept("stream", f"the stream of {party}", stored.get(party, []), items)


def _stored(found: Found) -> dict[str, list[Row]]:
    """The numbered items of each party, in order of their numbers."""
    feeds: dict[str, list[Row]] = {}
    for row in found.rows("notifications", "item"):
        feeds.setdefault(row["party"], []).append(row)
    return {party: sorted(rows, key=lambda row: row["sequence"]) for party, rows in feeds.items()}


def _chain(party: str, rows: Sequence[Row]) -> Iterator[Violation]:
    """Each item once, numbers that rise, and each names the one before it."""
    known: set[str] = set()
    for row in rows:
        if str(row["item"]) in known:
            yield Violation("doubled", f"feed of {party}: item {row['item']} is there twice")
        known.add(str(row["item"]))
    for before, after in pairwise(rows):
        if before["sequence"] == after["sequence"]:
            yield Violation("out_of_order", f"feed of {party}: two items have number {after['sequence']}")
        if after["previous_sequence"] != before["sequence"]:
            detail = f"number {after['sequence']} follows {before['sequence']}, and names {after['previous_sequence']}"
            yield Violation("out_of_order", f"feed of {party}: {detail}")


def _all_sent(party: str, rows: Sequence[Row], told: Seen) -> Iterator[Violation]:
    """Each numbered item reached the topic under its number."""
    sent = {(item["item"], item["sequence"]): item for item in told}
    for row in rows:
        item = sent.get((str(row["item"]), row["sequence"]))
        if item is None:
            yield Violation(
                "lost", f"notifications-{party}: item {row['item']}, number {row['sequence']}, is not there"
            )
        elif item.get("previous_sequence") != row["previous_sequence"]:
            detail = f"names {item.get('previous_sequence')} before it, the store {row['previous_sequence']}"
            yield Violation("out_of_order", f"notifications-{party}: number {row['sequence']} {detail}")


def _rising(invariant: str, where: str, items: Seen) -> Iterator[Violation]:
    """A reader that drops what it has sees numbers that rise."""
    for before, after in pairwise(_first_seen(items)):
        if after["sequence"] <= before["sequence"]:
            yield Violation(invariant, f"{where}: number {after['sequence']} comes after {before['sequence']}")


def _all_kept(invariant: str, where: str, rows: Sequence[Row], items: Seen) -> Iterator[Violation]:
    """Whatever was told is in the feed, under the number that it was told under."""
    kept = {(str(row["item"]), row["sequence"]) for row in rows}
    for item in items:
        if (item["item"], item["sequence"]) not in kept:
            yield Violation(invariant, f"{where}: item {item['item']}, number {item['sequence']}, is not in the feed")


def _all_streamed(party: str, rows: Sequence[Row], items: Seen) -> Iterator[Violation]:
    """The reader has seen each item of the feed, as it is there."""
    seen = {item["item"]: item for item in _first_seen(items)}
    for row in rows:
        item = seen.get(str(row["item"]))
        if item is None:
            yield Violation("stream", f"the stream of {party} has not shown item {row['item']} ({row['sequence']})")
        elif (item["subject"], item["action"]) != (row["subject"], row["action"]):
            yield Violation("stream", f"the stream of {party} has shown item {row['item']} with another content")


def _first_seen(items: Seen) -> list[Mapping[str, Any]]:
    first: dict[str, Mapping[str, Any]] = {}
    for item in items:
        first.setdefault(item["item"], item)
    return list(first.values())
