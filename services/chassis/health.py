"""Whether a copy can do its work now.

Invariant: ready is false while anything that a report needs is away: database, broker, assignment, or a queue
that has not moved within its limit.
"""

import asyncio
from typing import Any

from services.chassis import telemetry
from services.chassis.errors import passes
from services.chassis.runtime import Runtime
from services.chassis.state import read_state

_PING_SECONDS = 2.0


async def readiness(runtime: Runtime) -> dict[str, Any]:
    """What is up and what is not; `ready` is the verdict."""
    checks = {
        "started": runtime.ready.is_set(),
        "database": await _database(runtime),
        "broker": await _broker(runtime),
        "assigned": all(i.positions is not None and i.positions.met for i in runtime.ingests),
    }
    return {"ready": all(checks.values()), **checks}


async def _database(runtime: Runtime) -> bool:
    try:
        found = await asyncio.wait_for(read_state(runtime.store, runtime.clock.now()), _PING_SECONDS)
    except Exception as failure:
        if not passes(failure):
            raise
        return False
    for queue in ("unsettled", "outbox"):
        telemetry.DEPTH.labels(runtime.blueprint.name, queue).set(found[queue])
    return True


async def _broker(runtime: Runtime) -> bool:
    brokers = {i.broker for i in runtime.ingests if i.broker is not None}
    return bool(brokers) and all([await b.ping(_PING_SECONDS) for b in brokers])
