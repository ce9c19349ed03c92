"""The HTTP doors of the three services on the stores of a line, for every party of the book."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import httpx

from deploy.provision import read_parties
from services.chassis.base.database import transaction
from services.chassis.base.parties import digest, save_token
from services.customs.api import make_app as customs_app
from services.notifications.api import make_app as notifications_app
from services.tracking.api import make_app as tracking_app
from tests.support import builders as b
from tests.support.pipeline import Line, runtime_of

PARTIES = {party.party: party for party in read_parties()}


@dataclass(frozen=True, slots=True)
class Doors:
    """A client of each service; whose token is sent is said with each question."""

    clients: dict[str, httpx.AsyncClient]

    async def ask(self, service: str, path: str, party: str, **query: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer token-of-{party}"}
        return await self.clients[service].get(path, params=query, headers=headers)

    async def subject(self, subject: str, party: str, part: str = "", service: str = "tracking") -> httpx.Response:
        """The answer to who asks for a subject, or its timeline."""
        return await self.ask(service, f"/v1/subjects/{subject.replace(':', '/', 1)}{part}", party)

    async def revisions(self, subject: str, party: str, **query: Any) -> list[dict[str, Any]]:
        """All revisions of a subject that a party is shown, page by page."""
        found: list[dict[str, Any]] = []
        after = ""
        while True:
            path = f"/v1/subjects/{subject.replace(':', '/', 1)}/timeline"
            page = (await self.ask("tracking", path, party, after=after, **query)).json()
            found += page.get("revisions", [])
            after = page.get("after")
            if not after:
                return found


@asynccontextmanager
async def opened(line: Line) -> AsyncIterator[Doors]:
    """Doors on the stores of a line."""
    made = (("tracking", line.tracking, tracking_app), ("customs", line.customs, customs_app))
    clients: dict[str, httpx.AsyncClient] = {}
    async with AsyncExitStack() as stack:
        for name, store, make in (*made, ("notifications", line.notifications, notifications_app)):
            async with transaction(store.pool) as connection:
                for party in PARTIES:
                    await save_token(connection, party, "test", digest(f"token-of-{party}"), b.START)
            transport = httpx.ASGITransport(make(runtime_of(store)))
            client = httpx.AsyncClient(transport=transport, base_url=f"http://{name}", timeout=20)
            clients[name] = await stack.enter_async_context(client)
        yield Doors(clients)
