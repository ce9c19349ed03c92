"""A store saved and put back, by the commands: it reads on from where it was, and comes to the same pictures."""

from __future__ import annotations

import asyncio
import json
import os
import subprocess
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from contracts import catalogue, topics
from contracts.envelope.codec import Event
from deploy.services import ROOT
from tests.support import builders as b
from tests.support.system import System, running_system

pytestmark = pytest.mark.servers

_PICTURES = "SELECT subject, content::text AS content FROM picture WHERE content IS NOT NULL ORDER BY subject"

# What the book of a subject has of an entity: its version, and the version before it.
_ENTRY = "SELECT published -> $1 AS entry FROM picture WHERE subject = $2"


@pytest.fixture(scope="module")
async def system() -> AsyncIterator[System]:
    async with running_system(["tracking", "customs"], settings={"NAME_WAIT_SECONDS": "2"}) as system:
        yield system


def backup(system: System, *words: str) -> subprocess.CompletedProcess[str]:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT), **system.stack.environment()}
    command = [sys.executable, "-m", "corridor", "backup", *words]
    return subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)


def journey(name: str, hour: float) -> list[Event]:
    train = f"train:pr/{name}/2026-06-22"
    booking = f"consignment:indus-forwarding/{name}"
    return [
        b.a_plan(train, id=f"{name}-plan"),
        b.a_milestone("DEPA", train, at=hour, id=f"{name}-dep"),
        b.a_booking([], booking, id=f"{name}-book", wagons=[b.WAGON]),
        b.a_declaration(booking, id=f"{name}-lodged"),
    ]


async def pictures(system: System) -> dict[str, Any]:
    found = {}
    for service in ("tracking", "customs"):
        found[service] = {r["subject"]: r["content"] for r in await system.rows(service, _PICTURES)}
    return found


async def test_a_store_put_back_reads_on_and_converges(system: System, tmp_path: Path) -> None:
    await system.send(*journey("A", 0))
    await system.settled()
    for service in ("tracking", "customs"):
        assert backup(system, "save", service, str(tmp_path / service)).returncode == 0
    await system.send(*journey("B", 1))
    await system.send(b.a_milestone("DEPA", "train:pr/A/2026-06-22", at=2, id="A-dep", updated_at=b.hours(3)))
    await system.settled()
    before = await pictures(system)

    await asyncio.to_thread(system.services.stop)
    for service in ("tracking", "customs"):
        assert backup(system, "restore", service, str(tmp_path / service)).returncode == 0
    missing = len(await system.rows("tracking", "SELECT 1 FROM event"))
    await asyncio.to_thread(system.services.start)
    await system.settled()

    assert missing < len(await system.rows("tracking", "SELECT 1 FROM event"))
    assert await pictures(system) == before


async def test_what_was_told_since_and_nobody_knows_any_more_is_closed(system: System, tmp_path: Path) -> None:
    """The last words of the course that is given up are read from Kafka when the service starts."""
    await system.send(*journey("C", 0))
    await system.settled()
    assert backup(system, "save", "tracking", str(tmp_path / "tracking")).returncode == 0
    await asyncio.to_thread(system.services.stop)
    assert backup(system, "restore", "tracking", str(tmp_path / "tracking")).returncode == 0
    name = "exception:NO_REPORT/train:pr/C/2026-06-22"
    opened = {
        "exception": name,
        "rule": "NO_REPORT",
        "subject": "train:pr/C/2026-06-22",
        "severity": "warning",
        "state": "open",
        "opened_at": b.hours(1),
        "version": int(time.time() * 1_000_000),
        "recorded_at": b.hours(1),
    }
    told = b.an_event(catalogue.EXCEPTION, name, opened, id=f"{name}@1", party="x")
    await system.send(told._replace(source="urn:corridor:tracking"), topic=topics.TRACKING_EVENTS.name)

    await asyncio.to_thread(system.services.start)
    await system.settled()

    (row,) = await system.rows("tracking", _ENTRY, name, opened["subject"])
    version, _, previous, *_ = json.loads(row["entry"])
    assert version > previous == opened["version"]
    (heard,) = await system.rows(
        "customs", "SELECT convert_from(body, 'UTF8') AS body FROM replica WHERE entity = $1", name
    )
    assert json.loads(heard["body"])["state"] == "closed"


async def test_nothing_is_put_back_under_a_copy_at_work(system: System, tmp_path: Path) -> None:
    await system.send(*journey("D", 0))
    await system.settled()
    assert backup(system, "save", "tracking", str(tmp_path / "dump")).returncode == 0

    refused = backup(system, "restore", "tracking", str(tmp_path / "dump"))

    assert refused.returncode == 2
    assert "stop the copies of this service first" in refused.stderr
    assert await system.rows("tracking", "SELECT 1 FROM event LIMIT 1")


def test_an_address_that_is_missing_is_one_line(tmp_path: Path) -> None:
    environ = {"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)}
    command = [sys.executable, "-m", "corridor", "backup", "save", "tracking", str(tmp_path / "x")]

    ended = subprocess.run(command, env=environ, capture_output=True, text=True, timeout=60, check=False)

    assert (ended.returncode, ended.stderr) == (2, "backup: TRACKING_DATABASE_URL is not set\n")
