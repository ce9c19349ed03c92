"""The servers of a run under faults, each service with a way of its own to each of them.

Invariant: services reach Kafka and Postgres through their links alone, since the broker tells each of them its own
link as address; the harness reaches the servers directly.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit, urlunsplit

from deploy.broker_clients import service_access
from deploy.local.databases import create_databases
from deploy.local.kafka import Kafka
from deploy.local.kafka_settings import Door
from deploy.local.ports import LOOPBACK, free_port
from deploy.local.postgres import Postgres
from deploy.local.runtime import prepare_runtime
from deploy.local.stack import DATABASE_VARIABLES
from deploy.services import SERVICES
from services.chassis.base.access import KafkaAccess
from tests.faults.proxy import Link

# With segments of the smallest size the log goes on while tables may not grow over a file of that size.
WAL_SEGMENT_MB = 1


@dataclass(frozen=True, slots=True)
class Servers:
    """Kafka, Postgres, and the links by `<service>><server>`; `database_urls` are the server's own."""

    kafka: Kafka
    postgres: Postgres
    links: Mapping[str, Link]
    database_urls: dict[str, str]

    def environments(self, data: Path) -> dict[str, dict[str, str]]:
        """What each service is told of where its servers are, and how it signs in, once that was provisioned."""
        return {
            service: {
                **service_access(data, self._link(service), service).environment(),
                DATABASE_VARIABLES[service]: _moved(url, self.links[f"{service}>postgres"].port),
            }
            for service, url in self.database_urls.items()
        }

    def _link(self, service: str) -> KafkaAccess:
        return self.kafka.access.at(f"{LOOPBACK}:{self.links[f'{service}>kafka'].port}")


@asynccontextmanager
async def running_servers(data: Path) -> AsyncIterator[Servers]:
    """Servers and links for the length of the block."""
    doors = {service: Door(free_port(), free_port()) for service in SERVICES}
    kafka = Kafka(data / "kafka", await asyncio.to_thread(prepare_runtime, lambda _: None), doors=doors)
    # Without fsync, since no power fails; with full pages, since a killed process may leave half of one.
    settings = {"full_page_writes": "on"}
    postgres = Postgres(data / "postgres", fsync=False, settings=settings, wal_segment_mb=WAL_SEGMENT_MB)
    links = [
        link
        for service, door in doors.items()
        for link in (Link(service, "kafka", door.port, door.advertised), Link(service, "postgres", postgres.port))
    ]
    try:
        await asyncio.gather(asyncio.to_thread(kafka.start), asyncio.to_thread(postgres.start))
        urls = await asyncio.to_thread(create_databases, postgres.admin_url)
        for link in links:
            await link.open()
        yield Servers(kafka, postgres, {link.name: link for link in links}, urls)
    finally:
        for link in links:
            await link.close()
        await asyncio.gather(asyncio.to_thread(kafka.stop), asyncio.to_thread(postgres.stop))


def _moved(url: str, port: int) -> str:
    """The same address at another port."""
    parts = urlsplit(url)
    user = parts.netloc.rpartition("@")[0]
    return urlunsplit(parts._replace(netloc=f"{user}@{LOOPBACK}:{port}"))
