"""What customs states while a decision or hold is in quarantine: the case is not to go on without it.

Invariant: the stand-in is a hold of our own, known by the place of the record, in the law of what it names; it is
lifted when the record has been replayed or given up.
"""

import contextlib
import hashlib
from collections.abc import Iterator
from datetime import datetime
from typing import Final

import orjson

from contracts import catalogue, topics
from contracts.envelope import codec
from contracts.envelope.codec import Event
from contracts.events.fields import utc_text
from contracts.identifiers.subjects import BadSubject, kind_of, parse, parse_case
from services.chassis.base.parties import Party
from services.chassis.ingest.records import Record

SOURCE: Final = "urn:corridor:customs"
_STOPPED: Final = ("case", "consignment", "container", "wagon")


def hold_while_quarantined(
    record: Record, party: Party | None, now: datetime, placed: bool
) -> tuple[str, Event] | None:
    """The SYSTEM_DOWN hold on what a record names, or its lifting; None when the record names nothing that we know."""
    subject = next(_named(record), None)
    if subject is None:
        return None
    laws = [parse_case(subject).jurisdiction] if kind_of(subject) == "case" else (party.jurisdictions if party else ())
    place = f"{record.topic}/{record.partition}/{record.offset}"
    name = f"SYSTEM-{hashlib.sha256(place.encode()).hexdigest()[:16]}"
    data = {"hold": name, "system": "corridor", "occurred_at": utc_text(now), "updated_at": utc_text(now)}
    if placed:
        data |= {"reason": "SYSTEM_DOWN", "remarks": f"we failed on {place}"}
    event = {
        "specversion": "1.0",
        "id": f"{name}-{'placed' if placed else 'lifted'}",
        "source": SOURCE,
        "type": catalogue.HOLD_PLACED if placed else catalogue.HOLD_LIFTED,
        "subject": subject,
        "data": data,
    }
    return f"system:{','.join(laws)}", codec.decode_structured(event, topics.DECISIONS.events)


def _named(record: Record) -> Iterator[str]:
    """What a record that we cannot read may be about: its subject as written in any of its places."""
    for text in _texts(record):
        with contextlib.suppress(BadSubject, ValueError):
            subject = parse(text)
            if kind_of(subject) in _STOPPED:
                yield subject


def _texts(record: Record) -> Iterator[str]:
    yield from (v.decode("utf-8", "replace") for n, v in record.headers if n == "ce_subject" and v)
    with contextlib.suppress(ValueError):
        document = orjson.loads(record.value or b"")
        if isinstance(document, dict) and isinstance(document.get("subject"), str):
            yield document["subject"]
    if record.key:
        yield record.key.decode("utf-8", "replace")
