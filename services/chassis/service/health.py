"""Whether a copy can do its work now.

Invariant: ready is false while anything that a report needs is missing: database, broker, assignment, or movement of a
queue or lag within its limit. Whether records of our own topics were put aside is reported beside it.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import Any

from services.chassis.base.errors import is_transient
from services.chassis.kafka import clients
from services.chassis.service.runtime import Runtime

_PING_SECONDS = 2.0
_READ_EVERY_SECONDS = 1.0


class Health:
    """The readiness of a copy, checked at most once a second, however many callers ask."""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime
        self._found: dict[str, bool] = {}
        self._read_at = float("-inf")
        self._asking = asyncio.Lock()

    async def read(self) -> dict[str, bool]:
        """The result of each check by name; `ready` is true if all that count are."""
        async with self._asking:
            if time.monotonic() - self._read_at >= _READ_EVERY_SECONDS:
                self._found = await readiness(self._runtime)
                self._read_at = time.monotonic()
        return self._found


async def readiness(runtime: Runtime) -> dict[str, bool]:
    """Runs all checks; returns the result of each by name, and `ready`, true if all that count are."""
    now, backlogs = time.monotonic(), runtime.monitor.backlogs
    checks = {
        "started": runtime.ready.is_set(),
        "database": await _answers(lambda: _ask_store(runtime)),
        "broker": await _answers(lambda: clients.see_brokers(runtime.door_producer)),
        "assigned": bool(runtime.ingests)
        and all(i.positions is not None and i.positions.has_assignment for i in runtime.ingests),
        "reading": not any(i.quarantine.stopped for i in runtime.ingests),
        "keeping_up": backlogs.move(now, "lag"),
        "settling": backlogs.move(now, "outbox", "recovery", "share"),
    }
    # `understanding` does not count for `ready`: one unreadable record must not stop all others.
    return {"ready": all(checks.values()), **checks, "understanding": runtime.monitor.misunderstood == 0}


async def _ask_store(runtime: Runtime) -> None:
    """Asks by the pool of the loops: HTTP's may be exhausted while the service works well."""
    if runtime.pool is None:
        raise OSError("the database has not been reached yet")
    await runtime.pool.fetchval("SELECT 1")


async def _answers(ask: Callable[[], Awaitable[Any]]) -> bool:
    try:
        async with asyncio.timeout(_PING_SECONDS):
            await ask()
    except Exception as failure:
        if not is_transient(failure):
            raise
        return False
    return True
