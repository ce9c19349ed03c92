"""Spoilt records judged in this process, by the code that judges those from Kafka.

Invariant: a record comes to an event or to a reason of the closed list; anything else that escapes is a failure. What
our own services publish lies behind the broker's access rules: of such a record the decoding alone is asked.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Final

from contracts.refusal import REASONS
from deploy.provision import read_parties
from services.chassis.base.clock import machinery_now
from services.chassis.base.parties import Party, PartyBook
from services.chassis.ingest.answers import receipt_of_rejection
from services.chassis.ingest.records import Accepted, Record, Rejected, Validated, raw_headers
from services.chassis.ingest.stream import EntityStream, Stream, stream_of
from services.customs.handlers import STREAMS as CUSTOMS
from services.notifications.handlers import STREAMS as NOTIFICATIONS
from services.tracking.handlers import STREAMS as TRACKING
from tests.fuzz.mutate import Spoilt
from tests.support import builders as b

STREAMS: Final[tuple[Stream, ...]] = tuple(
    replace(stream, links_of=lambda _: ()) if isinstance(stream, EntityStream) else stream
    for stream in (*TRACKING, *CUSTOMS, *NOTIFICATIONS)
)
# Only what is there already decides of these.
_LATER: Final = ("type_changed", "over_budget", "quarantined")


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


def judge(one: Spoilt, book: PartyBook) -> Validated:
    """What the first service that reads the record's topic would say."""
    return judge_record(b.a_record(one.topic, one.number, one.headers, one.value, one.key), book)


def judge_record(record: Record, book: PartyBook) -> Validated:
    """The same for a record as the client hands it over."""
    stream = stream_of(STREAMS, record.topic)
    assert stream is not None
    return stream.validate(record, book, lambda _: machinery_now())


def judge_all(spoilt: Iterable[Spoilt]) -> Tally:
    """The verdicts on many records."""
    tally, book = Tally(), Book()
    for one in spoilt:
        try:
            verdict = judge(one, book)
            _count(verdict, tally)
            tally.failures += [f"{fault}: {one}" for fault in faults(verdict)]
        except Exception as failure:
            tally.failures.append(f"{type(failure).__name__}: {failure}: {one}")
    return tally


def _count(verdict: Validated, tally: Tally) -> None:
    if isinstance(verdict, Accepted):
        tally.events += 1
    else:
        tally.reasons[verdict.first.reason] += 1


def faults(verdict: Validated) -> Iterator[str]:
    """What is wrong with a verdict: a reason that is none, or a text that no store takes."""
    if isinstance(verdict, Rejected):
        if unknown := {p.reason for p in verdict.problems} - {r for r in REASONS if r not in _LATER}:
            yield f"the reasons {sorted(unknown)}"
        if not verdict.first.path.startswith("$") or not verdict.first.detail:
            yield "no path or no detail"
    for text in _stored_texts(verdict):
        if "\x00" in text or not _is_unicode(text):
            yield f"{text[:80]!r} cannot be stored"


def _stored_texts(verdict: Validated) -> Iterator[str]:
    """The texts that reach the store."""
    if isinstance(verdict, Accepted):
        event = verdict.event
        yield from (event.id, event.source, event.type, event.subject, event.traceparent or "")
        yield from (text for link in verdict.links for text in link)
        return
    yield from (v for v in receipt_of_rejection(verdict, verdict.party or "") if isinstance(v, str))
    yield json.dumps(raw_headers(verdict.record), ensure_ascii=False)


def _is_unicode(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True
