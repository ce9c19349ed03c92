"""The highest rate at which a chain keeps up: steps upwards until it does not, then halves.

Invariant: the answer is a rate at which a run was bounded (`Lived.bounded`), and no run at a lower rate was not.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Final

_STEP: Final = 1.6
_CLOSE: Final = 1.1
_LEAST: Final = 1.0


async def highest_rate(
    keeps_up: Callable[[float], Awaitable[bool]], start: float, probes: int
) -> tuple[float, float | None]:
    """The highest rate that was kept up with in so many probes, and the lowest that was not; 0 where none was.

    Ends earlier where the two are within a tenth of each other.
    """
    low, high, rate = 0.0, None, max(start, _LEAST)
    for _ in range(probes):
        if await keeps_up(rate):
            low = rate
        else:
            high = rate
        if high is not None and high <= max(low * _CLOSE, _LEAST):
            break
        rate = low * _STEP if high is None else (low + high) / 2
    return low, high
