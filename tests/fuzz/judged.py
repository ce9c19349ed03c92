"""Spoilt records judged in this process, by the code that judges those from Kafka.

Invariant: a record comes to an event or to a reason of the closed list; anything else that escapes is a failure.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from contracts.refusal import REASONS
from deploy.provision import read_parties, topics_of
from services.chassis import records
from services.chassis.answers import receipt_of_rejection
from services.chassis.parties import Party, PartyBook
from services.chassis.records import Accepted, Record, raw_headers
from services.chassis.stream import Stream, stream_of
from services.customs.handlers import STREAMS as CUSTOMS
from services.notifications.handlers import STREAMS as NOTIFICATIONS
from services.tracking.handlers import STREAMS as TRACKING
from tests.fuzz.mutate import Spoilt
from tests.support import builders as b

_TOPICS = {name for name, _ in topics_of(read_parties())}
STREAMS: tuple[Stream, ...] = (*TRACKING, *CUSTOMS, *NOTIFICATIONS)


class Book(PartyBook):
    """The parties of the file, without a store."""

    def __init__(self) -> None:
        super().__init__()
        self._parties: Mapping[str, Party] = {p.party: p for p in read_parties()}


@dataclass(slots=True)
class Tally:
    """What a run has come to."""

    events: int = 0
    reasons: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


def topic_of(one: Spoilt) -> str:
    """Where the example's sender would send it; now and then, or where there is no such topic, somewhere else."""
    stream = next((s for s in STREAMS if one.example.type in s.topic.events), None)
    if stream is None or one.number % 17 == 0:
        return "milestones-ktz"
    topic = stream.topic.of("" if stream.own else one.example.event.source.split(":")[2])
    return topic if topic in _TOPICS else "milestones-pr"


def judge_all(spoilt: Iterable[Spoilt], streams: tuple[Stream, ...] = STREAMS) -> Tally:
    """The verdicts on many records."""
    tally, book = Tally(), Book()
    for one in spoilt:
        try:
            _judge(one, b.a_record(topic_of(one), one.number, one.headers, one.value), streams, book, tally)
        except Exception as failure:
            tally.failures.append(f"{type(failure).__name__}: {failure} on {one}")
    return tally


def _judge(one: Spoilt, record: Record, streams: tuple[Stream, ...], book: Book, tally: Tally) -> None:
    stream = stream_of(streams, record.topic)
    assert stream is not None
    verdict = records.judge(record, stream, book)
    if isinstance(verdict, Accepted):
        tally.events += 1
        _storable(verdict.event.subject, verdict.event.id, verdict.event.source)
        return
    tally.reasons[verdict.first.reason] += 1
    if verdict.first.reason not in REASONS or verdict.first.reason == "quarantined":
        tally.failures.append(f"reason {verdict.first.reason} on {one}")
    answer = receipt_of_rejection(verdict, verdict.party or "nobody")
    _storable(*(v for v in answer if isinstance(v, str)), json.dumps(raw_headers(record)))


def _storable(*texts: str) -> None:
    """Raises what Postgres would: it takes UTF-8 without NUL."""
    for text in texts:
        if b"\x00" in text.encode():
            raise ValueError("a NUL in a text that is stored")
