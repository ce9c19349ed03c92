"""Faults of Kafka and Postgres themselves: killed, away, put back to an earlier copy, out of space.

Invariant: afterwards the server answers again, at the same address.
"""

from __future__ import annotations

import asyncio
import pwd
import shutil
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import psutil

from deploy.local.postgres import Postgres
from deploy.local.unprivileged import postgres_account
from tests.faults.scene import Scene
from tests.faults.schedule import Planned
from tests.faults.servers import WAL_SEGMENT_MB

# Of what grows with the load: a file of the catalogue may be larger.
_LARGEST = """
SELECT relname, pg_relation_size(oid) AS size FROM pg_class
WHERE relnamespace = 'public'::regnamespace AND relkind IN ('r', 'i') ORDER BY 2 DESC LIMIT 1
"""
_REFUSED = "File too large"


async def kafka_kill(scene: Scene, fault: Planned) -> None:
    """kill -9 of the broker, and started again on what it has written."""
    async with scene.taking_server("kafka", fault.kind):
        await asyncio.to_thread(scene.servers.kafka.kill)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(scene.servers.kafka.start)


async def kafka_away(scene: Scene, fault: Planned) -> None:
    """The broker stops in good order and stays away, so that outboxes fill."""
    async with scene.taking_server("kafka", fault.kind):
        await asyncio.to_thread(scene.servers.kafka.stop)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(scene.servers.kafka.start)


async def postgres_kill(scene: Scene, fault: Planned) -> None:
    """kill -9 of the server and its sessions, and started again on what it has written."""
    async with scene.taking_server("postgres", fault.kind):
        await asyncio.to_thread(scene.servers.postgres.kill)
        await asyncio.sleep(fault.seconds)
        await asyncio.to_thread(scene.servers.postgres.start)


async def copy(scene: Scene, fault: Planned) -> None:
    """A copy of all stores as they are, for the fault of the same number to put back."""
    async with scene.taking("postgres"):
        await _copy(scene, fault.number)


async def _copy(scene: Scene, number: int) -> None:
    target = scene.data / f"copy-{number}"
    await asyncio.to_thread(scene.servers.postgres.base_copy, target)
    scene.copies_taken[number] = target, time.monotonic()


async def put_back(scene: Scene, fault: Planned) -> str:
    """All stores are what they were when the copy was taken; the services run on.

    What waits to be put back later is copied anew: nobody goes back to a course of events that has been given up.
    """
    async with scene.taking_server("postgres", fault.kind):
        taken, at = scene.copies_taken.pop(fault.number)
        seconds = time.monotonic() - at
        await asyncio.to_thread(scene.servers.postgres.restore, taken)
        await asyncio.to_thread(shutil.rmtree, taken)
        for number, (given_up, _) in list(scene.copies_taken.items()):
            await asyncio.to_thread(shutil.rmtree, given_up)
            await _copy(scene, number)
    return f"{seconds:.0f} s old"


async def full_disk(scene: Scene, fault: Planned) -> str:
    """No file of Postgres may be written to beyond half the size that the largest table of the services has now."""
    async with scene.taking_server("postgres", fault.kind):
        name, size = await _largest(scene)
        limit = max(WAL_SEGMENT_MB * 1024 * 1024, size // 2)
        before = await asyncio.to_thread(_refusals, scene.servers.postgres.log)
        try:
            await asyncio.to_thread(_limit, scene.servers.postgres, str(limit))
            await asyncio.sleep(fault.seconds)
        finally:
            await asyncio.to_thread(_limit, scene.servers.postgres, "unlimited")
        await asyncio.to_thread(scene.servers.postgres.start)
        refused = await asyncio.to_thread(_refusals, scene.servers.postgres.log) - before
    return f"at {limit // 1024} KiB, {name} has {size // 1024} KiB, {refused} writes refused"


async def _largest(scene: Scene) -> tuple[str, int]:
    """The largest table or index of any store, with its size."""
    found = []
    for url in scene.servers.database_urls.values():
        connection = await asyncpg.connect(url, timeout=10)
        try:
            found += [(row["relname"], row["size"]) for row in await connection.fetch(_LARGEST)]
        finally:
            await connection.close()
    return max(found, key=lambda one: one[1])


def _limit(postgres: Postgres, size: str) -> None:
    """Sets the soft limit, as the account that the server runs under: another may not."""
    account: dict[str, Any] = {}
    if name := postgres_account():
        account = {"user": name, "group": pwd.getpwnam(name).pw_gid, "extra_groups": []}
    for pid in _processes(postgres):
        # One that has ended meanwhile needs none.
        command = ["prlimit", f"--pid={pid}", f"--fsize={size}:"]
        subprocess.run(command, **account, capture_output=True, timeout=10, check=False)


def _processes(postgres: Postgres) -> Iterator[int]:
    """The server's main process first: sessions that begin later have its limit."""
    yield postgres.pid
    try:
        yield from (process.pid for process in psutil.Process(postgres.pid).children(recursive=True))
    except psutil.NoSuchProcess:
        return


def _refusals(log: Path) -> int:
    return log.read_text(errors="replace").count(_REFUSED)
