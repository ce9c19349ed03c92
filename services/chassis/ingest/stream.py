"""What a service says of one stream that it reads: topics, who may send, which subjects an event names.

Invariant: a handler is a pure function of one decoded event; delivery, dedupe and transactions are the chassis's.
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from contracts.envelope.codec import Event
from contracts.topics import Topic
from services.chassis.base.parties import Party

Link = tuple[str, str]
"""(subject that the event names, subject whose picture that one reads because of it, or "")."""

StandIn = Callable[[Any, Party | None, datetime, bool], tuple[str, Event] | None]


@dataclass(frozen=True, slots=True)
class Stream:
    """One consumer: its group is `<service>-<name>`.

    `names` gives the links of an event. `entitled` raises `Refused` for what the sender may not say. With
    `own` the topic is one of our own: its records replace one row for each entity, the highest version winning.
    `stand_in` gives what the service itself states while a record is in quarantine (true), and when it no longer
    is (false): the standing that it has, and the event.
    """

    name: str
    topic: Topic
    names: Callable[[Event], Iterable[Link]]
    entitled: Callable[[Event, Party], None] | None = None
    stand_in: StandIn | None = None

    @property
    def own(self) -> bool:
        return self.entitled is None

    def reads(self, topic: str) -> bool:
        """Whether a topic is one of this stream's."""
        return self.topic.holds(topic)


def stream_of(streams: Sequence[Stream], topic: str) -> Stream | None:
    """The stream that reads a topic."""
    return next((s for s in streams if s.reads(topic)), None)
