"""Waits until the system is settled: every service idle in two passes with unchanged ends of its topics.

Invariant: idle means that queues are empty, nothing is due, positions equal the ends of every topic that the service
reads, and the clocks of all copies that answer stand where they should. A server that is away is waited for.
"""

from __future__ import annotations

import asyncio
import re
import time
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, Final

import httpx
from confluent_kafka import KafkaException, TopicPartition
from confluent_kafka.admin import AdminClient, OffsetSpec  # type: ignore[attr-defined]

from contracts.events.fields import utc_text
from deploy.services import Endpoint
from services.chassis.base.access import KafkaAccess

Ends = Mapping[tuple[str, int], int]

_BETWEEN_PASSES: Final = 0.01
_BETWEEN_TRIES: Final = 0.05
_KAFKA_WITHIN: Final = 10.0
_HTTP_WITHIN: Final = 10.0


class NotSettled(TimeoutError):
    """The system did not settle in time; the message says what was still to do."""


class Watch:
    """Looks at the copies of services and at Kafka; one connection to each for many waits."""

    def __init__(self, endpoints: Sequence[Endpoint], access: KafkaAccess, token: str) -> None:
        self._endpoints = endpoints
        self._http = httpx.AsyncClient(
            headers={"Authorization": f"Bearer {token}"}, timeout=_HTTP_WITHIN, trust_env=False
        )
        self._admin = AdminClient(access.config() | {"log_level": 0}, logger=None)
        self._matched: dict[str, list[str]] = {}

    async def __aenter__(self) -> Watch:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._http.aclose()

    async def step(self, instant: datetime, within: float) -> None:
        """Sets the corridor clock of every copy; each service has at least one that confirms it."""
        deadline = time.monotonic() + within
        while missing := await self._unconfirmed(instant):
            if time.monotonic() > deadline:
                raise NotSettled(f"no copy of {', '.join(missing)} took the clock within {within:g} s")
            await asyncio.sleep(_BETWEEN_TRIES)

    async def settled(self, within: float, instant: datetime | None = None) -> None:
        """Returns when the system is settled; with `instant`, at that instant. Raises `NotSettled`."""
        deadline = time.monotonic() + within
        before: Ends | None = None
        while True:
            ends, busy = await self._look(instant)
            if not busy and ends == before:
                return
            if time.monotonic() > deadline:
                raise NotSettled(f"not settled within {within:g} s: {'; '.join(busy) or 'topics still grow'}")
            before = None if busy else ends
            await asyncio.sleep(_BETWEEN_TRIES if busy else _BETWEEN_PASSES)

    async def states(self) -> list[dict[str, Any]]:
        """The operations state of every copy that answers."""
        found = await asyncio.gather(*(self._state(endpoint) for endpoint in self._endpoints))
        return [state for state in found if state is not None]

    async def _look(self, instant: datetime | None) -> tuple[Ends, list[str]]:
        """The ends of the topics, and what is still to be done."""
        states = await self.states()
        if instant is not None and any(datetime.fromisoformat(s["clock"]) < instant for s in states):
            # A copy that has just started takes its clock from the store, which may have been put back.
            await self._unconfirmed(instant)
            return {}, ["a clock was behind"]
        busy = [f"{name} does not answer" for name in self._silent(states)]
        busy += [f"{s['service']} has {number} {queue}" for s in states for queue, number in s["to_do"].items()]
        if busy:
            return {}, busy
        try:
            ends = await self._ends([r for s in states for r in s["reads"]])
        except (KafkaException, TimeoutError):
            return {}, ["Kafka does not answer"]
        return ends, [what for state in states for what in self._unread(state, ends)]

    def _silent(self, states: Sequence[Mapping[str, Any]]) -> list[str]:
        return sorted({e.service for e in self._endpoints} - {s["service"] for s in states})

    def _unread(self, state: Mapping[str, Any], ends: Ends) -> list[str]:
        name = state["service"]
        read = {(p["topic"], p["partition"]): p["next_offset"] for p in state["positions"]}
        mine = {topic for pattern in state["reads"] for topic in self._matched.get(pattern, ())}
        behind = [
            f"{name} is at {read.get(place, 0)} of {end} of {place[0]}/{place[1]}"
            for place, end in sorted(ends.items())
            if place[0] in mine and read.get(place, 0) != end
        ]
        return behind[:3]

    async def _ends(self, patterns: Sequence[str]) -> Ends:
        topics = await asyncio.to_thread(self._topics)
        self._matched = {pattern: [t for t in topics if re.fullmatch(pattern, t)] for pattern in patterns}
        wanted = {topic for found in self._matched.values() for topic in found}
        places = [TopicPartition(topic, number) for topic in sorted(wanted) for number in range(topics[topic])]
        return await asyncio.to_thread(self._latest, places)

    def _topics(self) -> dict[str, int]:
        """The topics with the numbers of their partitions."""
        found = self._admin.list_topics(timeout=_KAFKA_WITHIN).topics
        return {name: len(topic.partitions) for name, topic in found.items()}

    def _latest(self, places: Sequence[TopicPartition]) -> Ends:
        asked = self._admin.list_offsets({place: OffsetSpec.latest() for place in places})
        return {(place.topic, place.partition): future.result(_KAFKA_WITHIN).offset for place, future in asked.items()}

    async def _state(self, endpoint: Endpoint) -> dict[str, Any] | None:
        try:
            answer = await self._http.get(f"{endpoint.url}/ops/state")
        except httpx.HTTPError:
            return None
        return answer.json() if _usable(answer) else None

    async def _unconfirmed(self, instant: datetime) -> list[str]:
        confirmed = await asyncio.gather(*(self._set(endpoint, instant) for endpoint in self._endpoints))
        done = {e.service for e, took in zip(self._endpoints, confirmed, strict=True) if took}
        return sorted({e.service for e in self._endpoints} - done)

    async def _set(self, endpoint: Endpoint, instant: datetime) -> bool:
        try:
            answer = await self._http.post(f"{endpoint.url}/ops/clock", json={"instant": utc_text(instant)})
        except httpx.HTTPError:
            return False
        return _usable(answer)


async def wait_settled(endpoints: Sequence[Endpoint], access: KafkaAccess, token: str, timeout: float) -> None:
    """Returns when the system is settled; raises `NotSettled` after `timeout` seconds."""
    async with Watch(endpoints, access, token) as watch:
        await watch.settled(timeout)


def _usable(answer: httpx.Response) -> bool:
    """Whether it is an answer; one that says to try again is none, and a refusal is an error to be seen."""
    if answer.status_code >= 500:
        return False
    answer.raise_for_status()
    return True
