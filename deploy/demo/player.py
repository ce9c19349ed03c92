"""The stepped player: sets the corridor clock, sends what parties send up to it, waits until settled, and so on.

Invariant: a step is over when everything sent in it was acknowledged and the system is settled at the step's instant,
so the picture after it does not depend on how fast anything runs. Servers and services that are away for a while are
waited for, each step within its bound.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import groupby
from typing import Final

import httpx

from contracts.envelope import codec
from contracts.envelope.canonical import write_json
from deploy.demo import wire
from deploy.demo.senders import AccessOf, Producers, senders
from deploy.demo.wire import Send
from deploy.local.errors import CannotRun
from deploy.services import Endpoint
from deploy.settled import Watch
from services.chassis.base.access import KafkaAccess

OnStep = Callable[[int], Awaitable[None]]

WINDOW: Final = timedelta(hours=3)
_STEP_WITHIN: Final = 120.0
_BETWEEN_TRIES: Final = 0.2
_BATCH: Final = 100


class SendFailed(Exception):
    """The HTTP door refused what it must take."""


@dataclass(frozen=True, slots=True)
class Step:
    """What is sent up to an instant, in order."""

    instant: datetime
    sends: tuple[Send, ...]


def steps(sends: Sequence[Send], ends: datetime, window: timedelta = WINDOW) -> list[Step]:
    """The sends in windows of scenario time, in order; the last step stands at the end and may be empty."""
    origin = datetime(2026, 1, 1, tzinfo=UTC)
    windows = groupby(sorted(sends, key=lambda s: s.at), key=lambda s: (s.at - origin) // window)
    found = [tuple(group) for _, group in windows]
    return [*(Step(group[-1].at, group) for group in found), Step(ends, ())]


class Player:
    """Plays steps on a running system: services on stepped clocks, parties with their tokens and passwords."""

    def __init__(
        self,
        endpoints: Sequence[Endpoint],
        access: KafkaAccess,
        access_of: AccessOf,
        tokens: Mapping[str, str],
        *,
        step_within: float = _STEP_WITHIN,
    ) -> None:
        self._urls = {service: [e.url for e in endpoints if e.service == service] for service in _services(endpoints)}
        self._access_of = access_of
        self._tokens = tokens
        self._within = step_within
        self._watch = Watch(endpoints, access, tokens["operations"])
        self.sent = 0

    async def play(self, plan: Sequence[Step], on_step: OnStep | None = None, pace: float = 0) -> None:
        """Plays all steps; `on_step` is called with the number of each before it, `pace` is its least length."""
        parties = {send.party for step in plan for send in step.sends if send.mode != "http"}
        async with (
            senders(sorted(parties), self._access_of) as producers,
            self._watch,
            httpx.AsyncClient(timeout=15, trust_env=False) as http,
        ):
            await self._require_fresh()
            for number, step in enumerate(plan):
                begun = time.monotonic()
                if on_step is not None:
                    await on_step(number)
                await self._play(step, producers, http)
                await asyncio.sleep(max(0.0, begun + pace - time.monotonic()))

    async def _require_fresh(self) -> None:
        """A journey is played once on a system; embedded servers are fresh by themselves."""
        read = [p["topic"] for state in await self._watch.states() for p in state["positions"] if p["next_offset"]]
        if read:
            raise CannotRun(f"the servers given have been used ({read[0]} was read): the demo needs fresh ones")

    async def _play(self, step: Step, producers: Producers, http: httpx.AsyncClient) -> None:
        sends = [send for send in step.sends if send.service in self._urls]
        await self._watch.step(step.instant, self._within)
        try:
            async with asyncio.timeout(self._within):
                await self._send(sends, producers, http)
        except TimeoutError as failure:
            raise TimeoutError(f"not all that is sent at {step.instant} was taken in {self._within:g} s") from failure
        self.sent += len(sends)
        await self._watch.settled(self._within, step.instant)

    async def _send(self, sends: Sequence[Send], producers: Producers, http: httpx.AsyncClient) -> None:
        await self._produce([send for send in sends if send.mode != "http"], producers)
        for (service, party), group in _by_door([send for send in sends if send.mode == "http"]):
            await self._post(service, party, group, http)

    async def _produce(self, sends: Sequence[Send], producers: Producers) -> None:
        acknowledged = []
        for send in sends:
            record, producer = wire.record(send), producers[send.party]
            acknowledged.append(
                await producer.send(record.topic, record.value, key=record.key, headers=list(record.headers))
            )
        await asyncio.gather(*acknowledged)

    async def _post(self, service: str, party: str, sends: Sequence[Send], http: httpx.AsyncClient) -> None:
        """One batch through the HTTP door, again until it is taken: the same id again is safe."""
        body = write_json([wire.document(send) for send in sends])
        headers = {"authorization": f"Bearer {self._tokens[party]}", "content-type": codec.BATCH}
        urls = self._urls[service]
        attempt = 0
        while True:
            answer = await _answer(http.post(f"{urls[attempt % len(urls)]}/v1/events", content=body, headers=headers))
            if answer is not None and answer.status_code < 500:
                break
            attempt += 1
            await asyncio.sleep(_BETWEEN_TRIES)
        if answer.status_code >= 300:
            raise SendFailed(f"{party}: {answer.status_code} {answer.text[:500]}")


async def _answer(request: Awaitable[httpx.Response]) -> httpx.Response | None:
    try:
        return await request
    except httpx.HTTPError:
        return None


def _services(endpoints: Sequence[Endpoint]) -> list[str]:
    return sorted({endpoint.service for endpoint in endpoints})


def _by_door(sends: Sequence[Send]) -> list[tuple[tuple[str, str], list[Send]]]:
    """Batches of one party for one service, of a size that a door takes."""
    doors: dict[tuple[str, str], list[Send]] = {}
    for send in sends:
        doors.setdefault((send.service, send.party), []).append(send)
    return [(door, found[n : n + _BATCH]) for door, found in doors.items() for n in range(0, len(found), _BATCH)]
