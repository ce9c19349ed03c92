"""How a report is put on the wire: as a Kafka record or an HTTP request, whole or spoilt.

Invariant: what is sent depends on the report alone, so that every play sends the same bytes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal

from contracts import catalogue, topics
from contracts.envelope import codec
from contracts.envelope.canonical import write_json
from contracts.topics import Topic

Mode = Literal["binary", "structured", "http"]
Spoilt = Literal["cut", "header"]
Outcome = Literal["accepted", "repeat", "refused"]

_TOPICS: Final[Mapping[str, Topic]] = {
    name: row for row in (topics.MILESTONES, topics.DECLARATIONS, topics.DECISIONS) for name in row.types
}
_SERVICES: Final = {topics.MILESTONES: "tracking", topics.DECLARATIONS: "customs", topics.DECISIONS: "customs"}


@dataclass(frozen=True, slots=True)
class Send:
    """One sending of one report: by whom, when it reaches the wire, and what must become of it."""

    at: datetime
    party: str
    type: str
    id: str
    subject: str
    data: Mapping[str, Any]
    mode: Mode = "binary"
    source: str = ""
    spoilt: Spoilt | None = None
    outcome: Outcome = "accepted"

    @property
    def topic(self) -> str:
        return _TOPICS[self.type].of(self.party)

    @property
    def service(self) -> str:
        """The service that reads it."""
        return _SERVICES[_TOPICS[self.type]]

    @property
    def ce_source(self) -> str:
        return self.source or source_of(self.party)


@dataclass(frozen=True, slots=True)
class Record:
    """A Kafka record, ready to be produced."""

    topic: str
    key: bytes
    headers: Sequence[tuple[str, bytes]]
    value: bytes


def source_of(party: str) -> str:
    """The source under which a party reports."""
    return f"urn:corridor:{party}:ops"


def document(send: Send) -> dict[str, Any]:
    """The report as a structured-mode document."""
    return codec.structured(id=send.id, source=send.ce_source, type=send.type, subject=send.subject, data=send.data)


def record(send: Send) -> Record:
    """The report as a Kafka record in its mode."""
    if send.mode == "structured":
        headers, value = [("content-type", codec.STRUCTURED.encode())], codec.structured_body(document(send))
    else:
        headers = codec.encode(id=send.id, source=send.ce_source, type=send.type, subject=send.subject)
        value = write_json(send.data)
    return _spoilt(send, Record(send.topic, send.subject.encode(), headers, value))


def _spoilt(send: Send, whole: Record) -> Record:
    if send.spoilt == "cut":
        return Record(whole.topic, whole.key, whole.headers, whole.value[: len(whole.value) // 2])
    if send.spoilt == "header":
        # A name in Windows-1251, as an old dispatcher's system writes it.
        headers = [*whole.headers, ("ce_operator", "Диспетчер".encode("cp1251"))]
        return Record(whole.topic, whole.key, headers, whole.value)
    return whole


assert set(_TOPICS) == set(catalogue.select("operator", "declarant", "authority"))
