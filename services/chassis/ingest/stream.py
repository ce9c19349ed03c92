"""What a service says of one topic that it reads: who may send on it, which subjects an event names, what is stored.

Invariant: everything here but `store` and `admit` is a pure function of one record; delivery, dedupe and transactions
are the chassis's.
"""

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, ClassVar

from contracts.envelope.codec import Event, decode_record
from contracts.refusal import Refused, refused
from contracts.topics import MAX_INCOMING, MAX_PUBLISHED, Topic, party_of
from services.chassis.base.checks import require_known, require_past
from services.chassis.base.clock import is_ahead
from services.chassis.base.database import Connection
from services.chassis.base.parties import Party, PartyBook
from services.chassis.ingest import daily, facts, records
from services.chassis.ingest.facts import Kept
from services.chassis.ingest.records import Accepted, Link, Record, Verdict
from services.chassis.kafka.wire import MOST, Unread

StandIn = Callable[[Any, Party | None, datetime, bool], tuple[str, Event] | None]
"""Gives what the service itself states while a record is in quarantine (true), and when it no longer is (false): the
standing that it has, and the event."""
ReceivedAt = Callable[[int], datetime]
"""The instant at which a record was received, from its log-append time in milliseconds."""


@dataclass(frozen=True, slots=True)
class Stream(ABC):
    """One consumer: its group is `<service>-<name>`; `links_of` gives what an event names."""

    name: str
    topic: Topic
    links_of: Callable[[Event], Iterable[Link]]

    is_answered: ClassVar[bool]
    """Whether senders are told what became of each record."""

    def reads(self, topic: str) -> bool:
        """Whether a topic is one of this stream's."""
        return self.topic.holds(topic)

    @abstractmethod
    def sender(self, topic: str) -> str | None:
        """The party that writes a topic; None for our own services."""

    @abstractmethod
    def validate(self, record: Record, book: PartyBook, received_at: ReceivedAt) -> Verdict:
        """The verdict on one record, whatever its bytes."""

    @abstractmethod
    async def admit(self, connection: Connection, verdicts: Sequence[Verdict], book: PartyBook) -> list[Verdict]:
        """The same verdicts, but for what is beyond the budget of a day."""

    @abstractmethod
    async def store(self, connection: Connection, accepted: Sequence[Accepted], now: datetime) -> Kept:
        """Stores what was accepted, and queues the subjects that it names."""


@dataclass(frozen=True, slots=True)
class ReportStream(Stream):
    """Topics of parties: every revision is kept, and each report is answered.

    `authorize` raises `Refused` for what the sender may not say. `stand_in` speaks for records in quarantine.
    """

    authorize: Callable[[Event, Party], None]
    stand_in: StandIn | None = None

    is_answered: ClassVar[bool] = True

    def sender(self, topic: str) -> str | None:
        return party_of(topic, self.topic)

    def validate(self, record: Record, book: PartyBook, received_at: ReceivedAt) -> Verdict:
        name = self.sender(record.topic) or ""
        received = received_at(record.timestamp)
        try:
            event = _decoded(record, self.topic, MAX_INCOMING)
        except Refused as refusal:
            return records.reject(record, name, refusal)
        try:
            require_known(event)
            party = self._authorized(event, book.get(name), name)
            require_past(event, received)
        except Refused as refusal:
            return records.reject_event(record, name, event, refusal)
        return Accepted(record, name, party.standing, event, tuple(self.links_of(event)), received)

    async def admit(self, connection: Connection, verdicts: Sequence[Verdict], book: PartyBook) -> list[Verdict]:
        return await daily.within(connection, verdicts, book.budget)

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
    """A topic of our own: its records replace one row for each entity, the highest version winning."""

    is_answered: ClassVar[bool] = False

    def sender(self, topic: str) -> str | None:
        return None

    def validate(self, record: Record, book: PartyBook, received_at: ReceivedAt) -> Verdict:
        try:
            event = _decoded(record, self.topic, MAX_PUBLISHED)
        except Refused as refusal:
            return records.reject(record, None, refusal)
        received = received_at(record.timestamp)
        found = Accepted(record, self.topic.name, "service", event, tuple(self.links_of(event)), received)
        if not is_ahead(found.version):
            return found
        # Whoever has written it: the true versions that follow would all be lower.
        ahead = refused("from_the_future", "$.data.version", "its instant is ahead of our clock")
        return records.reject_event(record, None, event, ahead)

    async def admit(self, connection: Connection, verdicts: Sequence[Verdict], book: PartyBook) -> list[Verdict]:
        return list(verdicts)

    async def store(self, connection: Connection, accepted: Sequence[Accepted], now: datetime) -> Kept:
        return Kept(await facts.replace_replicas(connection, accepted)) if accepted else Kept()


def stream_of(streams: Iterable[Stream], topic: str) -> Stream | None:
    """The stream that reads a topic."""
    return next((s for s in streams if s.reads(topic)), None)


def _decoded(record: Record, topic: Topic, most: int) -> Event:
    if isinstance(record.value, Unread):
        raise refused("too_large", "$", f"the record's batch unpacks to more than {MOST} bytes, or not at all")
    return decode_record(record.headers, record.value, topic.events, most)
