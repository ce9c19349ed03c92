"""Whether a copy can do its work now.

Invariant: ready is false while anything that a report needs is away: database, broker, assignment, or a queue or
lag that has not gone within its limit. That no record of our own topics was put aside is told beside it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from services.chassis.base.errors import passes
from services.chassis.kafka import clients
from services.chassis.service.runtime import Runtime

_PING_SECONDS = 2.0
_READ_EVERY_SECONDS = 1.0


class Health:
    """Asks anew when the last answer is older than a second, however many want to know."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._found: dict[str, bool] = {}
        self._read_at = float("-inf")
        self._asking = asyncio.Lock()

    async def read(self) -> dict[str, bool]:
        """What is up and what is not; `ready` is the verdict."""
        async with self._asking:
            if time.monotonic() - self._read_at >= _READ_EVERY_SECONDS:
                self._found = await readiness(self._runtime)
                self._read_at = time.monotonic()
        return self._found


async def readiness(runtime: Runtime) -> dict[str, bool]:
    """What is up and what is not; `ready` is the verdict."""
    now, backlogs = time.monotonic(), runtime.monitor.backlogs
    checks = {
        "started": runtime.ready.is_set(),
        "database": await _answers(lambda: _ask_store(runtime)),
        "broker": await _answers(lambda: clients.see_brokers(runtime.door_producer)),
        "assigned": bool(runtime.ingests) and all(i.positions is not None and i.positions.met for i in runtime.ingests),
        "reading": not any(i.quarantine.stopped for i in runtime.ingests),
        "keeping_up": backlogs.move(now, "lag"),
        "settling": backlogs.move(now, "outbox", "recall", "share"),
    }
    # It is told, and takes no door away: one record that cannot be read must not stop all others.
    return {"ready": all(checks.values()), **checks, "understanding": runtime.monitor.misunderstood == 0}


async def _ask_store(runtime: Runtime) -> None:
    """By the connections of the loops: those of HTTP may all be in use while the service works well."""
    if runtime.pool is None:
        raise OSError("the database has not been reached yet")
    await runtime.pool.fetchval("SELECT 1")


async def _answers(ask: Callable[[], Awaitable[Any]]) -> bool:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await ask()
    except Exception as failure:
        if not passes(failure):
            raise
        return False
    return True
