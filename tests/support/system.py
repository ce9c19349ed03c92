"""A whole system of its own for one test module: Kafka, Postgres, and copies of services as processes."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import asyncpg
import httpx
from aiokafka import AIOKafkaProducer

from contracts import topics
from contracts.envelope.codec import Event, encode
from deploy.broker_clients import service_environments
from deploy.local.datadir import temporary_directory
from deploy.local.stack import Stack, open_stack
from deploy.provision import provision
from deploy.services import SERVICES, Services
from deploy.settled import Watch
from tests.support.stores import lift_budgets


@dataclass
class System:
    """A running system, with what tests ask of it."""

    stack: Stack
    services: Services
    tokens: dict[str, str]
    data: Path
    producer: AIOKafkaProducer
    sent: list[tuple[str, bytes]] = field(default_factory=list)

    def headers(self, party: str) -> dict[str, str]:
        return {"Authorization": f"Bearer {self.tokens[party]}"}

    async def send(self, *events: Event, topic: str | None = None) -> None:
        """Produces events to their senders' topics, and waits until Kafka has them."""
        waiting = []
        for event in events:
            headers = encode(id=event.id, source=event.source, type=event.type, subject=event.subject)
            name = topic or topic_of(event)
            sent = await self.producer.send(name, event.body, key=event.subject.encode(), headers=headers)
            waiting.append(sent)
        await asyncio.gather(*waiting)

    async def settled(self, within: float = 60) -> None:
        """Waits until every service is idle."""
        token = self.tokens["operations"]
        async with Watch(self.services.endpoints, self.stack.access, token) as watch:
            await watch.settled(within)

    async def get(self, service: str, path: str, party: str, **params: Any) -> Any:
        """The JSON of an answer; raises for a status that is no success."""
        async with httpx.AsyncClient(trust_env=False, timeout=20) as client:
            url = self.services.url(service) + path
            answer = await client.get(url, params=params, headers=self.headers(party))
        answer.raise_for_status()
        return answer.json()

    async def lift_budgets(self) -> None:
        """Lets every party send and ask as often as it can; copies know of it within seconds."""
        await lift_budgets(self.stack.database_urls.values())

    async def rows(self, service: str, query: str, *values: Any) -> list[dict[str, Any]]:
        """Rows of a service's own store."""
        connection = await asyncpg.connect(self.stack.database_urls[service])
        try:
            return [dict(row) for row in await connection.fetch(query, *values)]
        finally:
            await connection.close()


def topic_of(event: Event) -> str:
    """The topic of an event's sender."""
    party = event.source.split(":")[2]
    return next(row.of(party) for row in topics.TABLE if row.ingress and event.type in row.types)


@asynccontextmanager
async def running_system(
    services: Sequence[str] = SERVICES,
    *,
    copies: Mapping[str, int] | None = None,
    settings: Mapping[str, str] | None = None,
    clock: Any = "real",
    fsync: bool = False,
) -> AsyncIterator[System]:
    """A system of these services, stopped and gone at the end."""
    with temporary_directory() as data, open_stack(data, {}, _quiet, fsync=fsync) as stack:
        tokens = await provision(stack.access, stack.database_urls, data / "tokens.json")
        running = signed_in(stack, data, services, copies=copies, clock=clock, settings=settings)
        producer = AIOKafkaProducer(**stack.access.options(), acks="all")
        await producer.start()
        try:
            await asyncio.to_thread(running.start)
            yield System(stack, running, tokens, data, producer)
        finally:
            await producer.stop()
            await asyncio.to_thread(running.stop)


def signed_in(stack: Stack, data: Path, services: Sequence[str] = SERVICES, **options: Any) -> Services:
    """Copies of services that sign in to Kafka as what they are, with what provisioning has left in a directory."""
    environments = service_environments(data, stack.access)
    return Services(stack.environment(), data / "logs", services, environments=environments, **options)


async def until(condition: Callable[[], Awaitable[bool]], within: float, what: str) -> None:
    """Waits for a condition, looking often; raises `TimeoutError` with what was awaited."""
    deadline = time.monotonic() + within
    while not await condition():
        if time.monotonic() > deadline:
            raise TimeoutError(f"{what} did not come within {within:g} s")
        await asyncio.sleep(0.05)


def _quiet(_: str) -> None:
    return None
