"""The pilot-train journey with everything dying once in the middle of it, and a store put back.

Whatever dies, the pictures at the end are the expected ones, and what was counted is counted once.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from deploy.demo import script
from deploy.demo.player import Player, Step
from deploy.demo.result import Result, examine
from deploy.launcher import Launched, launched
from deploy.local.datadir import temporary_directory

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(420)]

COPY_AGE_SECONDS = 30.0


@pytest.fixture
def system() -> Iterator[tuple[Launched, Path]]:
    with temporary_directory() as data, launched(data, _quiet, clock="stepped", fsync=False) as running:
        yield running, data


def test_the_pictures_are_the_expected_ones_whatever_dies_on_the_way(system: tuple[Launched, Path]) -> None:
    """kill -9 of each service, of Kafka and of Postgres, and Postgres put back to a copy of 30 s before."""
    running, data = system
    faults = Faults(running, data / "copy")

    result, sent = play(running, faults)

    assert result.wrong == []
    assert faults.done == ["tracking", "customs", "notifications", "kafka", "postgres", "copied", "put back"]
    assert result.figures["sent"] == sent


class Faults:
    """Throws one fault at a time while a step is being played."""

    def __init__(self, running: Launched, copy: Path) -> None:
        self._running = running
        self._copy = copy
        self._copied_at = 0.0
        self._task: asyncio.Task[None] | None = None
        self.done: list[str] = []

    async def __call__(self, number: int) -> None:
        """Begins the fault of a step; it happens while the step is under way."""
        if self._task is not None:
            await self._task
            self._task = None
        total = len(script.plan())
        at = {total * n // 20: fault for n, fault in enumerate(self._faults(), start=4)}
        if number in at:
            self._task = asyncio.create_task(self._throw(*at[number]))
        if number == total - 2:
            await self._throw("put back", self._put_back)

    def _faults(self) -> list[tuple[str, Callable[[], None]]]:
        services = [(name, self._killed(f"{name}-1")) for name in ("tracking", "customs", "notifications")]
        return [*services, ("kafka", self._kafka), ("postgres", self._postgres), ("copied", self._copied)]

    async def _throw(self, name: str, fault: Callable[[], None]) -> None:
        # In the middle of the step, when its reports are on their way.
        await asyncio.sleep(0.05)
        await asyncio.to_thread(fault)
        self.done.append(name)

    def _killed(self, name: str) -> Callable[[], None]:
        def fault() -> None:
            self._running.services.kill(name)
            self._running.services.start(name)

        return fault

    def _kafka(self) -> None:
        kafka = self._running.stack.kafka
        assert kafka is not None
        kafka.kill()
        kafka.start()

    def _postgres(self) -> None:
        postgres = self._running.stack.postgres
        assert postgres is not None
        postgres.kill()
        postgres.start()

    def _copied(self) -> None:
        postgres = self._running.stack.postgres
        assert postgres is not None
        postgres.base_copy(self._copy)
        self._copied_at = time.monotonic()

    def _put_back(self) -> None:
        postgres = self._running.stack.postgres
        assert postgres is not None
        time.sleep(max(0.0, self._copied_at + COPY_AGE_SECONDS - time.monotonic()))
        postgres.restore(self._copy)


def play(running: Launched, faults: Faults) -> tuple[Result, int]:
    plan: list[Step] = script.plan()
    player = Player(running.services.endpoints, running.stack.access, running.access_of, running.tokens)
    asyncio.run(player.play(plan, faults))
    urls = {e.service: e.url for e in running.services.endpoints}
    senders = sorted({send.party for send in script.sends()})
    return examine(urls, running.tokens, script.agreed(), senders, player.sent), player.sent


def _quiet(_: str) -> None:
    return None
