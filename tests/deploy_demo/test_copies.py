"""The journey on two copies of each service that come and go: the pictures are the expected ones."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

import pytest

from deploy.demo.play import play
from deploy.launcher import disposable_directory, launched

pytestmark = [pytest.mark.servers, pytest.mark.long, pytest.mark.timeout(1500)]


@pytest.fixture
def directory() -> Iterator[Path]:
    with disposable_directory() as made:
        yield made


class Changes:
    """Does what is listed before the steps where it is listed."""

    def __init__(self, at: Mapping[int, Callable[[], object]]) -> None:
        self._at = at
        self.done: list[int] = []

    async def __call__(self, step: int) -> None:
        if step in self._at:
            await asyncio.to_thread(self._at[step])
            self.done.append(step)


def test_copies_that_come_and_go_change_no_picture(directory: Path) -> None:
    two = {"tracking": 2, "customs": 2, "notifications": 2}
    with launched(directory, print, copies=two, clock="stepped", fsync=False) as running:
        services = running.services
        changes = Changes(
            {
                15: lambda: services.kill("tracking-2"),
                30: lambda: services.stop("customs-1"),
                45: lambda: services.start("tracking-2"),
                55: lambda: services.restart("notifications-2"),
                65: lambda: services.start("customs-1"),
                75: lambda: services.kill("customs-2"),
                80: lambda: services.start("customs-2"),
                85: lambda: services.restart("tracking-1"),
            }
        )
        result = play(running, on_step=changes)

    assert list(result.wrong) == []
    assert len(changes.done) == 8
