"""A copy's name: one living process each, and taken again when the connection broke."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import asyncpg
import pytest

from deploy.local.stack import Stack
from services.chassis.base import database
from services.chassis.base.errors import NameTaken
from services.chassis.base.pace import repeat
from services.chassis.base.session_lock import NameLock
from services.chassis.base.settings import ServiceSettings
from tests.support.stores import fresh_database
from tests.support.system import until

pytestmark = pytest.mark.servers


@pytest.fixture
async def url(stack: Stack) -> AsyncIterator[str]:
    assert stack.admin_url
    async with fresh_database(stack.admin_url, "tracking") as url:
        yield url


async def test_a_name_that_another_process_holds_is_refused_after_the_wait(url: str) -> None:
    first, second = NameLock("tracking", "a", url, 0), NameLock("tracking", "a", url, 0)
    await first.acquire()

    with pytest.raises(NameTaken, match="COPY_NAME a is in use"):
        await second.acquire()

    await first.release()
    await second.release()


async def test_a_name_is_free_when_its_process_is_gone(url: str) -> None:
    first, second = NameLock("tracking", "a", url, 5), NameLock("tracking", "a", url, 5)
    await first.acquire()
    waiting = asyncio.create_task(second.acquire())
    await first.release()

    await asyncio.wait_for(waiting, 10)
    await second.release()


async def test_a_name_that_a_frozen_process_does_not_keep_is_free_after_a_while(
    url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(database, "_HELD_SECONDS", 1)
    frozen, second = NameLock("tracking", "a", url, 5), NameLock("tracking", "a", url, 10)
    await frozen.acquire()

    await asyncio.wait_for(second.acquire(), 10)

    await second.release()


def test_a_copy_waits_longer_for_its_name_than_a_frozen_one_keeps_it() -> None:
    """Or one that is started where its host has gone would end, for a session of which nobody is left."""
    waits = ServiceSettings.model_fields["name_wait_seconds"].default

    assert waits > database._HELD_SECONDS


async def test_copies_of_other_names_work_side_by_side(url: str) -> None:
    locks = [NameLock("tracking", name, url, 0) for name in ("a", "b")]

    for lock in locks:
        await lock.acquire()

    for lock in locks:
        await lock.release()


async def test_a_name_is_taken_again_when_the_connection_broke(url: str) -> None:
    lock = NameLock("tracking", "a", url, 5)
    await lock.acquire()
    keeping = asyncio.create_task(repeat(lock.keep, 0.05))
    connection = await asyncpg.connect(url)
    holders = (
        "SELECT pid FROM pg_stat_activity WHERE application_name = 'tracking-name-a' AND datname = current_database()"
    )
    before = await connection.fetchval(holders)
    await connection.execute("SELECT pg_terminate_backend($1)", before)

    async def held_again() -> bool:
        pid = await connection.fetchval(holders)
        return pid not in (None, before)

    await until(held_again, 10, "a new holder of the name")
    keeping.cancel()
    await lock.release()
    await connection.close()
