"""How long a copy takes until it is ready again, once everything that troubled it is mended.

Invariant: time counts from the last end of a disturbance; one that begins before the copy was ready begins the
measurement anew, with the longer of the two bounds.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import httpx

from deploy.services import Endpoint
from tests.faults.evidence import Violation

SERVICE_BOUND = 15.0
SERVER_BOUND = 30.0
_LOOK_EVERY = 0.1
_ANSWER_WITHIN = 6.0


@dataclass(slots=True)
class _Copy:
    endpoint: Endpoint
    troubles: int = 0
    times: int = 0
    left_alone_at: float = 0.0
    bound: float = SERVER_BOUND
    causes: str = "start"
    told: bool = False
    is_ready: bool = False


class Recovery:
    """Watches copies that are to become ready; `seconds` are the recoveries measured."""

    def __init__(self, endpoints: Iterable[Endpoint], violations: list[Violation]) -> None:
        self._copies = {endpoint.copy: _Copy(endpoint) for endpoint in endpoints}
        self._violations = violations
        self._changed = asyncio.Condition()
        self.seconds: list[float] = []

    @contextmanager
    def disturbed(self, cause: str, names: Iterable[str], bound: float) -> Iterator[None]:
        """The length of a disturbance of these copies."""
        touched = [self._copies[name] for name in names]
        for copy in touched:
            self._begin(copy, cause, bound)
        try:
            yield
        finally:
            for copy in touched:
                copy.troubles -= 1
                copy.left_alone_at = time.monotonic()

    def times(self, name: str) -> int:
        """How many disturbances a copy has seen: unchanged means that it was left alone."""
        return self._copies[name].times

    async def ready(self, name: str, within: float) -> bool:
        """Waits until a copy is ready and nothing troubles it; false when that does not come in time."""
        copy = self._copies[name]
        return await self._come(lambda: copy.is_ready and not copy.troubles, within)

    async def watch(self) -> None:
        """Looks at the copies until cancelled."""
        async with httpx.AsyncClient(timeout=_ANSWER_WITHIN, trust_env=False) as http:
            await asyncio.gather(*(self._follow(copy, http) for copy in self._copies.values()))

    async def all_ready(self, within: float) -> None:
        """Returns when every copy is ready and nothing troubles any; raises `TimeoutError`."""
        if not await self._come(lambda: all(c.is_ready and not c.troubles for c in self._copies.values()), within):
            missing = [f"{name} ({c.causes})" for name, c in self._copies.items() if not c.is_ready]
            raise TimeoutError(f"not ready within {within:g} s: {', '.join(missing)}")

    async def _come(self, condition: Callable[[], bool], within: float) -> bool:
        try:
            async with asyncio.timeout(within), self._changed:
                await self._changed.wait_for(condition)
        except TimeoutError:
            return False
        return True

    def _begin(self, copy: _Copy, cause: str, bound: float) -> None:
        copy.troubles += 1
        copy.times += 1
        copy.bound = bound if copy.is_ready else max(bound, copy.bound)
        copy.causes = cause if copy.is_ready else f"{copy.causes}, {cause}"
        copy.is_ready, copy.told = False, False

    async def _follow(self, copy: _Copy, http: httpx.AsyncClient) -> None:
        while True:
            if not copy.is_ready and not copy.troubles:
                await self._look(copy, http)
            await asyncio.sleep(_LOOK_EVERY)

    async def _look(self, copy: _Copy, http: httpx.AsyncClient) -> None:
        before = copy.times
        found = await _answer(http, copy.endpoint.url)
        if copy.times != before or copy.troubles:
            return
        seconds = time.monotonic() - copy.left_alone_at
        if found == "ready":
            if copy.causes != "start":
                self.seconds.append(seconds)
            async with self._changed:
                copy.is_ready = True
                self._changed.notify_all()
        elif seconds > copy.bound and not copy.told and copy.causes != "start":
            copy.told = True
            what = f"{copy.endpoint.copy} is not ready {copy.bound:g} s after {copy.causes}: {found}"
            self._violations.append(Violation("recovery", what))


async def _answer(http: httpx.AsyncClient, url: str) -> str:
    """`ready`, or what is missing."""
    try:
        answer = await http.get(f"{url}/ready")
    except httpx.HTTPError as failure:
        return repr(failure)
    return "ready" if answer.status_code == 200 else answer.text
