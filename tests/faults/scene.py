"""What faults are thrown at, and the rules of throwing: one fault at a time on a copy, a link or a server.

Invariant: whoever takes a thing holds it until it is mended; a copy that ends unbidden is told and started again.
"""

from __future__ import annotations

import asyncio
import time
from collections import defaultdict
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import httpx

from contracts.events.fields import utc_text
from deploy.services import Services
from tests.faults.evidence import Violation
from tests.faults.recovery import SERVER_BOUND, Recovery
from tests.faults.schedule import Planned
from tests.faults.servers import Servers

BEGIN = datetime(2026, 8, 1, tzinfo=UTC)
"""Where the corridor clock stands as the first report of a load is sent: after any of them was written."""
AS_OF = datetime(2026, 8, 15, tzinfo=UTC)
"""Where it stands in the end, after everything that a load tells of."""

_STEP_WITHIN = 10.0
_SUPERVISED_EVERY = 0.3


@dataclass(slots=True)
class Scene:
    """A running system with its harness."""

    servers: Servers
    services: Services
    recovery: Recovery
    tokens: dict[str, str]
    data: Path
    violations: list[Violation]
    seconds: float
    began: float = 0.0
    copies_taken: dict[int, tuple[Path, float]] = field(default_factory=dict)
    builds: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    _locks: dict[str, asyncio.Lock] = field(default_factory=lambda: defaultdict(asyncio.Lock))

    def progress(self) -> float:
        """Which part of the run is over."""
        return (time.monotonic() - self.began) / self.seconds

    def copies(self, service: str | None = None) -> list[str]:
        """The names of all copies, or of those of a service."""
        return [e.copy for e in self.services.endpoints if service in (None, e.service)]

    @asynccontextmanager
    async def taking(self, *things: str) -> AsyncIterator[None]:
        """Waits until nobody else is at these things."""
        async with AsyncExitStack() as held:
            for thing in sorted(things):
                await held.enter_async_context(self._locks[thing])
            yield

    @asynccontextmanager
    async def taking_server(self, server: str, cause: str) -> AsyncIterator[None]:
        """Takes a server, to the trouble of all copies."""
        async with self.taking(server):
            with self.recovery.disturbed(cause, self.copies(), SERVER_BOUND):
                yield

    async def step(self, name: str, instant: datetime) -> bool:
        """Steps the corridor clock of one copy; false when it does not answer."""
        url = next(e.url for e in self.services.endpoints if e.copy == name)
        headers = {"Authorization": f"Bearer {self.tokens['operations']}"}
        async with httpx.AsyncClient(timeout=_STEP_WITHIN, trust_env=False) as http:
            try:
                answer = await http.post(f"{url}/ops/clock", json={"instant": utc_text(instant)}, headers=headers)
            except httpx.HTTPError:
                return False
        return answer.status_code == 200

    async def supervise(self) -> None:
        """Starts again, until cancelled, what ends while nobody is at it: that is a fault of the service's own."""
        while True:
            for name in self.copies():
                if not self._locks[name].locked() and (code := self.services.exit_code(name)) is not None:
                    self.violations.append(Violation("ended", f"{name} ended by itself with {code}"))
                    await asyncio.to_thread(self.services.launch, name)
            await asyncio.sleep(_SUPERVISED_EVERY)


Throw = Callable[[Scene, Planned], Awaitable[str | None]]
"""Throws a fault and mends it; what it returns is told beside it."""


def instant_at(progress: float) -> datetime:
    """The instant of the corridor clock at a part of the run."""
    return BEGIN + (AS_OF - BEGIN) * min(max(progress, 0.0), 1.0)
