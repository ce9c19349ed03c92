"""The two clocks, and versions that follow the real one."""

from __future__ import annotations

import time
from datetime import UTC, datetime, timedelta
from typing import Any, cast

import asyncpg
import pytest

from services.chassis.base.clock import CorridorClock, machinery_now, version_after
from services.chassis.base.settings import ServiceSettings
from services.chassis.service.runtime import Runtime
from services.tracking.app import blueprint

NOON = datetime(2026, 6, 22, 12, tzinfo=UTC)


def test_a_real_clock_shows_the_present_and_cannot_be_set() -> None:
    clock = CorridorClock()

    assert abs(clock.now() - machinery_now()) < timedelta(seconds=1)
    with pytest.raises(ValueError, match="not stepped"):
        clock.step(NOON)


def test_a_stepped_clock_stands_until_it_is_moved_and_never_goes_back() -> None:
    clock = CorridorClock(stepped=True)

    clock.step(NOON)
    clock.step(NOON - timedelta(hours=1))

    assert clock.now() == NOON


def test_a_record_was_received_where_a_stepped_clock_stood_when_the_broker_took_it() -> None:
    """Whenever it is read: first, or once more from a store that was put back."""
    clock = CorridorClock(stepped=True)
    steps = [(NOON + timedelta(hours=n), datetime.fromtimestamp(1000 + n, UTC)) for n in range(3)]

    clock.resume(steps[::-1])

    received = [clock.received_at(ms) for ms in (0, 1_000_500, 1_001_000, 1_002_999)]
    assert received == [NOON, NOON, NOON + timedelta(hours=1), NOON + timedelta(hours=2)]
    assert clock.now() == NOON + timedelta(hours=2)


def test_copies_agree_on_when_a_record_was_received_while_one_of_them_is_ahead() -> None:
    moved, stands = CorridorClock(stepped=True), CorridorClock(stepped=True)
    steps = [(NOON + timedelta(hours=n), datetime.fromtimestamp(1000 + n, UTC)) for n in range(2)]
    moved.resume(steps)
    stands.resume(steps[:1])

    stands.learn(steps)

    assert [clock.received_at(1_001_500) for clock in (moved, stands)] == [NOON + timedelta(hours=1)] * 2
    assert (moved.now(), stands.now()) == (NOON + timedelta(hours=1), NOON)


def test_a_step_that_a_restored_store_has_lost_counts_for_no_copy() -> None:
    """The one that was moved keeps its present, and goes by the steps that are stored."""
    moved, started_since = CorridorClock(stepped=True), CorridorClock(stepped=True)
    steps = [(NOON + timedelta(hours=n), datetime.fromtimestamp(1000 + n, UTC)) for n in range(2)]
    moved.resume(steps)
    started_since.resume(steps[:1])

    moved.learn(steps[:1])

    assert [clock.received_at(1_001_500) for clock in (moved, started_since)] == [NOON] * 2
    assert moved.now() == NOON + timedelta(hours=1)


def test_a_version_rises_past_the_one_before_and_follows_real_microseconds() -> None:
    now = time.time_ns() // 1000

    assert version_after(0) >= now
    assert version_after(now + 10**9) == now + 10**9 + 1


class FullDisk:
    """A database that fails once as with a full disk, then gives an instant."""

    def __init__(self) -> None:
        self.failed = False

    async def fetch(self, _: str) -> list[dict[str, datetime]]:
        if self.failed:
            return [{"instant": NOON, "at": machinery_now()}]
        self.failed = True
        raise asyncpg.InternalServerError("could not write block: File too large")


async def test_a_service_that_starts_while_its_database_cannot_tell_the_instant_waits_for_it() -> None:
    settings = ServiceSettings(
        database_url="postgresql://x:x@localhost/x",
        kafka_bootstrap_servers="localhost:1",
        http_port=0,
        copy_name="new",
        clock="stepped",
    )
    runtime = Runtime(blueprint(), settings)

    await runtime._set_clock(cast(Any, FullDisk()))

    assert runtime.clock.now() == NOON
