"""The play: the whole journey on a running system, told as it goes on, and examined at its end.

Invariant: what is examined is what anybody could read over HTTP.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from datetime import date

from deploy.demo import script
from deploy.demo.player import OnStep, Player, Step
from deploy.demo.result import Result, examine
from deploy.launcher import Launched


def play(
    running: Launched, tell: Callable[[str], None] = print, *, on_step: OnStep | None = None, pace: float = 0
) -> Result:
    """The journey from its first step to its last, and what it came to; `pace` is the least length of a step."""
    # The client tells each try of a broker that is away; the player waits for it and says so when it gives up.
    logging.getLogger("aiokafka").setLevel(logging.CRITICAL)
    plan = script.plan()
    diary = _Diary(plan, tell)

    async def before(number: int) -> None:
        diary.turn(number)
        if on_step is not None:
            await on_step(number)

    player = Player(running.services.endpoints, running.stack.access, running.access_of, running.tokens)
    asyncio.run(player.play(plan, before, pace))
    urls = {e.service: e.url for e in reversed(running.services.endpoints)}
    senders = sorted({send.party for send in script.sends()})
    return examine(urls, running.tokens, script.agreed(), senders, player.sent)


class _Diary:
    """Tells of each day of the journey as it begins."""

    def __init__(self, plan: Sequence[Step], tell: Callable[[str], None]) -> None:
        self._plan = plan
        self._tell = tell
        self._day: date | None = None
        self._sent = 0

    def turn(self, number: int) -> None:
        step = self._plan[number]
        if step.instant.date() != self._day:
            self._day = step.instant.date()
            self._tell(f"{self._day}  step {number + 1} of {len(self._plan)}, {self._sent} reports so far")
        self._sent += len(step.sends)
