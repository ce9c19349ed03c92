"""The verdict on a Kafka record: accepted with its event, or rejected with its problems.

Invariant: each record has one verdict, whatever its bytes, and never affects the verdict on another one.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any, Final, NamedTuple, cast

from aiokafka.structs import ConsumerRecord

from contracts.envelope.codec import Event
from contracts.events.base import Revision
from contracts.refusal import Problem, Refused, printable
from services.chassis.outbox.outgoing import CAUSED_BY

Record = ConsumerRecord[bytes, bytes]

_PARTY: Final = re.compile(rb"[a-z0-9-]{1,100}")
_LONG_RUN: Final = 20


Link = tuple[str, str]
"""(subject that an event names, subject whose shared state the first one then reads, or "")."""
Coordinates = tuple[str, int, int]
"""The coordinates of a record: topic, partition, offset."""


class Accepted(NamedTuple):
    """A record whose event is to be stored; `received_at` is the instant at which the broker appended it."""

    record: Record
    party: str
    standing: str
    event: Event
    links: tuple[Link, ...]
    received_at: datetime

    @property
    def identity(self) -> tuple[str, str]:
        return self.event.source, self.event.id

    @property
    def weight(self) -> int:
        """How many reports the record counts as: one for each subject that it names, at least one."""
        return max(1, len({subject for subject, _ in self.links}))

    @property
    def revision(self) -> Revision:
        return cast(Revision, self.event.data)

    @property
    def updated_at(self) -> datetime:
        return self.revision.updated_at

    @property
    def version(self) -> int:
        """The version of an entity of our own topics; 0 for a report."""
        return int(getattr(self.event.data, "version", 0))


@dataclass(frozen=True, slots=True)
class Rejected:
    """A record that goes to the dead letters; `quoted` has its attributes as far as they could be read.

    `count` is how many records it stands for: itself, and those right behind it that were refused for the same reason.
    """

    record: Record
    party: str | None
    problems: tuple[Problem, ...]
    quoted: Mapping[str, str] = field(default_factory=dict)
    count: int = 1

    @property
    def first(self) -> Problem:
        return self.problems[0]

    @property
    def last_offset(self) -> int:
        """The offset of the last record that this one stands for."""
        return self.record.offset + self.count - 1

    def is_followed_by(self, other: "Rejected") -> bool:
        """Whether `other` stands right behind this one and was refused for the same reason."""
        before, after = self.record, other.record
        next_to = (after.topic, after.partition, after.offset) == (before.topic, before.partition, self.last_offset + 1)
        return next_to and other.first.reason == self.first.reason


Validated = Accepted | Rejected


def joined(rejected: Sequence[Rejected]) -> list[Rejected]:
    """Joins each long run into one, so that thousands of bad records cost one row and one answer."""
    runs: list[list[Rejected]] = []
    for one in rejected:
        if runs and runs[-1][-1].is_followed_by(one):
            runs[-1].append(one)
        else:
            runs.append([one])
    found: list[Rejected] = []
    for run in runs:
        found += run if len(run) < _LONG_RUN else [replace(run[0], count=len(run))]
    return found


def reject(record: Record, party: str | None, refusal: Refused) -> Rejected:
    """The rejection of a record, with the attributes that the refusal quotes."""
    return Rejected(record, party, refusal.problems, refusal.quoted)


def reject_event(record: Record, party: str | None, event: Event, refusal: Refused) -> Rejected:
    """The rejection of a record whose event could be decoded."""
    refusal.quote({"id": event.id, "source": event.source, "type": event.type, "subject": event.subject})
    return reject(record, party, refusal)


def caused_by(record: Record) -> str:
    """The party whose report caused a record of our own topics; "" for none."""
    named = next((raw for name, raw in record.headers if name == CAUSED_BY), None) or b""
    return named.decode() if _PARTY.fullmatch(named) else ""


def coordinates(record: Record) -> Coordinates:
    """The coordinates of a record."""
    return record.topic, record.partition, record.offset


def raw_headers(record: Record) -> list[list[Any]]:
    """The headers as JSON: pairs of name and percent-encoded value; null stays null."""
    return [[printable(n), None if v is None else _escaped(v)] for n, v in record.headers]


def _escaped(raw: bytes) -> str:
    # Percent-encoding keeps every byte and is safe in jsonb, which holds no NUL.
    return "".join(chr(b) if 32 <= b < 127 and b != 37 else f"%{b:02X}" for b in raw)
