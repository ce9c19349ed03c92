"""An app asked without a server, or on one of its own: by clients with tokens, and by one that sees what is read."""

from __future__ import annotations

import asyncio
import socket
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import httpx
import uvicorn
from fastapi import FastAPI

from services.chassis.base.budgets import Budget
from services.chassis.base.clock import machinery_now
from services.chassis.base.parties import digest, save_party, save_token
from services.chassis.base.settings import ServiceSettings
from services.chassis.http import guard
from tests.support.stores import Store


def bearer(party: str) -> dict[str, str]:
    return {"Authorization": f"Bearer token-of-{party}"}


async def give_tokens(store: Store, parties: Iterable[str], **options: Any) -> None:
    """Gives each of these parties the token that `bearer` sends."""
    async with store.pool.acquire() as connection:
        for party in parties:
            await save_token(connection, party, "test", digest(f"token-of-{party}"), machinery_now(), **options)


async def give_budget(store: Store, party: str, **numbers: int) -> None:
    """Gives a party a budget of its own."""
    await store.book.refresh(store.pool, party)
    known = store.book.get(party)
    assert known is not None
    async with store.pool.acquire() as connection:
        await save_party(connection, known.model_copy(update={"budget": Budget(**numbers)}))


@asynccontextmanager
async def asking(app: FastAPI, address: str = "127.0.0.1", *, raises: bool = False) -> AsyncIterator[httpx.AsyncClient]:
    """A client of the app, at an address."""
    transport = httpx.ASGITransport(app, raise_app_exceptions=raises, client=(address, 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://edge", timeout=20) as client:
        yield client


@dataclass
class Sent:
    """What came of a request of which each piece of the body is only there when it is asked for."""

    status: int = 0
    pieces: int = 0
    headers: dict[str, str] = field(default_factory=dict)


async def send_in_pieces(app: FastAPI, path: str, piece: bytes, count: int, headers: dict[str, str]) -> Sent:
    """Posts `count` pieces, without saying how many."""
    sent = Sent()

    async def receive() -> dict[str, Any]:
        sent.pieces += 1
        return {"type": "http.request", "body": piece, "more_body": sent.pieces < count}

    async def send(message: dict[str, Any]) -> None:
        if message["type"] == "http.response.start":
            sent.status = message["status"]
            sent.headers = {name.decode(): value.decode() for name, value in message["headers"]}

    scope = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": "POST",
        "scheme": "http",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "root_path": "",
        "headers": [(name.lower().encode(), value.encode()) for name, value in headers.items()],
        "client": ("127.0.0.1", 1),
        "server": ("edge", 80),
    }
    await app(scope, receive, send)  # type: ignore[arg-type]
    return sent


@asynccontextmanager
async def serving(app: Any, **bounds: Any) -> AsyncIterator[int]:
    """A server of an app within these settings of HTTP; its port."""
    listener = socket.create_server(("127.0.0.1", 0))
    given = {f"http_{name}": value for name, value in bounds.items()}
    settings = ServiceSettings(
        kafka_bootstrap_servers="nowhere:1", database_url="postgresql://nowhere", http_port=0, copy_name="test", **given
    )
    protocol = guard.protocol(settings, settings.http_connections)
    config = uvicorn.Config(app, http=protocol, log_config=None, access_log=False, server_header=False, lifespan="off")
    server = uvicorn.Server(config)
    running = asyncio.create_task(server._serve([listener]))
    try:
        yield listener.getsockname()[1]
    finally:
        server.should_exit = server.force_exit = True
        await asyncio.wait_for(running, 10)
