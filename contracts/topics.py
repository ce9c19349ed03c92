"""The topic table: what flows where, by whom, under which key, kept how long.

Invariant: every topic that any service touches is made from a row of this table, by us, with log-append time;
nothing is created automatically. A party, an authority and a country name never contains a dot or underscore.
"""

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import Final, Literal

from contracts import catalogue
from contracts.catalogue import EventType

MAX_INCOMING: Final = 256 * 1024
"""Largest body that a party may send, in bytes."""
MAX_PUBLISHED: Final = 512 * 1024
"""Largest record that a service publishes, in bytes."""

Per = Literal["party", "authority", "country", "service"]
_DAY_MS: Final = 86_400_000
SERVICES: Final = ("tracking", "customs", "notifications")
# A party of the name dlq would read or write the dead letters of a service.
_NAME: Final = r"(?!dlq$)[a-z0-9]+(?:-[a-z0-9]+)*"
_LONGEST: Final = 249
"""The longest topic name that Kafka takes."""


@lru_cache(maxsize=256)
def _regex(row: str) -> str:
    before, _, rest = row.partition("<")
    variable, _, after = rest.partition(">")
    names = "|".join(SERVICES) if variable == "service" else _NAME
    return f"^{re.escape(before)}{f'(?P<name>{names})' if variable else ''}{re.escape(after)}$"


@lru_cache(maxsize=4096)
def _named(row: str, name: str) -> str:
    topic = re.sub(r"<[a-z]+>", lambda _: name.lower(), row)
    if not re.fullmatch(_regex(row), topic) or len(topic) > _LONGEST:
        raise ValueError(f"{name!r} cannot be part of a topic name")
    return topic


@dataclass(frozen=True, slots=True)
class Topic:
    """One row: `name` with an optional `<party>`, `<authority>`, `<country>` or `<service>` in it."""

    name: str
    key: str
    writers: tuple[str, ...]
    readers: tuple[str, ...]
    types: tuple[str, ...]
    partitions: int = 1
    compacted: bool = False

    @property
    def ingress(self) -> bool:
        """Whether parties write it."""
        return any(w in ("operator", "declarant", "authority") for w in self.writers)

    @property
    def regex(self) -> str:
        """A pattern that matches exactly the topics of this row; the variable part is group `name`."""
        return _regex(self.name)

    def holds(self, topic: str) -> bool:
        """Whether a topic is one of this row's."""
        return re.fullmatch(self.regex, topic) is not None

    @property
    def events(self) -> dict[str, EventType]:
        return {name: catalogue.TYPES[name] for name in self.types}

    def of(self, name: str = "") -> str:
        """The topic of one party, authority, country or service; raises `ValueError` for a bad name."""
        return _named(self.name, name)

    def config(self) -> dict[str, str]:
        """The topic settings of Kafka."""
        kept = (
            {"cleanup.policy": "compact"}
            if self.compacted
            else {"cleanup.policy": "delete", "retention.ms": str(30 * _DAY_MS)}
        )
        limit = MAX_INCOMING if self.ingress else MAX_PUBLISHED
        # Headers and framing come on top of the body; what is over our own limit still has to reach us to be answered.
        size = max(1_048_588, 2 * limit)
        return {"message.timestamp.type": "LogAppendTime", "max.message.bytes": str(size), **kept}


MILESTONES: Final = Topic(
    "milestones-<party>",
    "subject",
    ("operator", "tracking"),
    ("tracking",),
    tuple(catalogue.select("operator")),
)
DECLARATIONS: Final = Topic(
    "declarations-<party>",
    "consignment",
    ("declarant", "customs"),
    ("customs",),
    tuple(catalogue.select("declarant")),
)
DECISIONS: Final = Topic(
    "customs-decisions-<authority>",
    "case",
    ("authority", "customs"),
    ("customs",),
    tuple(catalogue.select("authority")),
)
RECEIPTS: Final = Topic(
    "receipts-<party>", "source", ("tracking", "customs", "notifications"), ("party",), (catalogue.RECEIPT,)
)
TRACKING_EVENTS: Final = Topic(
    "tracking-events",
    "entity",
    ("tracking",),
    ("customs", "notifications"),
    (catalogue.SUBJECT, catalogue.EXCEPTION),
    partitions=8,
    compacted=True,
)
CUSTOMS_EVENTS: Final = Topic(
    "customs-events",
    "entity",
    ("customs",),
    ("notifications",),
    (catalogue.CASE, catalogue.VIOLATION, catalogue.ARRIVAL),
    partitions=8,
    compacted=True,
)
CUSTOMS_CASES: Final = Topic(
    "customs-cases-<country>",
    "entity",
    ("customs",),
    ("authority",),
    (catalogue.CASE, catalogue.VIOLATION, catalogue.ARRIVAL, catalogue.ANSWER),
    partitions=1,
    compacted=True,
)
NOTIFICATIONS: Final = Topic(
    "notifications-<party>", "subject", ("notifications",), ("party",), (catalogue.NOTIFICATION,)
)
DLQ: Final = Topic(
    "<service>-dlq",
    "original key",
    ("tracking", "customs", "notifications"),
    ("operations",),
    (catalogue.DEAD_LETTER,),
)

TABLE: Final[tuple[Topic, ...]] = (
    MILESTONES,
    DECLARATIONS,
    DECISIONS,
    RECEIPTS,
    TRACKING_EVENTS,
    CUSTOMS_EVENTS,
    CUSTOMS_CASES,
    NOTIFICATIONS,
    DLQ,
)

INTERNAL: Final = frozenset(row.name for row in TABLE if {*row.writers, *row.readers} <= set(SERVICES))
"""The topics that only services write and read."""


@lru_cache(maxsize=4096)
def party_of(topic: str, row: Topic) -> str | None:
    """Whose topic this is, by the row's pattern; None where it is not of that row."""
    found = re.fullmatch(row.regex, topic)
    return found.groupdict().get("name") if found else None
