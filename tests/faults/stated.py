"""Which revision of each report counts: the rule of identity and correction, worked out plainly.

Invariant: a function of the set of events; their order and number do not matter.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Any

from contracts.envelope.codec import Event


@dataclass(frozen=True, slots=True)
class Stated:
    """A report that counts."""

    type: str
    subject: str
    party: str
    source: str
    id: str
    updated_at: datetime
    data: Any


@dataclass(frozen=True, slots=True)
class Disagreement:
    """A revision with two contents that is newer than what counts, and a subject that it names."""

    subject: str
    source: str
    id: str


def stated(events: Iterable[Event]) -> tuple[list[Stated], list[Disagreement]]:
    """What counts, and where a sender contradicts itself."""
    identities: dict[tuple[str, str], dict[bytes, Event]] = {}
    for event in events:
        identities.setdefault((event.source, event.id), {})[event.content_hash] = event
    counting: list[Stated] = []
    against: list[Disagreement] = []
    for contents in identities.values():
        for level in _newest_first(contents.values()):
            if any(_data(event).retracted for event in level):
                break
            if len(level) == 1:
                counting.append(_stated(level[0]))
                break
            against += [Disagreement(event.subject, event.source, event.id) for event in level]
    return counting, sorted(set(against), key=lambda d: (d.subject, d.source, d.id))


def _newest_first(contents: Iterable[Event]) -> Iterator[list[Event]]:
    """The different contents of each update time, the newest time first."""
    ordered = sorted(contents, key=lambda event: _data(event).updated_at, reverse=True)
    for _, level in groupby(ordered, key=lambda event: _data(event).updated_at):
        yield list(level)


def _stated(event: Event) -> Stated:
    party = event.source.split(":")[2]
    return Stated(event.type, event.subject, party, event.source, event.id, _data(event).updated_at, event.data)


def _data(event: Event) -> Any:
    return event.data
