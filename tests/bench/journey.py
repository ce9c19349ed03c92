"""What one more report costs on the first day of a journey and on its hundredth: the same box, with more behind it.

The three services stand one behind the other without a broker; everything else is real. Counted is the CPU time of the
services' code and of Postgres, to the nanosecond, and the bytes that a report makes tracking publish.
"""

from __future__ import annotations

import asyncio
import statistics
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

import psutil
from aiokafka.structs import ConsumerRecord

from contracts import topics
from contracts.envelope import codec
from contracts.envelope.codec import Event
from deploy.local.datadir import temporary_directory
from deploy.local.postgres import Postgres
from tests.support import builders as b
from tests.support.pipeline import Line, cleared, fresh_line, read, runtime_of, taken_out
from tests.support.stores import Store

EARLIER: Final = (5, 50, 200)
"""How many facts the journey of the box has already."""
_MEASURED: Final = 40
_POINTS: Final = ("pk-lahore", "pk-rohri", "pk-jacobabad", "pk-sibi", "pk-quetta", "pk-nushki", "pk-dalbandin")
_PARTIES: Final = (
    {"party": "ravi-textiles", "role": "shipper"},
    {"party": "indus-forwarding", "role": "forwarder"},
    {"party": "caspian-trading", "role": "consignee"},
)
_STAYS: Final = 12
_HOURS: Final = 0.25


@dataclass(slots=True)
class Cost:
    """CPU milliseconds of each measured report, by service, and the bytes published."""

    by_service: dict[str, list[float]] = field(default_factory=dict)
    bytes: list[int] = field(default_factory=list)

    def medians(self) -> dict[str, float]:
        """The medians, and their sum as `all`."""
        found = {name: round(statistics.median(costs), 3) for name, costs in self.by_service.items()}
        return {**found, "all": round(sum(found.values()), 3), "bytes": statistics.median(self.bytes)}


async def _measure(admin_url: str, postmaster: int) -> dict[str, Any]:
    """The cost of a report behind so many earlier ones, and `growth`: the dearest to the cheapest."""
    figures: dict[str, Any] = {}
    async with fresh_line(admin_url) as line:
        for earlier in EARLIER:
            figures[str(earlier)] = await _behind(await _emptied(line), earlier, postmaster)
            print(f"{earlier:4} earlier facts: {figures[str(earlier)]}", flush=True)
    few, many = (figures[str(n)]["all"] for n in (EARLIER[0], EARLIER[-1]))
    return figures | {"growth": round(many / few, 2)}


def measure() -> dict[str, Any]:
    """Does it on a Postgres of its own, with `fsync`."""
    with temporary_directory() as data:
        postgres = Postgres(data / "postgres")
        postgres.start()
        try:
            return asyncio.run(_measure(postgres.admin_url, postgres.pid))
        finally:
            postgres.stop()


async def _emptied(line: Line) -> Line:
    cleared_stores = [await cleared(s) for s in (line.tracking, line.customs, line.notifications)]
    tracking, customs, notifications = [Store(s.blueprint, s.pool, at_once=True) for s in cleared_stores]
    return Line(tracking, customs, notifications, runtime_of(notifications))


async def _behind(line: Line, earlier: int, postmaster: int) -> dict[str, float]:
    """The cost of a report on each of several boxes that have so many earlier ones."""
    boxes = [b.container(n) for n in range(1, _MEASURED + 1)]
    for nth, box in enumerate(boxes):
        booking = b.a_booking([box], f"consignment:indus-forwarding/J{nth}", parties=_PARTIES)
        await line.feed(booking, *_history(box, earlier))
    cost = Cost()
    for box in boxes:
        *_, newest = _history(box, earlier + 1)
        await _one(line, newest, cost, postmaster)
    return cost.medians()


def _history(box: str, count: int) -> Iterator[Event]:
    """The first reports of a journey in their order: at each point it arrives, is stopped and goes on, and departs."""
    for nth in range(count):
        stay, within = divmod(nth, 2 * _STAYS)
        code = "ARRI" if within == 0 else "DEPA" if within == 2 * _STAYS - 1 else ("STOP", "RESM")[(within - 1) % 2]
        at, point = nth * _HOURS + stay * 24, _POINTS[stay % len(_POINTS)]
        yield b.a_milestone(code, box, at, point, id=f"{box}-{nth}")


async def _one(line: Line, event: Event, cost: Cost, postmaster: int) -> None:
    """Lets a report pass through the services, and adds what each has used."""
    with _Used(cost, "tracking", postmaster):
        await line.tracking.feed([event])
    told = await taken_out(line.tracking, topics.TRACKING_EVENTS.name)
    cost.bytes.append(sum(len(r.value or b"") for r in told))
    with _Used(cost, "customs", postmaster):
        await _read(line.customs, told)
    ruled = await taken_out(line.customs, topics.CUSTOMS_EVENTS.name)
    with _Used(cost, "notifications", postmaster):
        await _read(line.notifications, told)
        await _read(line.notifications, ruled)


async def _read(store: Store, records: list[ConsumerRecord[bytes, bytes]]) -> None:
    if records:
        # Each service is a process of its own, which has not read what another one has.
        codec._kept.cache_clear()
        codec._kept_large.cache_clear()
        await read(store, records)
        await store.settle()


class _Used:
    """Adds the CPU time of this process and of Postgres within the block."""

    def __init__(self, cost: Cost, service: str, postmaster: int) -> None:
        self.costs = cost.by_service.setdefault(service, [])
        self.postmaster = postmaster

    def __enter__(self) -> None:
        self.before = self._now()

    def __exit__(self, *_: object) -> None:
        self.costs.append((self._now() - self.before) / 1e6)

    def _now(self) -> int:
        return time.process_time_ns() + sum(_on_cpu(c.pid) for c in psutil.Process(self.postmaster).children())


def _on_cpu(pid: int) -> int:
    """The nanoseconds that a process has run."""
    try:
        return int(Path(f"/proc/{pid}/schedstat").read_text().split()[0])
    except (FileNotFoundError, ProcessLookupError):
        return 0
