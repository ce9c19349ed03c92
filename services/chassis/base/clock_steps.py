"""The stored steps of a stepped corridor clock, shared by all copies of a service.

Invariant: the first copy that takes a step stores it, once. So all copies agree on when a record was received, even
while only some of them have moved.
"""

from datetime import datetime

from services.chassis.base.clock import CorridorClock, machinery_now
from services.chassis.base.database import Pool

_LOAD = "SELECT instant, at FROM clock_step ORDER BY instant"
_SAVE = "INSERT INTO clock_step (instant, at) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def load_steps(pool: Pool) -> list[tuple[datetime, datetime]]:
    """All steps, as pairs of (corridor instant, real time)."""
    return [(row["instant"], row["at"]) for row in await pool.fetch(_LOAD)]


async def save_step(pool: Pool, instant: datetime) -> None:
    """Stores a step for the other copies, unless one of them has stored it already."""
    await pool.execute(_SAVE, instant, machinery_now())


async def learn_steps(pool: Pool, clock: CorridorClock) -> None:
    """Teaches a stepped clock the steps of all copies without moving it; does nothing for a real one."""
    if clock.stepped:
        clock.learn(await load_steps(pool))
