"""What a load is made of, and what keeps two loads of one run apart.

Invariant: no two records of a run share an identity, a subject or the instant at which they occurred, unless they are
to: an item is traced back to its report by that instant.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from contracts.events.fields import utc_text
from contracts.identifiers.schemes import make_container
from tests.faults.evidence import Send
from tests.faults.report import Report, wire

_OWNERS = ("PKRU", "CSQU", "KTZU", "MSKU", "TRKU", "RZDU")
_SERIALS = 1_000_000


@dataclass(frozen=True, slots=True)
class Marked:
    """A record to send, and the instant by which what comes of it is known; None where nothing tells it."""

    send: Send
    mark: str | None = None


@dataclass(frozen=True, slots=True)
class Load:
    """What has to be there before, and what is measured, in the order in which it is sent."""

    before: Sequence[Marked]
    measured: Sequence[Marked]


@dataclass
class Numbers:
    """The numbers of one run: a load takes from them what no other has."""

    began: datetime = field(default_factory=lambda: datetime.now(UTC).replace(microsecond=0))
    _boxes: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _others: Iterator[int] = field(default_factory=lambda: itertools.count(1))
    _ticks: Iterator[int] = field(default_factory=lambda: itertools.count(1))

    def box(self) -> str:
        """The subject of a container that no load has had."""
        owner, serial = divmod(next(self._boxes), _SERIALS)
        return f"container:{make_container(_OWNERS[owner], serial)}"

    def other(self) -> int:
        """A number for whatever else has to be new."""
        return next(self._others)

    def instant(self, at: datetime) -> datetime:
        """An instant of the second of `at` or soon after that no other record has."""
        return at.replace(microsecond=0) + timedelta(microseconds=next(self._ticks))


MakeLoad = Callable[[int, Numbers], Load]
"""Makes a load of about so many measured records."""


def marked(report: Report) -> Marked:
    """The record of a report; one that occurred at an instant of its own is told by it."""
    occurred = report.data.get("occurred_at")
    return Marked(wire(report), occurred if report.type.endswith("milestone.reported.v1") else None)


def told_at(instant: datetime) -> str:
    """An instant as senders here write it, and as items give it back."""
    return utc_text(instant)
