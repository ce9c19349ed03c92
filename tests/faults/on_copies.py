"""Faults of one copy of a service: killed, stopped, frozen, doubled, its clock moved, replaced by a newer build.

Invariant: afterwards the copy runs, or has been started, under its own name.
"""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
from datetime import timedelta

from deploy.local.leash import Child, spawn
from tests.faults.evidence import Violation
from tests.faults.recovery import SERVICE_BOUND
from tests.faults.scene import AS_OF, Scene, instant_at
from tests.faults.schedule import Planned

_TWIN_TRIES_SECONDS = 2
_TWIN_ENDS_WITHIN = 40
_READY_WITHIN = 15.0
_MOST_AHEAD = timedelta(days=12)


async def kill(scene: Scene, fault: Planned) -> None:
    """kill -9, and started again a moment later."""
    async with scene.taking(fault.on):
        with scene.recovery.disturbed("kill", [fault.on], SERVICE_BOUND):
            await asyncio.to_thread(scene.services.kill, fault.on)
            await asyncio.sleep(fault.seconds)
            await asyncio.to_thread(scene.services.launch, fault.on)


async def term(scene: Scene, fault: Planned) -> None:
    """SIGTERM, waited for, and started again a moment later."""
    async with scene.taking(fault.on):
        await _again(scene, fault.on, "term", fault.seconds)


async def storm(scene: Scene, fault: Planned) -> None:
    """Stopped and started several times, before the group has come to rest."""
    async with scene.taking(fault.on):
        for _ in range(int(fault.amount)):
            await _again(scene, fault.on, "storm", 0.2)
            await asyncio.sleep(1.0)


async def freeze(scene: Scene, fault: Planned) -> None:
    """SIGSTOP, and SIGCONT after a while: to everybody else it is dead for so long."""
    async with scene.taking(fault.on):
        with scene.recovery.disturbed("freeze", [fault.on], SERVICE_BOUND):
            scene.services.signal(fault.on, signal.SIGSTOP)
            try:
                await asyncio.sleep(fault.seconds)
            finally:
                scene.services.signal(fault.on, signal.SIGCONT)


async def clock(scene: Scene, fault: Planned) -> str:
    """The corridor clock of one copy jumps ahead of the others."""
    ahead = scene.progress() + fault.amount * (_MOST_AHEAD / (AS_OF - instant_at(0)))
    took = await scene.step(fault.on, instant_at(ahead))
    return f"to {instant_at(ahead):%Y-%m-%d %H:%M}" if took else "does not answer"


async def twin(scene: Scene, fault: Planned) -> str:
    """A second process of the same name: it ends with 2, and the first one goes on."""
    async with scene.taking(fault.on):
        if not await scene.recovery.ready(fault.on, _READY_WITHIN):
            # Of two that start together either may have the name.
            return "the first is not at work"
        before = scene.recovery.times(fault.on)
        child = await asyncio.to_thread(_spawn_twin, scene, fault)
        code = await _ended(child)
        if scene.recovery.times(fault.on) != before:
            # The first one may have lost its name with its connection: either of the two may go on.
            await _only_the_first(scene, fault.on, child)
            return "amid other faults"
        if code != 2:
            scene.violations.append(Violation("name", f"a second {fault.on} ended with {code}, not with 2"))
            await _only_the_first(scene, fault.on, child)
        return f"ended with {code}"


async def rolling(scene: Scene, fault: Planned) -> str:
    """One copy after the other is replaced by a build whose folds have a higher number."""
    async with scene.taking(*scene.copies(fault.on)):
        scene.builds[fault.on] += 1
        for name in scene.copies(fault.on):
            build = str(scene.builds[fault.on])
            scene.services.run_as(name, "-m", "tests.faults.rolling", fault.on, build)
            await _again(scene, name, "rolling", 0.0)
            await scene.recovery.ready(name, _READY_WITHIN)
            # Both builds are at work.
            await asyncio.sleep(fault.seconds)
    return f"build +{scene.builds[fault.on]}"


async def _again(scene: Scene, name: str, cause: str, seconds: float) -> None:
    with scene.recovery.disturbed(cause, [name], SERVICE_BOUND):
        await asyncio.to_thread(scene.services.stop, name)
        await asyncio.sleep(seconds)
        await asyncio.to_thread(scene.services.launch, name)


def _spawn_twin(scene: Scene, fault: Planned) -> Child:
    environ = scene.services.environment(fault.on)
    environ |= {"HTTP_PORT": "0", "NAME_WAIT_SECONDS": str(_TWIN_TRIES_SECONDS)}
    service = fault.on.rpartition("-")[0]
    log = scene.services.log(fault.on).with_name(f"{fault.on}-twin-{fault.number}.log")
    return spawn([sys.executable, "-m", f"services.{service}"], environ, log)


async def _ended(child: Child) -> int | None:
    try:
        return await asyncio.to_thread(child.wait, _TWIN_ENDS_WITHIN)
    except subprocess.TimeoutExpired:
        return None


async def _only_the_first(scene: Scene, name: str, twin: Child) -> None:
    twin.kill()
    await asyncio.to_thread(twin.wait, _TWIN_ENDS_WITHIN)
    if scene.services.exit_code(name) is not None:
        with scene.recovery.disturbed("twin", [name], SERVICE_BOUND):
            await asyncio.to_thread(scene.services.launch, name)
