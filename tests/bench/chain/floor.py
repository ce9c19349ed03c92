"""The floor as a chain: three processes of `tests.bench.floor` on servers with the product's topics."""

from __future__ import annotations

import asyncio
import os
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from deploy.local.leash import Child, spawn
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.waiting import wait_until
from deploy.provision import create_topics, read_parties
from deploy.services import ROOT, SERVICES
from tests.bench.chain.chain import VIEWER, Chain
from tests.bench.chain.servers import Servers, running_servers

_READY_WITHIN: Final = 60.0
_STOP_WITHIN: Final = 10.0


@asynccontextmanager
async def running_floor(data: Path) -> AsyncIterator[Chain]:
    """The chain for the length of the block."""
    async with running_servers(data) as servers:
        await create_topics(servers.kafka.access, read_parties())
        port = free_port()
        children = {service: _spawned(servers, service, port, data) for service in SERVICES}
        try:
            for service, child in children.items():
                await asyncio.to_thread(_wait_ready, service, child)
            yield Chain(
                "floor",
                servers,
                {service: child.pid for service, child in children.items()},
                {service: {"outbox": "SELECT FROM outbox"} for service in SERVICES},
                f"http://{LOOPBACK}:{port}/{VIEWER}",
                {},
                "SELECT coalesce(max(id), 0) FROM item",
            )
        finally:
            for child in children.values():
                await asyncio.to_thread(child.stop, _STOP_WITHIN)


def _spawned(servers: Servers, service: str, port: int, data: Path) -> Child:
    environ = {
        "PATH": os.environ.get("PATH", os.defpath),
        "PYTHONPATH": str(ROOT),
        **servers.kafka.access.environment(),
        "DATABASE_URL": servers.database_urls[service],
        "HTTP_PORT": str(port),
    }
    return spawn([sys.executable, "-m", "tests.bench.floor", service], environ, data / f"{service}.log", grace=5)


def _wait_ready(service: str, child: Child) -> None:
    def ready() -> bool:
        if (code := child.poll()) is not None:
            raise RuntimeError(f"the floor's {service} ended with {code}: {child.said()[-15:]}")
        return "ready" in child.said()

    wait_until(ready, _READY_WITHIN, f"the floor's {service}")
