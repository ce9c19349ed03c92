"""Starting while servers are away: a service waits, says so in one line, and goes on by itself."""

from __future__ import annotations

import asyncio
import os
import sys

import httpx
import pytest

from deploy.broker_clients import service_access
from deploy.local.datadir import temporary_directory
from deploy.local.leash import spawn
from deploy.local.ports import free_port
from deploy.local.stack import open_stack
from deploy.provision import provision
from deploy.services import ROOT
from tests.support.system import until

pytestmark = pytest.mark.servers


async def test_a_service_started_before_its_servers_waits_and_becomes_ready() -> None:
    with temporary_directory() as data, open_stack(data, {}, lambda _: None, fsync=False) as stack:
        await provision(stack.access, stack.database_urls, data / "tokens.json")
        assert stack.kafka is not None
        assert stack.postgres is not None
        stack.kafka.stop()
        stack.postgres.stop()
        port = free_port()
        environ = {
            "PATH": os.environ["PATH"],
            "PYTHONPATH": str(ROOT),
            **stack.environment(),
            **service_access(data, stack.access, "tracking").environment(),
            "HTTP_PORT": str(port),
            "COPY_NAME": "early",
        }
        child = spawn([sys.executable, "-m", "services.tracking"], environ, data / "early.log")
        try:
            assert await answers(port, "/live", 200, within=20)
            assert (await status(port, "/ready"), child.poll()) == (503, None)
            stack.postgres.start()
            stack.kafka.start()

            assert await answers(port, "/ready", 200, within=60)
        finally:
            child.stop(20)
        waits = [line for line in child.said() if '"event": "waiting"' in line]
        assert 1 <= len(waits) <= 4


async def test_a_service_stops_at_once_while_its_servers_are_away() -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "PYTHONPATH": str(ROOT),
        "KAFKA_BOOTSTRAP_SERVERS": f"127.0.0.1:{free_port()}",
        "TRACKING_DATABASE_URL": f"postgresql://x:x@127.0.0.1:{free_port()}/x",
        "HTTP_PORT": str(port := free_port()),
        "COPY_NAME": "lonely",
    }
    with temporary_directory() as data:
        child = spawn([sys.executable, "-m", "services.tracking"], environ, data / "lonely.log")
        assert await answers(port, "/live", 200, within=20)

        child.terminate()

        assert await asyncio.to_thread(child.wait, 10) == 0


async def status(port: int, path: str) -> int:
    async with httpx.AsyncClient(trust_env=False, timeout=5) as client:
        return (await client.get(f"http://127.0.0.1:{port}{path}")).status_code


async def answers(port: int, path: str, expected: int, within: float) -> bool:
    async def so() -> bool:
        try:
            return await status(port, path) == expected
        except httpx.HTTPError:
            return False

    await until(so, within, f"{expected} from {path}")
    return True
