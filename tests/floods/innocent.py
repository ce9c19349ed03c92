"""A party that reports now and then, and how long it takes until its report is told to whoever follows the feed."""

from __future__ import annotations

import asyncio
import json
import math
import os
import sys
import time
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

import httpx

from contracts.envelope import codec
from contracts.envelope.codec import Event
from deploy.broker_clients import party_access
from deploy.services import ROOT
from tests.support import builders as b
from tests.support.system import System

CONTROL, REPORTER = "corridor-control", "pr"
_WITHIN = 60.0
_TRAINS = 8


@dataclass
class Times:
    """Seconds of each report, from the request to the feed."""

    seconds: list[float] = field(default_factory=list)

    @property
    def p99(self) -> float:
        """By the nearest rank: of 200 the 198th."""
        return sorted(self.seconds)[math.ceil(len(self.seconds) * 0.99) - 1]

    def __str__(self) -> str:
        middle = sorted(self.seconds)[len(self.seconds) // 2]
        return f"p99 {self.p99 * 1000:.0f} ms, median {middle * 1000:.0f} ms of {len(self.seconds)}"


class Innocent:
    """Reports of some trains, one after the other, and the control room that waits for each."""

    def __init__(self, system: System, client: httpx.AsyncClient, items: AsyncIterator[dict[str, Any]]) -> None:
        self._system = system
        self._client = client
        self._items = items
        self._number = 0

    async def report(self, times: Sequence[Times] | Times, count: int) -> None:
        """Sends so many reports, each when the one before has been told."""
        into = times if isinstance(times, Times) else times[0]
        for _ in range(count):
            self._number += 1
            event = _sighting(self._number)
            began = time.monotonic()
            await self._send(event)
            async with asyncio.timeout(_WITHIN):
                while not _tells(await anext(self._items), event):
                    pass
            into.seconds.append(time.monotonic() - began)

    async def _send(self, event: Event) -> None:
        document = codec.structured(
            id=event.id, source=event.source, type=event.type, subject=event.subject, data=json.loads(event.body)
        )
        headers = self._system.headers(REPORTER) | {"Content-Type": codec.STRUCTURED}
        answer = await self._client.post(
            f"{self._system.services.url('tracking')}/v1/events", json=document, headers=headers
        )
        assert answer.status_code == 202, answer.text


@asynccontextmanager
async def innocent(system: System) -> AsyncIterator[Innocent]:
    """The party, with its trains made up and the control room listening."""
    await system.send(*(b.a_consist({b.wagon(n): []}, _train(n), id=f"consist-{n}") for n in range(_TRAINS)))
    await system.settled()
    headers = system.headers(CONTROL)
    async with httpx.AsyncClient(trust_env=False, timeout=_WITHIN) as client:
        feed = (await client.get(f"{system.services.url('notifications')}/v1/feed", headers=headers)).json()
        url = f"{system.services.url('notifications')}/v1/stream?after={feed['after']}"
        async with client.stream("GET", url, headers=headers) as opened:
            yield Innocent(system, client, _items(opened))


@asynccontextmanager
async def flood(system: System, kind: str, service: str, party: str, count: int) -> AsyncIterator[dict[str, int]]:
    """A flood under way; at the end, how many answers of each status it had."""
    token = "wrong" if kind == "guesses" else system.tokens[party]
    arguments = ("tests.floods.flooder", kind, system.services.url(service), token, str(count))
    async with _flooding(arguments, {}) as seen:
        yield seen


@asynccontextmanager
async def kafka_flood(system: System, kind: str, party: str) -> AsyncIterator[dict[str, int]]:
    """A flood of a party's own topic under way; at the end, how many records and bytes the broker took."""
    access = party_access(system.data, system.stack.access, party)
    async with _flooding(("tests.floods.kafka_flooder", kind, party), access.environment()) as took:
        yield took


@asynccontextmanager
async def _flooding(arguments: Sequence[str], environment: Mapping[str, str]) -> AsyncIterator[dict[str, int]]:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", *arguments),
        cwd=ROOT,
        env=os.environ | environment,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    assert process.stdout is not None
    seen: dict[str, int] = {}
    try:
        assert await asyncio.wait_for(process.stdout.readline(), _WITHIN) == b"flooding\n"
        yield seen
        said, _ = await asyncio.wait_for(process.communicate(b""), _WITHIN)
        seen |= json.loads(said)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


async def _items(opened: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in opened.aiter_lines():
        if line.startswith("data: {"):
            yield json.loads(line.removeprefix("data: "))


def _sighting(number: int) -> Event:
    """A sighting of one of the trains: of each there are some dozens, as on any day."""
    train = _train(number % _TRAINS)
    return b.a_milestone("PASS", train, at=number / 60, id=f"innocent-{number}", point="pk-rohri")


def _train(number: int) -> str:
    return f"train:pr/I{number}/2026-06-22"


def _tells(item: dict[str, Any], event: Event) -> bool:
    """Whether an item is about this report: no other one is of its instant."""
    told: str | None = item.get("instant")
    if told is None or item.get("code") != "PASS":
        return False
    return datetime.fromisoformat(told) == datetime.fromisoformat(json.loads(event.body)["occurred_at"])
