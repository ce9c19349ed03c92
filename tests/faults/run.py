"""One run: a system, a load, the faults of a plan, and in the end everything mended, settled and checked.

Invariant: what is thrown is a function of seed and plan; every wait is bounded, and one that runs out is a violation.
"""

from __future__ import annotations

import asyncio
import json
import pickle
import time
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

from deploy.local.datadir import temporary_directory
from deploy.provision import provision
from deploy.services import SERVICES, Services
from deploy.settled import NotSettled, Watch
from tests.faults import invariants, stores
from tests.faults.evidence import Acknowledged, Evidence, Send, Violation
from tests.faults.kinds import KINDS
from tests.faults.load import sends
from tests.faults.looked import look
from tests.faults.player import Player
from tests.faults.recovery import Recovery
from tests.faults.scene import AS_OF, BEGIN, Scene
from tests.faults.schedule import COPY, Planned
from tests.faults.servers import Servers, running_servers
from tests.faults.streams import PARTIES, Reader

FOUND = "found.pickle"
"""What a run has left in stores and topics, with the evidence, for whoever looks into it."""
SESSION_SECONDS = 6.0
# The clock jumps by months: nothing is to go by its age, since the checks look for all of it.
_SETTINGS = {
    "SESSION_TIMEOUT_SECONDS": f"{SESSION_SECONDS:g}",
    "KEEP_DAYS": json.dumps(dict.fromkeys(("receipt", "dead_letter", "item", "history"), 9999)),
}
COPIES = [f"{service}-{number}" for service in SERVICES for number in (1, 2)]

_READY_WITHIN = 90.0
_TOLD_EVERY = 5.0
_CAUGHT_UP_WITHIN = 30.0


@dataclass(frozen=True, slots=True)
class Run:
    """What is to be done: so long, with so many journeys or a load of its own, these faults, copies of this build."""

    seed: int
    seconds: float
    journeys: int
    plan: Sequence[Planned]
    build: Callable[[str], Sequence[str]] | None = None
    settled_within: float = 300.0
    load: Sequence[Send] | None = None


@dataclass(slots=True)
class Outcome:
    """What came of it."""

    violations: list[Violation] = field(default_factory=list)
    faults: int = 0
    sent: int = 0
    accepted: int = 0
    recovery: list[float] = field(default_factory=list)
    seconds: float = 0.0


def played(wanted: Run, tell: Callable[[str], None] = lambda _: None) -> Outcome:
    """Runs it on a directory that is gone afterwards; raises what `run` raises."""
    outcome = Outcome()
    with temporary_directory() as data:
        asyncio.run(run(wanted, data, outcome, tell))
    return outcome


async def run(wanted: Run, data: Path, outcome: Outcome, tell: Callable[[str], None]) -> None:
    """Runs it on a directory of its own; `outcome` says what has come of it, also when this fails."""
    began = time.monotonic()
    async with running_servers(data) as servers:
        tokens = await provision(servers.kafka.access, servers.database_urls, data / "tokens.json")
        await stores.spread_out(servers.database_urls)
        async with _scene(wanted, servers, tokens, data, outcome) as scene:
            evidence = await _disturbed(wanted, scene, outcome, tell)
            tell("checking")
            outcome.recovery = scene.recovery.seconds
            outcome.accepted = await stores.accepted(servers.database_urls)
            (data / FOUND).write_bytes(pickle.dumps((evidence, await look(evidence))))
            outcome.violations += await invariants.check(evidence)
    outcome.seconds = time.monotonic() - began


@asynccontextmanager
async def _scene(
    wanted: Run, servers: Servers, tokens: dict[str, str], data: Path, outcome: Outcome
) -> AsyncIterator[Scene]:
    """All copies, ready, with those that watch them."""
    services = Services(
        {},
        data / "logs",
        copies=dict.fromkeys(SERVICES, 2),
        clock="stepped",
        settings=_SETTINGS,
        environments=servers.environments(data),
    )
    recovery = Recovery(services.endpoints, outcome.violations)
    scene = Scene(servers, services, recovery, tokens, data, outcome.violations, wanted.seconds)
    for endpoint in services.endpoints:
        if wanted.build is not None:
            services.run_as(endpoint.copy, *wanted.build(endpoint.service))
    watching = [asyncio.create_task(recovery.watch())]
    try:
        await asyncio.to_thread(services.launch)
        await recovery.all_ready(_READY_WITHIN)
        watching.append(asyncio.create_task(scene.supervise()))
        yield scene
    finally:
        await _cancelled(watching)
        await asyncio.to_thread(services.stop)


async def _disturbed(wanted: Run, scene: Scene, outcome: Outcome, tell: Callable[[str], None]) -> Evidence:
    """The load amid the faults, until all is mended and settled again."""
    urls = [e.url for e in scene.services.endpoints if e.service == "notifications"]
    readers = [Reader(party, scene.tokens[party], urls, wanted.seed) for party in PARTIES]
    reading = [asyncio.create_task(reader.read()) for reader in readers]
    access = scene.servers.kafka.access
    try:
        async with Watch(scene.services.endpoints, access, scene.tokens["operations"]) as watch:
            await watch.step(BEGIN, _READY_WITHIN)
            async with Player(access) as player:
                await _play(wanted, scene, player, tell)
            outcome.faults = sum(one.kind != COPY for one in wanted.plan)
            outcome.sent = len(player.acknowledged)
            tell("all faults are mended")
            outcome.violations += await _settle(wanted, scene, watch, readers, tell)
    finally:
        await _cancelled(reading)
    return _evidence(scene, player.acknowledged, readers)


async def _play(wanted: Run, scene: Scene, player: Player, tell: Callable[[str], None]) -> None:
    scene.began = time.monotonic()
    load = wanted.load or sends(wanted.seed, wanted.journeys)
    async with asyncio.TaskGroup() as under_way:
        under_way.create_task(player.play(load, wanted.seconds))
        for planned in wanted.plan:
            under_way.create_task(_throw(planned, scene, tell))


async def _throw(planned: Planned, scene: Scene, tell: Callable[[str], None]) -> None:
    await asyncio.sleep(scene.began + planned.at - time.monotonic())
    at = time.monotonic() - scene.began
    try:
        said = await KINDS[planned.kind](scene, planned)
    except Exception as failure:
        scene.violations.append(Violation("thrown", f"{planned}: {failure!r}"))
        said = repr(failure)
    lasted = time.monotonic() - scene.began - at
    if planned.kind != COPY:
        more = f": {said}" if said else ""
        tell(
            f"fault {planned.number:3} at {at:6.1f} s, mended after {lasted:5.1f} s: {planned.kind} {planned.on}{more}"
        )


async def _settle(
    wanted: Run, scene: Scene, watch: Watch, readers: Sequence[Reader], tell: Callable[[str], None]
) -> list[Violation]:
    """Brings the system to rest at the final instant, before and after everything is published once more."""
    urls = scene.servers.database_urls
    try:
        await scene.recovery.all_ready(_READY_WITHIN)
        await watch.step(AS_OF, _READY_WITHIN)
        await _settled(wanted, scene, watch, tell)
        before = await stores.drawn(urls)
        await stores.republish(urls)
        await _settled(wanted, scene, watch, tell)
        violations = list(stores.stale(before, await stores.drawn(urls)))
    except (NotSettled, TimeoutError) as failure:
        violations = [Violation("settled", f"{failure}; what else is named was looked at in a system that moved")]
    ends = await stores.feed_ends(urls["notifications"])
    caught = await asyncio.gather(*(r.caught_up(ends.get(r.party, 0), _CAUGHT_UP_WITHIN) for r in readers))
    return violations + [
        Violation("stream", f"the stream of {reader.party} did not come to the end of the feed")
        for reader, came in zip(readers, caught, strict=True)
        if not came
    ]


async def _settled(wanted: Run, scene: Scene, watch: Watch, tell: Callable[[str], None]) -> None:
    """Waits, and tells now and then what for."""
    end = time.monotonic() + wanted.settled_within
    while True:
        try:
            await watch.settled(_TOLD_EVERY, AS_OF)
        except NotSettled as failure:
            if time.monotonic() > end:
                raise
            tell(str(failure))
            for line in await stores.at_work(scene.servers.postgres.admin_url):
                tell(f"  {line}")
        else:
            tell("settled")
            return


def _evidence(scene: Scene, acknowledged: Sequence[Acknowledged], readers: Sequence[Reader]) -> Evidence:
    return Evidence(
        scene.servers.kafka.access,
        scene.servers.database_urls,
        {service: scene.services.url(service) for service in SERVICES},
        scene.tokens,
        AS_OF,
        acknowledged,
        {reader.party: reader.items for reader in readers},
    )


async def _cancelled(tasks: Sequence[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
