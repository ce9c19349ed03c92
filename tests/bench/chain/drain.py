"""A backlog that waits in its topics, until everything that comes of it is where it has to be.

The services are held while the backlog is sent: they stand ready, as after an outage of the senders' network, and no
start of a process is in the figures.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Mapping
from dataclasses import dataclass

from tests.bench.chain.backlog import Looker
from tests.bench.chain.chain import Chain
from tests.bench.chain.counted import Each, count, each
from tests.bench.chain.cpu import between, cpu_of
from tests.bench.chain.load import Load
from tests.bench.chain.sender import Sender

_READY_WITHIN = 600.0
_DRAINED_WITHIN = 3600.0
# A session that goes on tells Postgres once a second what it has done.
_TOLD_SECONDS = 1.2


@dataclass(frozen=True, slots=True)
class Drained:
    """Reports a second, and CPU milliseconds of each report by process."""

    reports: int
    seconds: float
    cpu_ms: Mapping[str, float]
    counted: Each

    @property
    def rate(self) -> float:
        return self.reports / self.seconds


async def prepare(looker: Looker, sender: Sender, load: Load) -> None:
    """Sends what has to be there before, and waits until the chain is done with it."""
    await asyncio.to_thread(sender.send_all, load.before)
    await looker.at_rest(_READY_WITHIN)


async def drain(chain: Chain, looker: Looker, sender: Sender, load: Load, told_after: float) -> Drained:
    """From the moment at which the services are let go to the first look that finds the chain at rest.

    Sessions have so many seconds to tell Postgres what they did before.
    """
    await prepare(looker, sender, load)
    await asyncio.sleep(told_after)
    before = await count(chain, looker)
    with chain.held():
        await asyncio.to_thread(sender.send_all, load.measured)
        used, begun = cpu_of(chain), time.monotonic()
    ended = await looker.at_rest(_DRAINED_WITHIN)
    used, reports = between(used, cpu_of(chain)), len(load.measured)
    await asyncio.sleep(_TOLD_SECONDS)
    counted = each(before, await count(chain, looker), reports)
    return Drained(reports, ended - begun, {n: seconds * 1000 / reports for n, seconds in used.items()}, counted)
