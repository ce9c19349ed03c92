"""What was sent, as Kafka holds it, and what must have become of each record.

Invariant: what Kafka holds is what was sent; the runner's list says what was acknowledged, and what has to be refused.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime

from contracts import topics
from contracts.envelope.codec import Event, decode_record
from contracts.refusal import Refused
from contracts.topics import MAX_INCOMING
from tests.faults.evidence import Acknowledged, Evidence, Header, Send, Violation
from tests.faults.looked import Found, Taken, row_of

Place = tuple[str, int, int]
Content = tuple[str, str, bytes]
Bytes = tuple[str, tuple[Header, ...], bytes | None]


@dataclass(frozen=True, slots=True)
class Entry:
    """One record on an ingress topic: either its event, or the reason for which it has to be refused."""

    place: Place
    party: str
    service: str
    event: Event | None
    reason: str | None

    @property
    def content(self) -> Content:
        """Source, id and content hash of a good record: what makes a revision."""
        assert self.event is not None
        return self.event.source, self.event.id, self.event.content_hash

    @property
    def updated_at(self) -> datetime:
        assert self.event is not None
        found: datetime = self.event.data.updated_at  # type: ignore[attr-defined]
        return found


@dataclass(frozen=True, slots=True)
class Ledger:
    """All records on ingress topics, in order of topic, partition and offset."""

    entries: tuple[Entry, ...]

    def good(self, service: str) -> Iterator[Entry]:
        return (e for e in self.entries if e.service == service and e.event is not None)

    def bad(self, service: str) -> Iterator[Entry]:
        return (e for e in self.entries if e.service == service and e.event is None)

    def revisions(self, service: str) -> dict[Content, list[Entry]]:
        """The records of each revision; the first one is to be stored, the others are repeats."""
        found: dict[Content, list[Entry]] = {}
        for entry in self.good(service):
            found.setdefault(entry.content, []).append(entry)
        return found


def ledger(evidence: Evidence, found: Found) -> Ledger:
    """The ledger of a run."""
    sent = {(a.send.topic, a.partition, a.offset): a.send for a in evidence.acknowledged}
    # What was sent twice because nobody knew whether it had arrived is judged as its twin is.
    twins = {(send.topic, send.headers, send.value): send for send in sent.values()}
    return Ledger(tuple(_entry(taken, _send(taken, sent, twins)) for taken in _ingress(found)))


def unheld(evidence: Evidence, found: Found) -> Iterator[Violation]:
    """What Kafka has acknowledged and does not hold: then nobody could have read it."""
    held = {(t.topic, t.partition, t.offset): (t.headers, t.value) for t in _ingress(found)}
    for one in evidence.acknowledged:
        if held.get(_place(one)) != (one.send.headers, one.send.value):
            yield Violation("lost", f"{_place(one)}: Kafka does not hold what it acknowledged of {one.send.id}")


def _place(one: Acknowledged) -> Place:
    return one.send.topic, one.partition, one.offset


def _ingress(found: Found) -> Iterable[Taken]:
    rows = {name: row_of(name) for name in found.records}
    return (
        taken for name, records in found.records.items() if (row := rows[name]) and row.ingress for taken in records
    )


def _send(taken: Taken, sent: Mapping[Place, Send], twins: Mapping[Bytes, Send]) -> Send | None:
    place = (taken.topic, taken.partition, taken.offset)
    return sent.get(place) or twins.get((taken.topic, taken.headers, taken.value))


def _entry(taken: Taken, send: Send | None) -> Entry:
    row = row_of(taken.topic)
    assert row is not None
    party = topics.party_of(taken.topic, row) or ""
    service = "tracking" if row == topics.MILESTONES else "customs"
    place = (taken.topic, taken.partition, taken.offset)
    if send is not None and send.refused_as:
        return Entry(place, party, service, None, send.refused_as)
    try:
        event = decode_record(taken.headers, taken.value, row.events, MAX_INCOMING)
    except Refused as refusal:
        return Entry(place, party, service, None, refusal.first.reason)
    return Entry(place, party, service, event, None)
