"""Waiting for what may happen."""

from __future__ import annotations

import asyncio

import pytest

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
