"""How much each feed may bring by the minute: what is beyond waits in Kafka, unread and unharmed.

Invariant: what is read is counted when it is stored, and no batch has more of a feed than was left of its share.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from contracts.topics import party_of
from services.chassis.base import telemetry
from services.chassis.base.budgets import Bucket, Budget
from services.chassis.ingest.daily import BudgetOf
from services.chassis.ingest.records import Accepted, Rejected, Verdict
from services.chassis.ingest.stream import ReportStream, Stream

log = structlog.get_logger(__name__)

_TELL_EVERY_SECONDS: Final = 60.0
# So much may come at once, and no less is read at a time: many small batches cost more than a few.
_BURST_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.9
# Of each partition of our own topics: what follows from one party's report is read in pieces too.
_OF_OUR_OWN: Final = 10
# What a record is taken for before any was seen, and how soon what was heavy is forgotten.
_SIZE: Final = 16384.0
_WEIGHT: Final = 50.0
_FORGOTTEN: Final = 0.75


class _Share:
    """What is left to one feed."""

    def __init__(self, budget: Budget, now: float) -> None:
        self._reports = Bucket(budget.reports_a_minute, at=now, seconds=_BURST_SECONDS)
        self._bytes = Bucket(budget.bytes_a_minute, at=now, seconds=_BURST_SECONDS)
        self._refused = Bucket(budget.refused_a_minute, at=now, seconds=_BURST_SECONDS)
        self._size, self._weight = _SIZE, _WEIGHT

    def has(self, budget: Budget) -> None:
        """Goes on with the budget as it is now, from what is spent already."""
        self._reports.a_minute = budget.reports_a_minute
        self._bytes.a_minute = budget.bytes_a_minute
        self._refused.a_minute = budget.refused_a_minute

    def left(self, now: float) -> int:
        """How many records it may bring, if they are as heavy as late ones, and refused; 0 while that is too few."""
        of_bytes = _worth_while(self._bytes, now, self._size)
        return min(of_bytes, _worth_while(self._reports, now, self._weight), _worth_while(self._refused, now))

    def spend(self, count: int, size: int, weight: int, now: float) -> None:
        """Counts so many records, their bytes, and as how many reports they count."""
        self._reports.spend(weight, now)
        self._bytes.spend(size, now)
        self._size = max(1.0, size / count, self._size * _FORGOTTEN)
        self._weight = max(1.0, weight / count, self._weight * _FORGOTTEN)

    def spend_refused(self, count: int, now: float) -> None:
        """Counts what was refused."""
        self._refused.spend(count, now)


class AllOfIt:
    """The share of topics of our own, which are no party's: they bring all that they have, in pieces."""

    def left(self, _: str) -> int:
        return _OF_OUR_OWN

    def count(self, verdicts: Sequence[Verdict], rejected: Sequence[Rejected]) -> None:
        """Notes nothing."""


class Shares:
    """What each topic of the parties of one stream may bring."""

    def __init__(
        self, service: str, stream: Stream, budget_of: BudgetOf, monotonic: Callable[[], float] = time.monotonic
    ) -> None:
        self._service = service
        self._stream = stream
        self._budget_of = budget_of
        self._monotonic = monotonic
        self._shares: dict[str, _Share] = {}
        self._waiting: set[str] = set()
        self._told_at: dict[str, float] = {}

    def left(self, topic: str) -> int:
        """How many records of a topic may be read now; 0 when it has to wait."""
        now = self._monotonic()
        left = self._share_of(topic, now).left(now)
        (self._waiting.discard if left else self._waiting.add)(topic)
        telemetry.SLOWED.labels(self._service, self._stream.name).set(len(self._waiting))
        if not left:
            self._tell(topic, now)
        return left

    def count(self, verdicts: Sequence[Verdict], rejected: Sequence[Rejected]) -> None:
        """Notes what a batch has brought, and what of it was refused in the end."""
        now = self._monotonic()
        brought: dict[str, list[Verdict]] = {}
        for one in verdicts:
            brought.setdefault(one.record.topic, []).append(one)
        for topic, ones in brought.items():
            size = sum(len(one.record.value or b"") for one in ones)
            weight = sum(one.weight if isinstance(one, Accepted) else 1 for one in ones)
            self._share_of(topic, now).spend(len(ones), size, weight, now)
        for one in rejected:
            self._share_of(one.record.topic, now).spend_refused(one.count, now)

    def _share_of(self, topic: str, now: float) -> _Share:
        budget = self._budget_of(party_of(topic, self._stream.topic) or "")
        share = self._shares.get(topic)
        if share is None:
            share = self._shares[topic] = _Share(budget, now)
        share.has(budget)
        return share

    def _tell(self, topic: str, now: float) -> None:
        if now - self._told_at.get(topic, float("-inf")) >= _TELL_EVERY_SECONDS:
            log.warning("a feed is slowed: it brings more than its share, or too much of it is refused", topic=topic)
            self._told_at[topic] = now


def _worth_while(bucket: Bucket, now: float, each: float = 1.0) -> int:
    """How many records, of so much each, are in a bucket once it is worth a batch."""
    level = bucket.left(now)
    enough = max(1.0, bucket.a_minute / 60 * _LEAST_SECONDS)
    return max(1, int(level / each)) if level >= enough else 0


def shares_of(service: str, stream: Stream, budget_of: BudgetOf) -> Shares | AllOfIt:
    """What the topics of a stream may bring."""
    return Shares(service, stream, budget_of) if isinstance(stream, ReportStream) else AllOfIt()
