"""Waiting for what may happen."""

from __future__ import annotations

import asyncio

import pytest
from structlog.testing import capture_logs

from services.chassis.base import pace


async def test_a_cancellation_that_comes_with_the_event_is_not_lost() -> None:
    """Or a service that is stopped at such a moment would go on."""
    event = asyncio.Event()
    waiting = asyncio.create_task(pace.until(event, 60))
    await asyncio.sleep(0)

    event.set()
    waiting.cancel()

    with pytest.raises(asyncio.CancelledError):
        await waiting


async def test_what_does_not_happen_is_waited_for_only_so_long() -> None:
    await asyncio.wait_for(pace.until(asyncio.Event(), 0.01), 10)


class Failing:
    """Fails as it is told to, one time after the other, and then says that it has been done."""

    def __init__(self, *failures: Exception) -> None:
        self._failures = list(failures)
        self.done = asyncio.Event()

    async def __call__(self) -> None:
        if self._failures:
            raise self._failures.pop(0)
        self.done.set()


async def test_what_is_done_now_and_then_goes_on_after_a_failure_and_says_which_is_ours() -> None:
    action = Failing(OSError("away"), ValueError("ours"))
    with capture_logs() as told:
        repeating = asyncio.create_task(pace.repeat(action, 0.001, "it cannot be done"))
        await asyncio.wait_for(action.done.wait(), 10)
        repeating.cancel()

    assert [said["event"] for said in told] == ["it cannot be done"]


async def test_what_has_to_hold_ends_with_a_failure_that_does_not_pass() -> None:
    with pytest.raises(ValueError, match="ours"):
        await asyncio.wait_for(pace.repeat(Failing(OSError("away"), ValueError("ours")), 0.001), 10)
