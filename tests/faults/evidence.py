"""What a run under faults leaves behind for the checks: what was sent and acknowledged, and where to look.

Invariant: plain values, so that runner, load, model and checks know nothing of each other, nor of the services.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from services.chassis.base.access import KafkaAccess

Header = tuple[str, bytes]


@dataclass(frozen=True, slots=True)
class Send:
    """One record to produce; `refused_as` is the reason of the closed list that it has to get, None for a good one.

    `source` and `id` name the event where the record has any that can be read.
    """

    topic: str
    key: bytes | None
    headers: tuple[Header, ...]
    value: bytes | None
    source: str | None = None
    id: str | None = None
    refused_as: str | None = None


@dataclass(frozen=True, slots=True)
class Acknowledged:
    """A record that Kafka has acknowledged, and where it stands."""

    send: Send
    partition: int
    offset: int


@dataclass(frozen=True, slots=True)
class Violation:
    """An invariant that does not hold, with enough to look further."""

    invariant: str
    detail: str


@dataclass(slots=True)
class Evidence:
    """All that the checks are given: addresses of the servers themselves, not of what stands before them."""

    access: KafkaAccess
    database_urls: Mapping[str, str]
    urls: Mapping[str, str]
    tokens: Mapping[str, str]
    as_of: datetime
    acknowledged: Sequence[Acknowledged] = ()
    streamed: Mapping[str, Sequence[Mapping[str, Any]]] = field(default_factory=dict)
    """For each party, the items that a stream reader saw, in order, however often it was cut."""
