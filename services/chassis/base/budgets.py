"""What each party may cost the others, and the buckets that hold it to that.

Invariant: the numbers are data of a party, by its role; what is spent is counted by each copy for itself, in memory
that is bounded by the number of parties. A bucket may go into debt once, and whoever has debts waits.
"""

import asyncio
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field

Number = Annotated[int, Field(ge=1)]

# So much may come at once, in seconds of what is granted.
_BURST_SECONDS: Final = 15.0
# An answer of so many bytes costs as much as a request.
_ANSWER_BYTES: Final = 65536
# So many reads of one party are worked on at once; its others wait for them.
_AT_WORK: Final = 2


class Budget(BaseModel):
    """One party's share of a copy; what is not said in `deploy/parties.yaml` is as here.

    `requests_a_minute` also pays for answers, one request for each 64 KiB; `bytes_a_minute` are those of bodies. What
    is said of a day, and `refused_a_minute`, is of a feed as a service reads it, whatever door it has come in by; there
    a report counts once for each subject that it names. Nobody needs more than one a few minutes about one subject.
    """

    model_config = ConfigDict(frozen=True, extra="forbid")

    requests_a_minute: Number = 600
    requests_in_flight: Number = 16
    reports_a_minute: Number = 3000
    bytes_a_minute: Number = 4 * 1024 * 1024
    open_streams: Number = 20
    reports_a_day: Number = 200_000
    bytes_a_day: Number = 512 * 1024 * 1024
    refused_a_minute: Number = 6000
    reports_about_one_a_day: Number = 500


class OverBudget(Exception):
    """A party has spent what it had; `seconds` until it has something again."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(what)
        self.seconds = max(1, math.ceil(seconds))


@dataclass(slots=True)
class Bucket:
    """Fills by the minute, up to some seconds' worth. It lets in while there is anything in it."""

    a_minute: float
    level: float = field(default=math.inf)
    at: float = field(default_factory=time.monotonic)
    seconds: float = _BURST_SECONDS

    def left(self, now: float) -> float:
        """What is in it; a debt is negative."""
        self._fill(now)
        return self.level

    def wait(self, now: float) -> float:
        """Seconds until it lets in; 0 for at once."""
        self._fill(now)
        return 0.0 if self.level >= 1 else (1 - self.level) / (self.a_minute / 60)

    def spend(self, count: float, now: float) -> None:
        """Takes so much out of it, also what is not there."""
        self._fill(now)
        self.level -= count

    def _fill(self, now: float) -> None:
        size = max(1.0, self.a_minute / 60 * self.seconds)
        self.level = min(size, self.level + (now - self.at) * self.a_minute / 60)
        self.at = now


class Meter:
    """What one party spends at this copy."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._requests = Bucket(budget.requests_a_minute)
        self._reports = Bucket(budget.reports_a_minute)
        self._bytes = Bucket(budget.bytes_a_minute)
        self._in_flight = 0
        self._streams = 0
        self.turn = asyncio.Semaphore(_AT_WORK)

    def has(self, budget: Budget) -> None:
        """Goes on with another budget, from what is spent already."""
        if budget != self._budget:
            self._budget = budget
            self._requests.a_minute = budget.requests_a_minute
            self._reports.a_minute = budget.reports_a_minute
            self._bytes.a_minute = budget.bytes_a_minute

    def request(self) -> None:
        """One request more; raises `OverBudget`."""
        now = time.monotonic()
        _let(self._requests, f"more than {self._budget.requests_a_minute} requests a minute", now)
        _let(self._bytes, f"more than {self._budget.bytes_a_minute} bytes of reports a minute", now)
        self._requests.spend(1, now)

    def answered(self, size: int) -> None:
        """So many bytes were answered."""
        self._requests.spend(size // _ANSWER_BYTES, time.monotonic())

    def body(self, size: int) -> None:
        """So many bytes have come in."""
        self._bytes.spend(size, time.monotonic())

    def reports(self, count: int) -> None:
        """So many reports have come in; raises `OverBudget`."""
        now = time.monotonic()
        _let(self._reports, f"more than {self._budget.reports_a_minute} reports a minute", now)
        self._reports.spend(count, now)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Counts a request for as long as it takes; raises `OverBudget`."""
        if self._in_flight >= self._budget.requests_in_flight:
            raise OverBudget(f"more than {self._budget.requests_in_flight} requests at once", 1)
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    @contextmanager
    def open_stream(self) -> Iterator[None]:
        """Counts a stream for as long as it is open; raises `OverBudget`."""
        if self._streams >= self._budget.open_streams:
            raise OverBudget(f"more than {self._budget.open_streams} open streams", 5)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


class Meters:
    """The meters of all parties that have asked."""

    def __init__(self) -> None:
        self._meters: dict[str, Meter] = {}

    def of(self, party: str, budget: Budget) -> Meter:
        meter = self._meters.get(party)
        if meter is None:
            meter = self._meters[party] = Meter(budget)
        meter.has(budget)
        return meter


def _let(bucket: Bucket, what: str, now: float) -> None:
    if seconds := bucket.wait(now):
        raise OverBudget(what, seconds)
