"""The journey with everything taken away under it, one thing after the other: the pictures are the expected ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deploy.demo.play import play
from deploy.launcher import Launched, disposable_directory, launched
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.stack import Stack

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(1500)]

AWAY_SECONDS = 3.0
"""How long what was killed stays away, while the journey goes on."""


@pytest.fixture
def directory() -> Iterator[Path]:
    with disposable_directory() as made:
        yield made


def servers(stack: Stack) -> tuple[Kafka, Postgres]:
    if stack.kafka is None or stack.postgres is None:
        pytest.skip("Kafka or Postgres is given by the environment: not ours to kill")
    return stack.kafka, stack.postgres


def copied(postgres: Postgres, target: Path) -> None:
    postgres.base_copy(target)


class Faults:
    """Does what is listed before the steps where it is listed; what must be undone is undone a little later."""

    def __init__(self, at: Mapping[int, Callable[[], Callable[[], object] | None]]) -> None:
        self._at = at
        self._undoing: list[asyncio.Task[None]] = []
        self.done: list[int] = []

    async def __call__(self, step: int) -> None:
        for task in [task for task in self._undoing if task.done()]:
            self._undoing.remove(task)
            task.result()
        if step in self._at:
            undo = await asyncio.to_thread(self._at[step])
            self.done.append(step)
            if undo is not None:
                self._undoing.append(asyncio.create_task(self._later(undo)))

    @staticmethod
    async def _later(undo: Callable[[], object]) -> None:
        await asyncio.sleep(AWAY_SECONDS)
        await asyncio.to_thread(undo)


def killed(running: Launched, name: str) -> Callable[[], Callable[[], object]]:
    """kill -9 of a copy, which starts again later."""

    def kill() -> Callable[[], object]:
        running.services.kill(name)
        return lambda: running.services.start(name)

    return kill


def test_kills_of_everything_and_a_store_put_back_change_no_picture(directory: Path) -> None:
    with launched(directory, print, clock="stepped", fsync=True) as running:
        kafka, postgres = servers(running.stack)
        copy = postgres.data_dir / "copy"

        def kill(server: Kafka | Postgres) -> Callable[[], object]:
            server.kill()
            return server.start

        faults = Faults(
            {
                20: killed(running, "tracking-1"),
                35: killed(running, "customs-1"),
                45: killed(running, "notifications-1"),
                55: lambda: kill(kafka),
                65: lambda: kill(postgres),
                # Some steps later everything since is taken back, under copies that go on running.
                72: lambda: copied(postgres, copy),
                82: lambda: postgres.restore(copy),
            }
        )
        result = play(running, on_step=faults)

    assert list(result.wrong) == []
    assert faults.done == [20, 35, 45, 55, 65, 72, 82]


def test_copies_that_come_and_go_change_no_picture(directory: Path) -> None:
    two = {"tracking": 2, "customs": 2, "notifications": 2}
    with launched(directory, print, copies=two, clock="stepped", fsync=False) as running:
        services = running.services
        faults = Faults(
            {
                15: lambda: services.kill("tracking-2"),
                30: lambda: services.stop("customs-1"),
                45: lambda: services.start("tracking-2"),
                55: lambda: services.restart("notifications-2"),
                65: lambda: services.start("customs-1"),
                75: killed(running, "customs-2"),
                85: lambda: services.restart("tracking-1"),
            }
        )
        result = play(running, on_step=faults)

    assert list(result.wrong) == []
