"""Kafka and Postgres for one chain, as `make up` starts them, with what counts the statements.

Invariant: Postgres writes to disk as in production (`fsync` and `synchronous_commit` on); each service has a database
and a role of its own, by which its sessions are told apart.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

import asyncpg

from deploy.local.databases import create_databases
from deploy.local.kafka import Kafka
from deploy.local.postgres import Postgres
from deploy.local.runtime import prepare_runtime

_SETTINGS: Final = {
    "shared_preload_libraries": "pg_stat_statements",
    "pg_stat_statements.track": "all",
    "pg_stat_statements.max": "5000",
}


@dataclass(frozen=True, slots=True)
class Servers:
    """Both servers, and where the services' databases are."""

    kafka: Kafka
    postgres: Postgres
    database_urls: dict[str, str]

    def as_admin(self, service: str) -> str:
        """The administrator's address of a service's database, so that who looks is no session of the service."""
        return urlsplit(self.postgres.admin_url)._replace(path=urlsplit(self.database_urls[service]).path).geturl()


@asynccontextmanager
async def running_servers(data: Path) -> AsyncIterator[Servers]:
    """Both of them for the length of the block, on a directory of their own."""
    kafka = Kafka(data / "kafka", await asyncio.to_thread(prepare_runtime, lambda _: None))
    postgres = Postgres(data / "postgres", settings=_SETTINGS)
    try:
        await asyncio.gather(asyncio.to_thread(kafka.start), asyncio.to_thread(postgres.start))
        urls = await asyncio.to_thread(create_databases, postgres.admin_url)
        connection = await asyncpg.connect(postgres.admin_url)
        await connection.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        await connection.close()
        yield Servers(kafka, postgres, urls)
    finally:
        await asyncio.gather(asyncio.to_thread(kafka.stop), asyncio.to_thread(postgres.stop))
