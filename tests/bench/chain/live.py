"""An open stream of reports at a fixed rate, and how long each takes to those who are told.

Invariant: a latency begins at the instant at which the report was to be sent, whether or not it could be.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Final

from tests.bench.chain.backlog import Looker
from tests.bench.chain.chain import Chain
from tests.bench.chain.counted import Each, count, each
from tests.bench.chain.cpu import between, cpu_of
from tests.bench.chain.drain import prepare
from tests.bench.chain.load import Load
from tests.bench.chain.reader import Arrivals, reading
from tests.bench.chain.sender import Sender

_WARM_UP: Final = 3.0
_FIRST_SEND_IN: Final = 0.2
_LOOK_EVERY: Final = 0.5
_RESTED_WITHIN: Final = 900.0
# Growth of less than so many seconds' worth of reports is chance: batches on their way, each report in up to so many
# rows of outboxes.
_GROWTH_SECONDS: Final = 1.0
_ROWS_A_REPORT: Final = 20
_REST_SECONDS: Final = 2.0
_REST_PART: Final = 0.05

Waiting = Sequence[tuple[float, int]]
"""Looks at the backlog: seconds from the first send, and what waited in topics, folds and outboxes."""


@dataclass(frozen=True, slots=True)
class Lived:
    """One run at a rate. CPU and counts are those between the warm-up and the last send, for each report."""

    rate: float
    seconds: float
    cpu_ms: Mapping[str, float]
    counted: Each
    stream_ms: Mapping[str, float]
    topic_ms: Mapping[str, float]
    waiting: Waiting
    rest_seconds: float

    @property
    def bounded(self) -> bool:
        """Whether the chain keeps up: what waits does not grow from the second third of the run to the last one, by
        their medians, and is gone soon after the last send."""
        second = _median(self.waiting, self.seconds / 3, self.seconds * 2 / 3)
        third = _median(self.waiting, self.seconds * 2 / 3, self.seconds)
        soon = _REST_SECONDS + _REST_PART * self.seconds
        return third - second < self.rate * _GROWTH_SECONDS * _ROWS_A_REPORT and self.rest_seconds <= soon


async def live(
    chain: Chain, looker: Looker, sender: Sender, load: Load, rate: float, told_after: float | None = None
) -> Lived:
    """Sends the load at a rate, and watches.

    What stores and topics were asked for is counted where sessions are given time to tell what they did before.
    """
    await prepare(looker, sender, load)
    await asyncio.sleep(told_after or 0)
    seconds = len(load.measured) / rate
    warm_up = min(_WARM_UP, seconds / 4)
    async with reading(chain, await looker.newest()) as readers:
        begun = time.monotonic() + _FIRST_SEND_IN
        sending = asyncio.create_task(asyncio.to_thread(sender.send_at, load.measured, rate, begun))
        await asyncio.sleep(begun + warm_up - time.monotonic())
        before = {} if told_after is None else await count(chain, looker)
        used, since = cpu_of(chain), time.monotonic()
        waiting = await _watch(looker, sending, begun)
        used, until = between(used, cpu_of(chain)), time.monotonic()
        reports = (until - since) * rate
        counted = {} if told_after is None else each(before, await count(chain, looker), reports)
        rested = await looker.at_rest(_RESTED_WITHIN)
    due = {one.mark: begun + n / rate for n, one in enumerate(load.measured) if one.mark and n / rate >= warm_up}
    return Lived(
        rate,
        seconds,
        {name: seconds * 1000 / reports for name, seconds in used.items()},
        counted,
        _latency(due, readers.stream),
        _latency(due, readers.topic),
        waiting,
        max(0.0, rested - (begun + seconds)),
    )


async def _watch(looker: Looker, sending: asyncio.Task[None], begun: float) -> Waiting:
    looks: list[tuple[float, int]] = []
    while not sending.done():
        found = await looker.look()
        looks.append((time.monotonic() - begun, found.total))
        await asyncio.wait([sending], timeout=_LOOK_EVERY)
    await sending
    return looks


def _latency(due: Mapping[str, float], arrivals: Arrivals) -> dict[str, float]:
    """p50 and p99 in milliseconds, of so many samples out of so many that were due."""
    delays = sorted((arrivals[mark] - at) * 1000 for mark, at in due.items() if mark in arrivals)
    if not delays:
        return {"samples": 0, "due": len(due)}
    p99 = delays[min(int(len(delays) * 0.99), len(delays) - 1)]
    return {
        "p50": round(statistics.median(delays), 1),
        "p99": round(p99, 1),
        "samples": len(delays),
        "due": len(due),
    }


def _median(waiting: Waiting, begin: float, end: float) -> float:
    return statistics.median([what for at, what in waiting if begin <= at <= end] or [0])
