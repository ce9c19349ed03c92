"""Copies of one service: they share the work, take over from each other, and none works twice under one name."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncIterator

import pytest

from contracts.envelope.codec import Event
from deploy.broker_clients import service_access
from deploy.services import ROOT
from tests.support import builders as b
from tests.support.system import System, running_system, until

pytestmark = [pytest.mark.servers, pytest.mark.long]

PARTIES = ("pr", "rai", "trk", "ktz", "rzd", "lahore-dry-port")
POINT = {"pr": "pk-sibi", "rai": "ir-bam", "trk": "tm-tejen", "ktz": "kz-beyneu", "rzd": "ru-astrakhan"}


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with running_system(["tracking"], copies={"tracking": 2}, settings={"NAME_WAIT_SECONDS": "2"}) as system:
        yield system


def reports(name: str, count: int) -> list[Event]:
    """Passages of trains that are planned, from five railways in turn."""
    found = []
    for number in range(count):
        party = PARTIES[number % 5]
        train = f"train:{party}/{name}{number % 20}/2026-06-22"
        if number < 20:
            found.append(b.a_plan(train, id=f"{name}-plan{number}", party=party))
        found.append(
            b.a_milestone("PASS", train, at=number / 10, point=POINT[party], id=f"{name}-{number}", party=party)
        )
    return found


async def outcomes(system: System, name: str) -> dict[str, int]:
    rows = await system.rows(
        "tracking", "SELECT outcome, count(*) AS n FROM receipt WHERE event_id LIKE $1 GROUP BY 1", f"{name}-%"
    )
    return {row["outcome"]: row["n"] for row in rows}


async def test_two_copies_share_the_partitions(system: System) -> None:
    async def both() -> bool:
        rows = await system.rows("tracking", "SELECT count(*) AS n FROM position")
        return bool(rows[0]["n"] >= len(PARTIES))

    await until(both, 20, "positions of all ingress topics")
    assigned = [await assigned_of(system, number) for number in (0, 1)]

    assert assigned[0] and assigned[1]
    assert not set(assigned[0]) & set(assigned[1])


async def assigned_of(system: System, number: int) -> list[str]:
    import httpx

    url = system.services.endpoints[number].url
    async with httpx.AsyncClient(trust_env=False) as client:
        answer = await client.get(f"{url}/ops/state", headers=system.headers("operations"))
    return list(answer.json()["assigned"])


async def test_nothing_takes_effect_twice_when_a_copy_leaves_and_comes_back(system: System) -> None:
    sending = asyncio.create_task(trickle(system, reports("leave", 400)))
    await asyncio.to_thread(system.services.stop, "tracking-2")
    await asyncio.to_thread(system.services.start, "tracking-2")
    await sending
    await system.settled()

    assert await outcomes(system, "leave") == {"accepted": 420}


async def test_nothing_takes_effect_twice_when_a_copy_is_killed(system: System) -> None:
    sending = asyncio.create_task(trickle(system, reports("kill", 400)))
    await asyncio.to_thread(system.services.kill, "tracking-1")
    await asyncio.to_thread(system.services.start, "tracking-1")
    await sending
    await system.settled()

    assert await outcomes(system, "kill") == {"accepted": 420}


async def test_the_survivor_takes_over_the_partitions_of_a_copy_that_stays_away(system: System) -> None:
    await asyncio.to_thread(system.services.kill, "tracking-1")
    try:
        await system.send(*reports("alone", 40))

        async def all_in() -> bool:
            return await outcomes(system, "alone") == {"accepted": 60}

        await until(all_in, 30, "the reports of a dead copy's partitions")
    finally:
        await asyncio.to_thread(system.services.start, "tracking-1")


async def test_a_second_process_with_the_same_name_refuses_to_start(system: System) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        **system.stack.environment(),
        **service_access(system.data, system.stack.access, "tracking").environment(),
        "HTTP_PORT": "0",
        "COPY_NAME": "tracking-1",
        "NAME_WAIT_SECONDS": "1",
    }

    ended = await asyncio.to_thread(
        subprocess.run,
        [sys.executable, "-m", "services.tracking"],
        env=environ,
        capture_output=True,
        text=True,
        timeout=30,
        check=False,
    )

    assert ended.returncode == 2
    assert "COPY_NAME tracking-1 is in use by another process" in ended.stderr


async def trickle(system: System, events: list[Event]) -> None:
    """Sends in small portions, so that the load lasts over what happens meanwhile."""
    for start in range(0, len(events), 10):
        await system.send(*events[start : start + 10])
        await asyncio.sleep(0.02)
