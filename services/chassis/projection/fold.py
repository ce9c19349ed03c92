"""The inputs and results of a fold: plain values, no I/O.

Invariant: `Folded.content`, `shared` and `due` depend on the inputs and `as_of` alone, never on their order.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, NamedTuple

from contracts.envelope.codec import read_data
from contracts.events.base import Data


class StoredRevision(NamedTuple):
    """One accepted revision as stored; `received_at` is the instant at which the broker first appended it."""

    source: str
    event_id: str
    content_hash: bytes
    type: str
    subject: str
    party: str
    standing: str
    updated_at: datetime
    retracted: bool
    body: bytes
    received_at: datetime

    def __hash__(self) -> int:
        # Caches are keyed by revisions; the content hash stands for the content.
        return hash((self.source, self.event_id, self.content_hash))

    @property
    def identity(self) -> tuple[str, str]:
        return self.source, self.event_id

    @property
    def role(self) -> str:
        """The sender's role when the revision was accepted."""
        return self._standing(0)

    @property
    def jurisdictions(self) -> frozenset[str]:
        """The jurisdictions in which the sender ruled when the revision was accepted."""
        return frozenset(filter(None, self._standing(1).split(",")))

    @property
    def agreements(self) -> frozenset[str]:
        """The parties that the sender could name in a booking when the revision was accepted."""
        return frozenset(filter(None, self._standing(2).split(",")))

    @property
    def country(self) -> str | None:
        """The country of a customs sender when the revision was accepted, "" if unknown; None for other senders."""
        return self._standing(3) if self.role == "customs" else None

    def _standing(self, place: int) -> str:
        parts = self.standing.split(":")
        return parts[place] if place < len(parts) else ""

    def read(self) -> Data:
        """The data, parsed and validated; raises `ValidationError` for a body that was never accepted."""
        return read_data(self.type, self.body)


class Replica(NamedTuple):
    """Our copy of an entity that another of our services publishes, at the newest version read."""

    type: str
    version: int
    body: bytes

    def read(self) -> Data:
        return read_data(self.type, self.body)


class Shared(NamedTuple):
    """What another subject shares, as JSON texts: with all who read it, and with this reader alone.

    Readers of one subject are given the same `text`, so that what is made of it can be kept by it.
    """

    text: str
    own: str | None = None


@dataclass(frozen=True, slots=True)
class Inputs:
    """Everything that a fold of one subject reads.

    `replica` is the entity of the subject's own name. `shared` has the shared state of other subjects, by subject,
    `memory` what this subject's last fold carried over, as JSON, `open` the data of its open entities.
    """

    subject: str
    revisions: Sequence[StoredRevision] = ()
    replica: Replica | None = None
    shared: Mapping[str, Shared] = field(default_factory=dict)
    memory: Any = None
    open: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)


class Parked(NamedTuple):
    """A report that is kept without effect, and the missing thing that it waits for."""

    source: str
    event_id: str
    waits_for: str


class Publication(NamedTuple):
    """One entity to publish when its data change; settle adds version, previous_version, recorded_at and as_of.

    With `whole`, the picture's content comes before the data. An `empty` entity is published only if it was published
    before. With `closing` the entity is open: once a fold no longer yields it, it is published a last time with these
    fields.
    """

    entity: str
    type: str
    topics: tuple[str, ...]
    data: Mapping[str, Any]
    whole: bool = False
    empty: bool = False
    closing: Mapping[str, Any] | None = None


class Closing(NamedTuple):
    """The topics of an open entity, and the fields that close it."""

    topics: Sequence[str]
    fields: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Folded:
    """The result for one subject.

    `content` is the picture, `shared` the state that other subjects read, whose `parts` are for one reader each, `due`
    the instant at which the picture changes by itself, `memory` the state carried over to the next fold of this
    subject, `rows` the service's own rows, `void` the identities that are neither parked nor of any effect.
    """

    subject: str
    content: Mapping[str, Any]
    shared: Any = None
    due: datetime | None = None
    publications: Sequence[Publication] = ()
    parked: Sequence[Parked] = ()
    memory: Any = None
    rows: Sequence[Any] = ()
    void: frozenset[tuple[str, str]] = frozenset()


def effective(revisions: Sequence[StoredRevision]) -> tuple[StoredRevision | None, bool]:
    """The effective revision of one identity, and whether a newer one is void because of a conflict.

    The newest `updated_at` counts (DCSA eventUpdatedDateTime). A retraction (DCSA isRetracted) voids the identity, and
    wins at an equal `updated_at`. Two contents at one `updated_at` are void, and the revision before them counts.
    """
    if len(revisions) == 1:
        return None if revisions[0].retracted else revisions[0], False
    by_instant: dict[datetime, dict[bytes, StoredRevision]] = {}
    for revision in revisions:
        by_instant.setdefault(revision.updated_at, {})[revision.content_hash] = revision
    conflict = False
    for instant in sorted(by_instant, reverse=True):
        contents = by_instant[instant].values()
        if any(r.retracted for r in contents):
            return None, conflict
        if len(contents) == 1:
            return next(iter(contents)), conflict
        conflict = True
    return None, conflict


def by_identity(revisions: Iterable[StoredRevision]) -> dict[tuple[str, str], list[StoredRevision]]:
    """The revisions of each identity, in the order of identities."""
    found: dict[tuple[str, str], list[StoredRevision]] = {}
    for revision in revisions:
        found.setdefault((revision.source, revision.event_id), []).append(revision)
    return dict(sorted(found.items()))
