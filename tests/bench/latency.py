"""From an operator's send to the client of the live stream, through all services, at a steady rate."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
from aiokafka import AIOKafkaProducer

from contracts import topics
from contracts.envelope.codec import encode
from deploy.local.stack import Stack
from deploy.provision import provision
from deploy.services import running
from services.chassis.base.access import KafkaAccess
from tests.support import builders as b
from tests.support.stores import lift_budgets
from tests.support.system import signed_in

_VIEWER = "corridor-control"
_WARM_UP_SECONDS = 3.0
_PATIENCE_SECONDS = 30.0


def measure(stack: Stack, data: Path, rate: int, seconds: float) -> dict[str, Any]:
    """p50 and p99 in milliseconds over the events behind the warm-up."""
    tokens = asyncio.run(provision(stack.access, stack.database_urls, data / "tokens.json"))
    asyncio.run(lift_budgets(stack.database_urls.values()))
    with running(signed_in(stack, data)) as services:
        found = asyncio.run(_measure(stack, services.url("notifications"), tokens[_VIEWER], rate, seconds))
    print(f"latency at {rate} events/s: p50 {found['p50_ms']} ms, p99 {found['p99_ms']} ms, {found['samples']} samples")
    return {name: found[name] for name in ("p50_ms", "p99_ms")}


async def _measure(stack: Stack, url: str, token: str, rate: int, seconds: float) -> dict[str, Any]:
    count = int(rate * seconds)
    sent: dict[str, float] = {}
    taken: dict[str, float] = {}
    reading = asyncio.create_task(_read(url, token, taken, count))
    await _send(stack.access, rate, count, sent)
    await asyncio.wait_for(reading, _PATIENCE_SECONDS)
    begun = min(sent.values()) + _WARM_UP_SECONDS
    delays = sorted((taken[name] - at) * 1000 for name, at in sent.items() if at >= begun)
    return {
        "p50_ms": round(delays[len(delays) // 2], 1),
        "p99_ms": round(delays[int(len(delays) * 0.99)], 1),
        "samples": len(delays),
    }


async def _send(access: KafkaAccess, rate: int, count: int, sent: dict[str, float]) -> None:
    """Sends at a steady rate, whatever becomes of what was sent before."""
    producer = AIOKafkaProducer(**access.options())
    await producer.start()
    try:
        await _produce(producer, b.a_consist({b.WAGON: [b.container(n) for n in range(1, 5)]}))
        begun = time.perf_counter()
        for number in range(count):
            await asyncio.sleep(max(0.0, begun + number / rate - time.perf_counter()))
            train = f"train:pr/L{number % 400}/2026-06-22"
            instant = (datetime.now(UTC) - timedelta(hours=1)).isoformat(timespec="microseconds")
            event = b.a_milestone("PASS", train, point="pk-sibi", id=f"n{number}", occurred_at=instant)
            if number < 400:
                await _produce(producer, b.a_plan(train, id=f"p{number}"))
            sent[instant] = time.perf_counter()
            await _produce(producer, event)
    finally:
        await producer.stop()


async def _produce(producer: AIOKafkaProducer, event: Any) -> None:
    headers = encode(id=event.id, source=event.source, type=event.type, subject=event.subject)
    await producer.send(topics.MILESTONES.of("pr"), event.body, key=event.subject.encode(), headers=headers)


async def _read(url: str, token: str, taken: dict[str, float], count: int) -> None:
    headers = {"Authorization": f"Bearer {token}"}
    async with (
        httpx.AsyncClient(timeout=httpx.Timeout(10, read=_PATIENCE_SECONDS), trust_env=False) as client,
        client.stream("GET", f"{url}/v1/stream", headers=headers) as response,
    ):
        async for item in _items(response):
            if item.get("code") == "PASS":
                taken.setdefault(item["occurred_at"], time.perf_counter())
            if len(taken) == count:
                return


async def _items(response: httpx.Response) -> AsyncIterator[dict[str, Any]]:
    async for line in response.aiter_lines():
        if line.startswith("data:"):
            yield json.loads(line[5:])
