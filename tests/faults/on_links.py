"""Faults between one service and one server: connections cut, refused, late, swallowed, slow.

Invariant: afterwards the link carries everything again, and no connection is left that has lost bytes.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from tests.faults.proxy import Link, Trouble
from tests.faults.recovery import SERVER_BOUND
from tests.faults.scene import Scene
from tests.faults.schedule import Planned


async def cut(scene: Scene, fault: Planned) -> None:
    """Every connection is reset at once; new ones are welcome."""
    async with _taken(scene, fault) as link:
        await link.cut()


async def refuse(scene: Scene, fault: Planned) -> None:
    """No connection is there, and none is to be had."""
    async with _taken(scene, fault) as link:
        await link.close()
        await asyncio.sleep(fault.seconds)


async def delay(scene: Scene, fault: Planned) -> str:
    """Everything comes late."""
    async with _taken(scene, fault) as link:
        link.worsen(Trouble(delay=fault.amount))
        await asyncio.sleep(fault.seconds)
    return f"by {fault.amount:g} s"


async def swallow(scene: Scene, fault: Planned) -> None:
    """Connections stand and are accepted, and nothing comes through."""
    async with _taken(scene, fault) as link:
        link.worsen(Trouble(swallows=True))
        await asyncio.sleep(fault.seconds)


async def slow(scene: Scene, fault: Planned) -> str:
    """Everything comes, in its own time."""
    async with _taken(scene, fault) as link:
        link.worsen(Trouble(bytes_per_second=fault.amount))
        await asyncio.sleep(fault.seconds)
    return f"{fault.amount:g} bytes a second"


@asynccontextmanager
async def _taken(scene: Scene, fault: Planned) -> AsyncIterator[Link]:
    link = scene.servers.links[fault.on]
    async with scene.taking(link.name):
        with scene.recovery.disturbed(fault.kind, scene.copies(link.service), SERVER_BOUND):
            try:
                yield link
            finally:
                await link.mend()
