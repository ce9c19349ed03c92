"""What a service says of one stream that it reads: topics, who may send, which subjects an event names.

Invariant: a handler is a pure function of one decoded event; delivery, dedupe and transactions are the chassis's.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from contracts.codec import Event
from contracts.topics import Topic
from services.chassis.parties import Party

Link = tuple[str, str]
"""(subject that the event names, subject whose picture that one reads because of it, or "")."""


@dataclass(frozen=True, slots=True)
class Stream:
    """One consumer: its group is `<service>-<name>`.

    `names` gives the links of an event. `entitled` raises `Refused` for what the sender may not say. With
    `own` the topic is one of our own: its records replace one row for each entity, the highest version winning.
    """

    name: str
    topic: Topic
    names: Callable[[Event], Iterable[Link]]
    entitled: Callable[[Event, Party], None] | None = None

    @property
    def own(self) -> bool:
        return self.entitled is None
