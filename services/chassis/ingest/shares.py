"""How many records of each topic a consumer may read by the minute; the rest waits in Kafka, unread.

Invariant: records are counted when they are stored, and no batch has more of a topic than was left of its share.
"""

import time
from collections.abc import Callable, Sequence
from typing import Final

import structlog

from contracts.topics import party_of
from services.chassis.base import telemetry
from services.chassis.base.budgets import Bucket, Budget
from services.chassis.ingest.daily import BudgetOf
from services.chassis.ingest.records import Accepted, Rejected, Validated
from services.chassis.ingest.stream import ReportStream, Stream

log = structlog.get_logger(__name__)

_TELL_EVERY_SECONDS: Final = 60.0
# The size of a share, and the part of it that a topic must have to be read, in seconds of its rate: many small batches
# cost more than a few large ones.
_BURST_SECONDS: Final = 1.0
_LEAST_SECONDS: Final = 0.9
# Records at a time of each partition of our own topics, so that one report with many changes holds up nobody.
_OF_OUR_OWN: Final = 10
# The assumed bytes and weight of a topic's first record, and how fast the estimate decays after heavy ones.
_SIZE: Final = 16384.0
_WEIGHT: Final = 50.0
_FORGOTTEN: Final = 0.75


class _Share:
    """The share of one topic: its buckets, and the bytes and weight that its next records are expected to have."""

    def __init__(self, budget: Budget, now: float) -> None:
        self._reports = Bucket(budget.reports_a_minute, at=now, seconds=_BURST_SECONDS)
        self._bytes = Bucket(budget.bytes_a_minute, at=now, seconds=_BURST_SECONDS)
        self._refused = Bucket(budget.refused_a_minute, at=now, seconds=_BURST_SECONDS)
        self._size, self._weight = _SIZE, _WEIGHT

    def has(self, budget: Budget) -> None:
        """Applies changed limits without resetting what is spent."""
        self._reports.a_minute = budget.reports_a_minute
        self._bytes.a_minute = budget.bytes_a_minute
        self._refused.a_minute = budget.refused_a_minute

    def left(self, now: float) -> int:
        """How many records may be read, even if they are as heavy as recent ones, or all refused; 0 for too few."""
        of_bytes = _worth_while(self._bytes, now, self._size)
        return min(of_bytes, _worth_while(self._reports, now, self._weight), _worth_while(self._refused, now))

    def spend(self, count: int, size: int, weight: int, now: float) -> None:
        """Spends `count` records of `size` bytes in all, which count as `weight` reports."""
        self._reports.spend(weight, now)
        self._bytes.spend(size, now)
        self._size = max(1.0, size / count, self._size * _FORGOTTEN)
        self._weight = max(1.0, weight / count, self._weight * _FORGOTTEN)

    def spend_refused(self, count: int, now: float) -> None:
        """Spends refused records."""
        self._refused.spend(count, now)


class AllOfIt:
    """The share of our own topics, which is unlimited, but read in small pieces."""

    def left(self, _: str) -> int:
        return _OF_OUR_OWN

    def count(self, validated: Sequence[Validated], rejected: Sequence[Rejected]) -> None:
        """Counts nothing."""


class Shares:
    """The shares of the party topics of one stream."""

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
        """How many records of a topic may be read now; 0 while it has to wait."""
        now = self._monotonic()
        left = self._share_of(topic, now).left(now)
        (self._waiting.discard if left else self._waiting.add)(topic)
        telemetry.SLOWED.labels(self._service, self._stream.name).set(len(self._waiting))
        if not left:
            self._tell(topic, now)
        return left

    def count(self, validated: Sequence[Validated], rejected: Sequence[Rejected]) -> None:
        """Spends the records of a stored batch, and the rejected ones among them."""
        now = self._monotonic()
        brought: dict[str, list[Validated]] = {}
        for one in validated:
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
    """How many records of a cost of `each` a bucket allows; 0 while it is too empty to be worth a batch."""
    level = bucket.left(now)
    enough = max(1.0, bucket.a_minute / 60 * _LEAST_SECONDS)
    return max(1, int(level / each)) if level >= enough else 0


def shares_of(service: str, stream: Stream, budget_of: BudgetOf) -> Shares | AllOfIt:
    """The shares of a stream's topics."""
    return Shares(service, stream, budget_of) if isinstance(stream, ReportStream) else AllOfIt()
