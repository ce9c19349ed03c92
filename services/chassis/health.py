"""Whether a copy can do its work now.

Invariant: ready is false while anything that a report needs is away: database, broker, assignment, or a queue or
lag that has not gone within its limit.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from services.chassis import kafka
from services.chassis.errors import passes
from services.chassis.monitor import Progress
from services.chassis.runtime import Runtime

_PING_SECONDS = 2.0


async def readiness(runtime: Runtime) -> dict[str, Any]:
    """What is up and what is not; `ready` is the verdict."""
    now, progress = time.monotonic(), runtime.monitor.progress if runtime.monitor else Progress()
    checks = {
        "started": runtime.ready.is_set(),
        "database": await _answers(lambda: runtime.store.fetchval("SELECT 1")),
        "broker": await _answers(lambda: kafka.see_brokers(runtime.door_producer)),
        "assigned": bool(runtime.ingests) and all(i.positions is not None and i.positions.met for i in runtime.ingests),
        "reading": not any(i.quarantine.stopped for i in runtime.ingests),
        "keeping_up": progress.keeps_up(now),
        "settling": progress.settles(now),
    }
    return {"ready": all(checks.values()), **checks}


async def _answers(ask: Callable[[], Awaitable[Any]]) -> bool:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await ask()
    except Exception as failure:
        if not passes(failure):
            raise
        return False
    return True
