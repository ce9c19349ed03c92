"""The budget of each party, and the token buckets that enforce it.

Invariant: the limits are data of the party. Each copy counts spending for itself, in memory bounded by the number of
parties. A bucket may go into debt once; its party waits until the debt is paid.
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

# The size of a bucket, in seconds of its rate.
_BURST_SECONDS: Final = 15.0
# An answer of this size costs as much as a request.
_ANSWER_BYTES: Final = 65536
# One party's reads that run at the same time; further ones wait.
_AT_WORK: Final = 2


class Budget(BaseModel):
    """One party's limits; a limit that `deploy/parties.yaml` leaves out has the default given here.

    HTTP limits: `requests_a_minute` also pays for answers, one request for each 64 KiB; `bytes_a_minute` counts
    request bodies. Limits of a day and `refused_a_minute` apply to the party's records as a service reads them from
    Kafka, whichever way they came; a report counts once for each subject that it names.
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
    """A party has spent its budget; `seconds` says after how long it may try again."""

    def __init__(self, what: str, seconds: float) -> None:
        super().__init__(what)
        self.seconds = max(1, math.ceil(seconds))


@dataclass(slots=True)
class Bucket:
    """A token bucket: `a_minute` is its rate, `seconds` of that rate its size. It admits from level 1 on."""

    a_minute: float
    level: float = field(default=math.inf)
    at: float = field(default_factory=time.monotonic)
    seconds: float = _BURST_SECONDS

    def left(self, now: float) -> float:
        """The level; a debt is negative."""
        self._fill(now)
        return self.level

    def wait(self, now: float) -> float:
        """Seconds until the bucket admits again; 0 if it admits now."""
        self._fill(now)
        return 0.0 if self.level >= 1 else (1 - self.level) / (self.a_minute / 60)

    def spend(self, count: float, now: float) -> None:
        """Takes `count` out, going into debt if there is not enough."""
        self._fill(now)
        self.level -= count

    def _fill(self, now: float) -> None:
        size = max(1.0, self.a_minute / 60 * self.seconds)
        self.level = min(size, self.level + (now - self.at) * self.a_minute / 60)
        self.at = now


class Meter:
    """One party's spending at this copy."""

    def __init__(self, budget: Budget) -> None:
        self._budget = budget
        self._requests = Bucket(budget.requests_a_minute)
        self._reports = Bucket(budget.reports_a_minute)
        self._bytes = Bucket(budget.bytes_a_minute)
        self._in_flight = 0
        self._streams = 0
        self.turn = asyncio.Semaphore(_AT_WORK)

    def has(self, budget: Budget) -> None:
        """Applies changed limits without resetting what is spent."""
        if budget != self._budget:
            self._budget = budget
            self._requests.a_minute = budget.requests_a_minute
            self._reports.a_minute = budget.reports_a_minute
            self._bytes.a_minute = budget.bytes_a_minute

    def request(self) -> None:
        """Counts a request; raises `OverBudget`."""
        now = time.monotonic()
        _let(self._requests, f"more than {self._budget.requests_a_minute} requests a minute", now)
        _let(self._bytes, f"more than {self._budget.bytes_a_minute} bytes of reports a minute", now)
        self._requests.spend(1, now)

    def answered(self, size: int) -> None:
        """Counts an answer of `size` bytes."""
        self._requests.spend(size // _ANSWER_BYTES, time.monotonic())

    def body(self, size: int) -> None:
        """Counts `size` bytes of a request body."""
        self._bytes.spend(size, time.monotonic())

    def reports(self, count: int) -> None:
        """Counts reports; raises `OverBudget`."""
        now = time.monotonic()
        _let(self._reports, f"more than {self._budget.reports_a_minute} reports a minute", now)
        self._reports.spend(count, now)

    @contextmanager
    def in_flight(self) -> Iterator[None]:
        """Counts a request while the block runs; raises `OverBudget` if too many run already."""
        if self._in_flight >= self._budget.requests_in_flight:
            raise OverBudget(f"more than {self._budget.requests_in_flight} requests at once", 1)
        self._in_flight += 1
        try:
            yield
        finally:
            self._in_flight -= 1

    @contextmanager
    def open_stream(self) -> Iterator[None]:
        """Counts a stream while the block runs; raises `OverBudget` if too many are open already."""
        if self._streams >= self._budget.open_streams:
            raise OverBudget(f"more than {self._budget.open_streams} open streams", 5)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1


class Meters:
    """The meters of all parties that have made a request."""

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
