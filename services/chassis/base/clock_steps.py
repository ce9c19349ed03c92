"""Where the corridor clock of a stepped system was moved, and when, as all copies of a service know it.

Invariant: a step is kept once, by the first copy that takes it. So all copies agree on when a record was received,
also while one of them has been moved and the others have not.
"""

from datetime import datetime

from services.chassis.base.clock import CorridorClock, machinery_now
from services.chassis.base.database import Pool

_LOAD = "SELECT instant, at FROM clock_step ORDER BY instant"
_SAVE = "INSERT INTO clock_step (instant, at) VALUES ($1, $2) ON CONFLICT DO NOTHING"


async def load_steps(pool: Pool) -> list[tuple[datetime, datetime]]:
    """Where the clock was moved, and when."""
    return [(row["instant"], row["at"]) for row in await pool.fetch(_LOAD)]


async def save_step(pool: Pool, instant: datetime) -> None:
    """Keeps where the clock stands, for the other copies and for those that start later."""
    await pool.execute(_SAVE, instant, machinery_now())


async def learn_steps(pool: Pool, clock: CorridorClock) -> None:
    """Has a stepped clock know the steps of all copies, without moving it; nothing to do for a real one."""
    if clock.stepped:
        clock.learn(await load_steps(pool))
