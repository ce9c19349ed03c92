"""Faults of Kafka and Postgres themselves: killed, away, put back to an earlier copy, out of space.

Invariant: afterwards the server answers again, at the same address.
"""

from __future__ import annotations

import asyncio
import resource
import shutil
import time
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import psutil

from deploy.local.postgres import Postgres
from tests.faults.scene import Scene
from tests.faults.schedule import Planned
from tests.faults.servers import WAL_SEGMENT_MB

# Only what grows with the load: a file of the catalogue may be larger.
_LARGEST = """
SELECT coalesce(max(pg_relation_size(oid)), 0) FROM pg_class WHERE relname = $1 AND relkind = 'r'
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
        target = scene.data / f"copy-{fault.number}"
        await asyncio.to_thread(scene.servers.postgres.base_copy, target)
        scene.copies_taken[fault.number] = target, time.monotonic()


async def put_back(scene: Scene, fault: Planned) -> str:
    """All stores are what they were when the copy was taken; the services run on."""
    async with scene.taking_server("postgres", fault.kind):
        taken, at = scene.copies_taken.pop(fault.number)
        seconds = time.monotonic() - at
        await asyncio.to_thread(scene.servers.postgres.restore, taken)
        await asyncio.to_thread(shutil.rmtree, taken)
    return f"{seconds:.0f} s old"


async def full_disk(scene: Scene, fault: Planned) -> str:
    """No file of Postgres may grow beyond the size that a table of the services has now."""
    async with scene.taking_server("postgres", fault.kind):
        limit = max(WAL_SEGMENT_MB * 1024 * 1024, await _largest(scene, fault.on))
        before = await asyncio.to_thread(_refusals, scene.servers.postgres.log)
        try:
            for _ in range(int(fault.seconds / 0.2)):
                # Sessions that have begun meanwhile have it from the server's own process.
                _limit(scene.servers.postgres, limit)
                await asyncio.sleep(0.2)
        finally:
            _limit(scene.servers.postgres, resource.RLIM_INFINITY)
        await asyncio.to_thread(scene.servers.postgres.start)
        refused = await asyncio.to_thread(_refusals, scene.servers.postgres.log) - before
    return f"at {limit // 1024} KiB, {refused} writes refused"


async def _largest(scene: Scene, table: str) -> int:
    """The size of the largest table of this name in any store."""
    sizes = [0]
    for url in scene.servers.database_urls.values():
        connection = await asyncpg.connect(url, timeout=10)
        try:
            sizes.append(await connection.fetchval(_LARGEST, table))
        finally:
            await connection.close()
    return max(sizes)


def _limit(postgres: Postgres, size: int) -> None:
    for process in _processes(postgres):
        try:
            _, hard = resource.prlimit(process.pid, resource.RLIMIT_FSIZE)
            resource.prlimit(process.pid, resource.RLIMIT_FSIZE, (size, hard))
        except ProcessLookupError:
            continue


def _processes(postgres: Postgres) -> Iterator[psutil.Process]:
    """The server's main process first: sessions that begin later have its limit."""
    try:
        main = psutil.Process(postgres.pid)
        yield main
        yield from main.children(recursive=True)
    except psutil.NoSuchProcess:
        return


def _refusals(log: Path) -> int:
    return log.read_text(errors="replace").count(_REFUSED)
