"""A service's reading of one topic: who may send on it, which subjects an event names, how records are stored.

Invariant: everything here but `store` and `admit` is a pure function of one record. A batch has one verdict for each of
its records, in their order.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from typing import Any, ClassVar

from aiokafka import TopicPartition
from pydantic_core import CoreSchema, core_schema

from contracts.catalogue import EventType
from contracts.envelope.codec import Event, Headers, decode_published, decode_record
from contracts.refusal import Refused, refused
from contracts.topics import MAX_INCOMING, MAX_PUBLISHED, Topic, party_of
from services.chassis.base.checks import require_known, require_past
from services.chassis.base.clock import is_ahead
from services.chassis.base.database import Connection
from services.chassis.base.parties import Party, PartyBook
from services.chassis.ingest import daily, facts, records
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.records import Accepted, Link, Record, Rejected, Validated
from services.chassis.kafka.wire import MOST, Unread

StandIn = Callable[[Any, Party | None, datetime, bool], tuple[str, Event] | None]
"""(record, party, now, placed) to the standing and event that the service states for a record in quarantine, or None;
`placed` is true when the record enters quarantine, false when it leaves."""
Decode = Callable[[Headers, bytes | None, Mapping[str, EventType], int], Event]
ReceivedAt = Callable[[int], datetime]
"""The instant at which a record was received, from its log-append time in milliseconds."""


@dataclass(frozen=True, slots=True)
class Stream(ABC):
    """One consumer, of the group `<service>-<name>`; `links_of` gives the links of an event."""

    name: str
    topic: Topic
    links_of: Callable[[Event], Iterable[Link]]

    is_answered: ClassVar[bool]
    """Whether the sender of each record gets a receipt."""

    def reads(self, topic: str) -> bool:
        """Whether this stream reads a topic."""
        return self.topic.holds(topic)

    @abstractmethod
    def sender(self, topic: str) -> str | None:
        """The party that writes a topic; None for our own services."""

    @abstractmethod
    def validate(self, record: Record, book: PartyBook, received_at: ReceivedAt) -> Validated:
        """The verdict on one record, whatever its bytes."""

    @abstractmethod
    async def admit(self, connection: Connection, validated: Sequence[Validated], book: PartyBook) -> list[Validated]:
        """The validated, with reports over the daily budget of their party refused."""

    @abstractmethod
    async def store(self, connection: Connection, accepted: Sequence[Accepted], now: datetime) -> Kept:
        """Stores accepted records; the caller folds or queues the subjects that they name."""


@dataclass(frozen=True, slots=True)
class ReportStream(Stream):
    """Topics of parties: every revision is kept, and each report gets a receipt.

    `authorize` raises `Refused` for a report that its sender may not make. `stand_in` makes the events that stand in
    for records in quarantine.
    """

    authorize: Callable[[Event, Party], None]
    stand_in: StandIn | None = None

    is_answered: ClassVar[bool] = True

    def sender(self, topic: str) -> str | None:
        return party_of(topic, self.topic)

    def validate(self, record: Record, book: PartyBook, received_at: ReceivedAt) -> Validated:
        name = self.sender(record.topic) or ""
        received = received_at(record.timestamp)
        try:
            event = _decoded(record, self.topic, decode_record, MAX_INCOMING)
        except Refused as refusal:
            return records.reject(record, name, refusal)
        try:
            require_known(event)
            party = self._authorized(event, book.get(name), name)
            require_past(event, received)
        except Refused as refusal:
            return records.reject_event(record, name, event, refusal)
        return Accepted(record, name, party.standing, event, tuple(self.links_of(event)), received)

    async def admit(self, connection: Connection, validated: Sequence[Validated], book: PartyBook) -> list[Validated]:
        return await daily.within(connection, validated, book.budget)

    async def store(self, connection: Connection, accepted: Sequence[Accepted], now: datetime) -> Kept:
        return await facts.insert_events(connection, accepted, now) if accepted else Kept()

    def _authorized(self, event: Event, party: Party | None, name: str) -> Party:
        if party is None:
            raise refused("not_entitled", "$", f"no party {name} is known")
        party.require(event)
        self.authorize(event, party)
        return party


@dataclass(frozen=True, slots=True)
class EntityStream(Stream):
    """A topic of our own: each record replaces the row of its entity if its version is higher."""

    is_answered: ClassVar[bool] = False

    def sender(self, topic: str) -> str | None:
        return None

    def validate(self, record: Record, book: PartyBook, received_at: ReceivedAt) -> Validated:
        try:
            event = _decoded(record, self.topic, decode_published, MAX_PUBLISHED)
        except Refused as refusal:
            return records.reject(record, None, refusal)
        received = received_at(record.timestamp)
        found = Accepted(record, self.topic.name, "service", event, tuple(self.links_of(event)), received)
        if not is_ahead(found.version):
            return found
        # Stored, it would hide all true versions that follow, since they are lower.
        ahead = refused("from_the_future", "$.data.version", "its instant is ahead of our clock")
        return records.reject_event(record, None, event, ahead)

    async def admit(self, connection: Connection, validated: Sequence[Validated], book: PartyBook) -> list[Validated]:
        return list(validated)

    async def store(self, connection: Connection, accepted: Sequence[Accepted], now: datetime) -> Kept:
        return await facts.replace_replicas(connection, accepted) if accepted else Kept()


@dataclass
class Batch:
    """Records of one stream with their validated; `now` is the corridor's present, `connection` its transaction."""

    stream: Stream
    records: Sequence[Record]
    validated: Sequence[Validated]
    now: datetime
    connection: Connection | None = None

    @classmethod
    def __get_pydantic_core_schema__(cls, *_: Any) -> CoreSchema:
        """Any: FastStream's AsyncAPI document describes no batch, since our own has the schemas of the events."""
        return core_schema.any_schema()

    @property
    def accepted(self) -> list[Accepted]:
        """The records whose events are to be stored."""
        return [v for v in self.validated if isinstance(v, Accepted)]

    @property
    def rejected(self) -> list[Rejected]:
        """The records that go to the dead letters."""
        return [v for v in self.validated if isinstance(v, Rejected)]

    @cached_property
    def ends(self) -> Mapping[TopicPartition, int]:
        """The next offset of each partition, behind its last record."""
        return {TopicPartition(r.topic, r.partition): r.offset + 1 for r in self.records}

    @property
    def name(self) -> str:
        """A name for the batch, unique by its offsets; the ids of its receipts follow from it."""
        return ";".join(f"{p.topic}/{p.partition}/{end}" for p, end in sorted(self.ends.items()))

    async def store(self) -> Kept:
        """Stores the accepted records; raises outside a transaction."""
        if self.connection is None:
            raise RuntimeError("a batch is stored in the transaction of its positions")
        return await self.stream.store(self.connection, self.accepted, self.now)


def stream_of(streams: Iterable[Stream], topic: str) -> Stream | None:
    """The stream that reads a topic; None if no stream does."""
    return next((s for s in streams if s.reads(topic)), None)


def _decoded(record: Record, topic: Topic, decode: Decode, most: int) -> Event:
    if isinstance(record.value, Unread):
        raise refused("too_large", "$", f"the record's batch unpacks to more than {MOST} bytes, or not at all")
    return decode(record.headers, record.value, topic.events, most)
