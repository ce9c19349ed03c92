"""Whoever floods HTTP is refused, and another party's reports take at most twice as long as on a quiet day."""

from __future__ import annotations

import sys
from collections.abc import AsyncIterator

import pytest

from tests.floods.innocent import Innocent, Times, flood, innocent
from tests.support.system import System, running_system

pytestmark = [
    pytest.mark.servers,
    pytest.mark.long,
    pytest.mark.timeout(600),
    pytest.mark.skipif(sys.platform != "linux", reason="the flood comes from another address of the loopback"),
]

FLOODER = "ravi-textiles"
# Few descriptors' worth of connections, so that a flood of some hundreds is beyond them.
BOUNDS = {"HTTP_CONNECTIONS": "300", "HTTP_CONNECTIONS_PER_ADDRESS": "100"}
REPORTS = 40
# What is refused, and how.
FLOODS = {
    "streams": ("notifications", 100, "429"),
    "reads": ("notifications", 50, "429"),
    "guesses": ("notifications", 50, "429"),
    "halves": ("tracking", 400, "429"),
}


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with running_system(settings=BOUNDS) as system:
        yield system


@pytest.fixture(scope="module")
async def party(system: System) -> AsyncIterator[Innocent]:
    async with innocent(system) as party:
        await party.report(Times(), 20)
        yield party


@pytest.mark.parametrize("kind", FLOODS)
async def test_a_flood_is_refused_and_slows_nobody_else(
    system: System, party: Innocent, kind: str, capsys: pytest.CaptureFixture[str]
) -> None:
    service, count, status = FLOODS[kind]
    quiet, flooded = Times(), Times()

    await party.report(quiet, REPORTS)
    async with flood(system, kind, service, FLOODER, count) as seen:
        await party.report(flooded, REPORTS)

    with capsys.disabled():
        print(f"\n{kind}: {count} at once, answers {seen}; quiet {quiet}; flooded {flooded}")
    assert seen.get(status, 0) > 0
    assert flooded.p99 <= 2 * quiet.p99
