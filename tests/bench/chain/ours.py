"""The product as a chain: its three services, each in a process of its own, as `make up` starts them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

from deploy.broker_clients import service_environments
from deploy.local.stack import DATABASE_VARIABLES
from deploy.provision import provision
from deploy.services import SERVICES, Services
from tests.bench.chain.chain import VIEWER, Chain
from tests.bench.chain.servers import Servers, running_servers
from tests.support.stores import lift_budgets

_QUEUES: Final = {"folds": "SELECT FROM fold_queue", "outbox": "SELECT FROM outbox"}


@asynccontextmanager
async def running_ours(data: Path, commands: Mapping[str, tuple[str, ...]] | None = None) -> AsyncIterator[Chain]:
    """The chain for the length of the block; `commands` are what a copy runs instead, arguments of the interpreter."""
    async with running_servers(data) as servers:
        access = servers.kafka.access
        tokens = await provision(access, servers.database_urls, data / "tokens.json")
        await lift_budgets(servers.database_urls.values())
        services = Services(
            {DATABASE_VARIABLES[service]: url for service, url in servers.database_urls.items()},
            data / "logs",
            environments=service_environments(data, access),
        )
        for copy, command in (commands or {}).items():
            services.run_as(copy, *command)
        try:
            await asyncio.to_thread(services.start)
            yield _chain(servers, services, tokens)
        finally:
            await asyncio.to_thread(services.stop)


def _chain(servers: Servers, services: Services, tokens: Mapping[str, str]) -> Chain:
    return Chain(
        "ours",
        servers,
        {service: services.pid(f"{service}-1") for service in SERVICES},
        dict.fromkeys(SERVICES, _QUEUES),
        f"{services.url('notifications')}/v1/stream",
        {"Authorization": f"Bearer {tokens[VIEWER]}"},
        f"SELECT coalesce(max(sequence), 0) FROM feed WHERE party = '{VIEWER}'",
    )
